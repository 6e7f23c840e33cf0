"""Layered drawings: no two boxes overlap, edges go down and end at their boxes."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.viz.layered import MAX_SPAN, Drawing, draw

Sizes = list[tuple[float, float]]
Edges = list[tuple[int, int]]


@st.composite
def graphs(draw_: st.DrawFn) -> tuple[Sizes, Edges]:
    side = st.integers(1, 200).map(float)
    sizes = draw_(st.lists(st.tuples(side, side), min_size=1, max_size=24))
    number = st.integers(0, len(sizes) - 1)
    pairs = draw_(st.lists(st.tuples(number, number), max_size=60))
    return sizes, [(min(a, b), max(a, b)) for a, b in pairs if a != b]


def check(sizes: Sizes, edges: Edges, drawing: Drawing) -> None:
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(drawing.corners, sizes, strict=True)]
    for (a, b, c, d), (e, f, g, h) in combinations(boxes, 2):
        assert c <= e + 1e-6 or g <= a + 1e-6 or d <= f + 1e-6 or h <= b + 1e-6
    for x0, y0, x1, y1 in boxes:
        assert x0 >= -1e-6
        assert y0 >= 0
        assert x1 <= drawing.width + 1e-6
        assert y1 <= drawing.height + 1e-6
    for (a, b), route in zip(edges, drawing.routes, strict=True):
        (sx, sy), (ex, ey) = route[0], route[-1]
        assert boxes[a][0] <= sx <= boxes[a][2]
        assert sy == boxes[a][3]
        assert boxes[b][0] <= ex <= boxes[b][2]
        assert ey == boxes[b][1]
        assert [y for _, y in route] == sorted(y for _, y in route)


@given(graphs())
def test_boxes_are_apart_and_edges_end_at_them(graph: tuple[Sizes, Edges]) -> None:
    check(*graph, draw(*graph))


@given(graphs(), st.lists(st.integers(0, 1), min_size=60, max_size=60))
def test_bundles_are_drawn_as_well(graph: tuple[Sizes, Edges], bundles: list[int]) -> None:
    sizes, edges = graph
    check(sizes, edges, draw(sizes, edges, bundles=bundles[: len(edges)]))


def test_edges_of_a_bundle_go_one_way() -> None:
    edges = [(0, 1), (1, 2), (2, 3), (0, 2), (0, 3)]
    apart = draw([(20, 10)] * 4, edges)
    together = draw([(20, 10)] * 4, edges, bundles=["a", "b", "c", "d", "d"])
    assert apart.routes[3][1] != apart.routes[4][1]
    assert together.routes[3][:3] == together.routes[4][:3]


@given(graphs())
def test_a_graph_has_one_drawing(graph: tuple[Sizes, Edges]) -> None:
    assert draw(*graph) == draw(*graph)


def test_a_chain_is_straight() -> None:
    drawing = draw([(10, 10), (80, 10), (30, 10)], [(0, 1), (1, 2)])
    assert [len({x for x, _ in route}) for route in drawing.routes] == [1, 1]


def test_crossings_are_taken_out() -> None:
    """Two pairs that cross when boxes keep the order they are given in."""
    drawing = draw([(10, 10)] * 4, [(0, 3), (1, 2)])
    left = [x for x, _ in drawing.corners]
    assert (left[0] < left[1]) == (left[3] < left[2])


def test_an_edge_over_many_layers_runs_beside_the_boxes() -> None:
    count = MAX_SPAN + 3
    chain = [(n, n + 1) for n in range(count - 1)]
    sizes = [(40.0, 10.0)] * count
    drawing = draw(sizes, [*chain, (0, count - 1)])
    check(sizes, [*chain, (0, count - 1)], drawing)
    assert len(drawing.routes[-1]) == 4
    assert drawing.routes[-1][1][0] > max(x + 40 for x, _ in drawing.corners)


def test_an_edge_must_lead_on() -> None:
    with pytest.raises(ValueError, match="not in topological order: 1 -> 0"):
        draw([(1, 1), (1, 1)], [(1, 0)])


def test_nothing_is_an_empty_drawing() -> None:
    assert draw([], []) == Drawing(0, 0, [], [])
