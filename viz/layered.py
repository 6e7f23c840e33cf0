"""Layered drawings of directed graphs: boxes in layers, edges from one layer to a later one.

The steps of Sugiyama, Tagawa and Toda ("Methods for Visual Understanding of Hierarchical System
Structures", 1981): layers by longest path, crossings reduced by medians, then coordinates. A
coordinate sweep gives every box the place nearest to its neighbours that keeps the order and the
distances of its layer: isotonic regression by pooling adjacent violators, which is exact.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

Point = tuple[float, float]

GAP = 18.0  # between boxes of one layer
LAYER_GAP = 26.0  # between layers
LANE = 10.0  # the width that a passing edge takes
MAX_SPAN = 24  # edges over more layers run beside the boxes, or bends would outnumber boxes
SWEEPS = 4


class Drawing(NamedTuple):
    """Boxes by their top left corners, edges by the points they pass, in the order given."""

    width: float
    height: float
    corners: list[Point]
    routes: list[list[Point]]


def draw(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    *,
    bundles: Sequence[Hashable] | None = None,
    weights: Sequence[float] | None = None,
    layer_gap: float = LAYER_GAP,
    sink: bool = True,
) -> Drawing:
    """Draw an acyclic graph from top to bottom.

    Edges lead from a box of a smaller number to one of a larger number. Every route begins on the
    lower border of its box and ends on the upper border of the other one. ``sink`` moves boxes
    down to those that need them. Edges of one box and one of ``bundles`` go one way as far as
    they can; by default all edges are apart. The more an edge weighs, the straighter it is.

    Raises:
        ValueError: an edge does not lead to a larger number.
    """
    for a, b in edges:
        if not a < b:
            raise ValueError(f"not in topological order: {a} -> {b}")
    if not sizes:
        return Drawing(0, 0, [], [])
    layers = _layers(len(sizes), edges, sink)
    names = bundles if bundles is not None else range(len(edges))
    net = _Net(sizes, edges, names, weights or [1.0] * len(edges), layers)
    net.reduce_crossings()
    net.place()
    return net.drawing(layer_gap)


def _layers(count: int, edges: Sequence[tuple[int, int]], sink: bool) -> list[int]:
    """By box, its layer: the longest way to it; sources and the like then sink."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    layer = [0] * count
    for box in range(count):
        layer[box] = max((layer[a] + 1 for a in before[box]), default=0)
    if sink:
        for box in reversed(range(count)):
            if after[box] and len(before[box]) <= len(after[box]) <= 1:
                layer[box] = min(layer[b] for b in after[box]) - 1
    return layer


