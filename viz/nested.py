"""The graph as Graphviz and Mermaid see it: nodes in nested clusters, edges between ops.

An edge leads from the op that gives a value, or the parameter, straight to the op that reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Op, Region, Value
from sglc.compiler.ir.values import EFFECT
from sglc.viz import words
from sglc.viz.atlas import Atlas
from sglc.viz.hints import hint_words


class Node(NamedTuple):
    """An op or a parameter. ``kind`` is that of ``words.kind``, or ``param``."""

    id: str
    kind: str
    title: str
    detail: str


class Cluster(NamedTuple):
    """A function or a region, with what it holds in program order."""

    id: str
    title: str
    parts: list[Node | Cluster]


class Edge(NamedTuple):
    """``kind``: stream, effect or data."""

    source: str
    target: str
    kind: str


class Nested(NamedTuple):
    """The clusters of all functions and the edges between their nodes."""

    clusters: list[Cluster]
    edges: list[Edge]


def nest(atlas: Atlas) -> Nested:
    """Return the nodes, clusters and edges of all functions shown."""
    clusters, edges = [], []
    for number, function in enumerate(atlas.functions):
        nester = _Nester(atlas, f"f{number}")
        clusters.append(nester.function(function))
        edges += list(dict.fromkeys(nester.edges))
    return Nested(clusters, edges)


class _Nester:
    def __init__(self, atlas: Atlas, prefix: str) -> None:
        self.atlas = atlas
        self.prefix = prefix
        self.edges: list[Edge] = []
        self.givers: dict[Value, str] = {}
        self.num_params = 0

    def function(self, function: Function) -> Cluster:
        title = f"{function.kind} {function.name}"
        parts = [*self.params([p.value for p in function.params]), *self.ops(function.body)]
        return Cluster(self.prefix, title, parts)

    def params(self, values: list[Value]) -> Iterator[Node]:
        for value in values:
            self.givers[value] = name = f"{self.prefix}p{self.num_params}"
            self.num_params += 1
            yield Node(name, "param", str(value), str(value.type))

    def ops(self, region: Region) -> Iterator[Node | Cluster]:
        for op in region.ops:
            yield from self.op(op)

    def op(self, op: Op) -> Iterator[Node | Cluster]:
        name = f"o{self.atlas.numbers[op]}"
        title = words.head(op, self.atlas.makers(op)) if op.regions else words.title(op)
        detail = words.results(op)
        if op.spec.model:
            detail = " · ".join(part for part in (words.bounds(op), *hint_words(op)) if part)
        yield Node(name, words.kind(op), title, detail)
        for value in op.inputs():
            kind = "stream" if words.is_stream(value.type) else "data"
            kind = "effect" if value.type == EFFECT else kind
            self.edges.append(Edge(self.givers[value], name, kind))
        for number, region in enumerate(op.regions):
            case = " | ".join(words.show(item) for item in region.case)
            label = f"{op.name}: {region.label} {case}".strip()
            parts = [*self.params(list(region.params)), *self.ops(region)]
            yield Cluster(f"{name}r{number}", label, parts)
        self.givers |= dict.fromkeys(op.results, name)
