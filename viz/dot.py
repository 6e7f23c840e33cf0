"""The graph in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sglc.viz.atlas import Atlas
from sglc.viz.nested import Cluster, Edge, Node, nest
from sglc.viz.words import clip

MAX_TEXT: Final = 48
_NODES: Final = {
    "model": 'color="#b5269a" penwidth=2',
    "call": 'color="#7a4fd0"',
    "host": 'color="#b4600a"',
    "control": 'color="#2f6f8f" shape=component',
    "end": 'color="#5b6470" style=rounded',
    "stream": 'color="#17794f"',
    "hint": 'color="#b4600a" style="rounded,dashed"',
    "param": 'color="#5b6470" shape=ellipse',
    "data": "",
}
_EDGES: Final = {"stream": ' [color="#17794f" penwidth=2]', "effect": " [style=dashed]", "data": ""}


def dot_text(atlas: Atlas) -> str:
    """Return a digraph with a cluster per function and region."""
    nested = nest(atlas)
    lines = ["digraph program {", "  node [shape=box fontname=monospace fontsize=10]"]
    lines += ["  graph [fontname=monospace fontsize=10 style=rounded]"]
    for cluster in nested.clusters:
        lines += _cluster(cluster, "  ")
    lines += [_edge(edge) for edge in nested.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _cluster(cluster: Cluster, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph cluster_{cluster.id} {{"
    yield f"{indent}  label={_quote(cluster.title)}"
    for part in cluster.parts:
        if isinstance(part, Node):
            yield indent + "  " + _node(part)
        else:
            yield from _cluster(part, indent + "  ")
    yield f"{indent}}}"


def _node(node: Node) -> str:
    text = "\n".join(clip(line, MAX_TEXT) for line in (node.title, node.detail) if line)
    style = _NODES[node.kind]
    return f"{node.id} [label={_quote(text)}{' ' + style if style else ''}]"


def _edge(edge: Edge) -> str:
    return f"  {edge.source} -> {edge.target}{_EDGES[edge.kind]}"


def _quote(text: str) -> str:
    """A string of Graphviz, where a backslash begins an escape."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