class _Net:
    """Boxes, and for every layer that an edge passes a dummy box."""

    def __init__(
        self,
        sizes: Sequence[tuple[float, float]],
        edges: Sequence[tuple[int, int]],
        bundles: Sequence[Hashable],
        weights: Sequence[float],
        layer_of: list[int],
    ) -> None:
        self.sizes = list(sizes)
        self.layer_of = list(layer_of)
        self.chains: list[list[int]] = []  # by edge: box, dummies, box
        self.bundles = bundles
        dummies: dict[tuple[int, Hashable, int], int] = {}
        for (a, b), bundle in zip(edges, bundles, strict=True):
            between = range(layer_of[a] + 1, layer_of[b])
            chain = [a]
            if len(between) < MAX_SPAN:
                for layer in between:
                    dummy = dummies.setdefault((a, bundle, layer), len(self.sizes))
                    chain.append(dummy)
                    if dummy == len(self.sizes):
                        self.sizes.append((LANE, 0.0))
                        self.layer_of.append(layer)
            self.chains.append([*chain, b])
        self.far = [self.layer_of[c[-1]] - self.layer_of[c[0]] > len(c) - 1 for c in self.chains]
        count = len(self.sizes)
        self.up: list[list[int]] = [[] for _ in range(count)]
        self.down: list[list[int]] = [[] for _ in range(count)]
        self.weights: dict[tuple[int, int], float] = {}
        for chain, far, weight in zip(self.chains, self.far, weights, strict=True):
            if not far:
                self.weights |= dict.fromkeys(pairwise(chain), weight)
        for a, b in self.weights:
            self.down[a].append(b)
            self.up[b].append(a)
        self.order: list[list[int]] = [[] for _ in range(max(self.layer_of) + 1)]
        for box, layer in enumerate(self.layer_of):
            self.order[layer].append(box)
        self.num_boxes = len(sizes)
        self.center = [0.0] * count

    def reduce_crossings(self) -> None:
        """Sort layers by the medians of their neighbours; keep the best order met."""
        best, fewest = [list(layer) for layer in self.order], self._crossings()
        for sweep in range(2 * SWEEPS):
            if not fewest:
                break
            downwards = sweep % 2 == 0
            near = self.up if downwards else self.down
            for layer in self.order if downwards else reversed(self.order):
                rank = self._ranks(near, layer)
                layer.sort(key=rank.__getitem__)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self.order], crossings
        self.order = best

    def _ranks(self, near: list[list[int]], layer: list[int]) -> dict[int, float]:
        place = self._positions
        rank: dict[int, float] = {}
        for index, box in enumerate(layer):
            places = sorted(place[other] for other in near[box])
            middle = len(places) // 2
            rank[box] = (
                index
                if not places
                else places[middle]
                if len(places) % 2
                else (places[middle - 1] + places[middle]) / 2
            )
        for index, box in enumerate(sorted(layer, key=rank.__getitem__)):
            place[box] = index
        return rank

    def _crossings(self) -> int:
        self._positions = [0] * len(self.sizes)
        for layer in self.order:
            for index, box in enumerate(layer):
                self._positions[box] = index
        total = 0
        for layer in self.order:
            seen: list[int] = []
            for box in layer:
                ends = sorted(self._positions[other] for other in self.down[box])
                total += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return total

    def place(self) -> None:
        """Give every box its centre, across the layers."""
        for layer in self.order:
            self._settle(layer, [0.0] * len(layer))
        for sweep in range(2 * SWEEPS):
            downwards = sweep % 2 == 0
            near = self.up if downwards else self.down
            for layer in self.order if downwards else reversed(self.order):
                wanted = []
                for box in layer:
                    ends = near[box] or (self.up if downwards else self.down)[box]
                    wanted.append(self._mean(box, ends))
                self._settle(layer, wanted)
        left = min(c - self.sizes[i][0] / 2 for i, c in enumerate(self.center))
        self.center = [c - left for c in self.center]

    def _mean(self, box: int, others: list[int]) -> float:
        """The place that edges draw a box to; its own when there are none."""
        total = drawn = 0.0
        for other in others:
            weight = self.weights.get((other, box)) or self.weights[box, other]
            total += weight
            drawn += weight * self.center[other]
        return drawn / total if total else self.center[box]

    def _settle(self, layer: list[int], wanted: list[float]) -> None:
        """The places nearest to ``wanted`` (least squares) that keep order and distances."""
        shift, offsets = 0.0, []
        for index, box in enumerate(layer):
            if index:
                shift += (self.sizes[layer[index - 1]][0] + self.sizes[box][0]) / 2 + GAP
            offsets.append(shift)
        blocks: list[tuple[float, int]] = []  # mean, count; means rise
        for want, offset in zip(wanted, offsets, strict=True):
            mean, count = want - offset, 1
            while blocks and blocks[-1][0] > mean:
                other, size = blocks.pop()
                mean = (mean * count + other * size) / (count + size)
                count += size
            blocks.append((mean, count))
        at = 0
        for mean, count in blocks:
            for index in range(at, at + count):
                self.center[layer[index]] = mean + offsets[index]
            at += count

    def drawing(self, layer_gap: float) -> Drawing:
        """Turn centres into corners and routes."""
        heights = [max(self.sizes[box][1] for box in layer) for layer in self.order]
        tops = [0.0]
        for height in heights:
            tops.append(tops[-1] + height + layer_gap)
        width = max(c + self.sizes[i][0] / 2 for i, c in enumerate(self.center))
        corners = [
            (self.center[box] - self.sizes[box][0] / 2, tops[self.layer_of[box]])
            for box in range(self.num_boxes)
        ]
        out, into = self._ports()
        routes: list[list[Point]] = []
        lanes: dict[tuple[int, Hashable], float] = {}
        for edge, chain in enumerate(self.chains):
            first, last = chain[0], chain[-1]
            start = (out[edge], corners[first][1] + self.sizes[first][1])
            end = (into[edge], corners[last][1])
            bends: list[Point] = []
            bottom = tops[self.layer_of[first]] + heights[self.layer_of[first]]
            if start[1] < bottom:
                bends.append((start[0], bottom))  # past taller boxes of the layer
            if self.far[edge]:
                beside = width + LANE * (len(lanes) + 1)
                lane = lanes.setdefault((first, self.bundles[edge]), beside)
                bends += [(lane, bottom + layer_gap / 2), (lane, end[1] - layer_gap / 2)]
            for dummy in chain[1:-1]:
                layer = self.layer_of[dummy]
                bends += [
                    (self.center[dummy], tops[layer]),
                    (self.center[dummy], tops[layer] + heights[layer]),
                ]
            routes.append([start, *bends, end])
        return Drawing(max([width, *lanes.values()]), tops[-1] - layer_gap, corners, routes)

    def _ports(self) -> tuple[list[float], list[float]]:
        """By edge, where it leaves its box and where it enters the other: apart, uncrossed."""
        leaving: dict[int, dict[Hashable, list[int]]] = {}
        entering: dict[int, dict[Hashable, list[int]]] = {}
        for edge, chain in enumerate(self.chains):
            bundle, whole = self.bundles[edge], self.far[edge]
            # Edges of one bundle that begin the same way leave the box at the same place.
            way = (bundle, whole or chain[1])
            leaving.setdefault(chain[0], {}).setdefault(way, []).append(edge)
            entering.setdefault(chain[-1], {})[edge] = [edge]
        return self._spread(leaving, 1), self._spread(entering, -2)

    def _spread(self, ends: dict[int, dict[Hashable, list[int]]], neighbour: int) -> list[float]:
        places = [0.0] * len(self.chains)
        for box, ways in ends.items():
            found = sorted(ways.values(), key=lambda edges: self._toward(edges[0], neighbour))
            step = min(22.0, self.sizes[box][0] * 0.8 / max(1, len(found) - 1))
            first = self.center[box] - step * (len(found) - 1) / 2
            for index, edges in enumerate(found):
                for edge in edges:
                    places[edge] = first + step * index
        return places

    def _toward(self, edge: int, neighbour: int) -> float:
        """Where an edge comes from or goes to, across the layers; beside everything if far."""
        return inf if self.far[edge] else self.center[self.chains[edge][neighbour]]
