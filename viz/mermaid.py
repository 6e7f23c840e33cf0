"""The graph as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sglc.viz.atlas import Atlas
from sglc.viz.nested import Cluster, Node, nest
from sglc.viz.words import clip

MAX_TEXT: Final = 48
_ARROWS: Final = {"stream": "==>", "effect": "-.->", "data": "-->"}
_SHAPES: Final = {"model": ("([", "])"), "param": ("(", ")"), "control": ("{{", "}}")}
_STYLES: Final = (
    "  classDef model stroke:#b5269a,stroke-width:2px",
    "  classDef call stroke:#7a4fd0",
    "  classDef host stroke:#b4600a",
    "  classDef stream stroke:#17794f",
)


def mermaid_text(atlas: Atlas) -> str:
    """Return a flowchart with a subgraph per function and region."""
    nested = nest(atlas)
    lines = ["flowchart TD"]
    for cluster in nested.clusters:
        lines += _cluster(cluster, "  ")
    lines += [f"  {e.source} {_ARROWS[e.kind]} {e.target}" for e in nested.edges]
    return "\n".join([*lines, *_STYLES]) + "\n"


def _cluster(cluster: Cluster, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph {cluster.id}[{_quote(cluster.title)}]"
    for part in cluster.parts:
        if isinstance(part, Node):
            yield indent + "  " + _node(part)
        else:
            yield from _cluster(part, indent + "  ")
    yield f"{indent}end"


def _node(node: Node) -> str:
    text = "<br>".join(_escape(clip(line, MAX_TEXT)) for line in (node.title, node.detail) if line)
    left, right = _SHAPES.get(node.kind, ("[", "]"))
    styled = f":::{node.kind}" if any(f"classDef {node.kind} " in line for line in _STYLES) else ""
    return f'{node.id}{left}"{text}"{right}{styled}'


def _quote(text: str) -> str:
    return f'"{_escape(text)}"'


def _escape(text: str) -> str:
    """Entities for what Mermaid, or the HTML it makes, would read."""
    return "".join(c if c.isalnum() or c in " .,:_%()=+-/|[]{}≤·…" else f"#{ord(c)};" for c in text)
