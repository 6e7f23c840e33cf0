"""The drawing of a graph: every op once, boxes apart or nested, edges between their boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from generators.ir_programs import modules
from generators.view_programs import EXAMPLES, LOOP, TIPS, long_program, read, staged
from hypothesis import given, settings

from sglc.compiler.ir.graph import Module
from sglc.compiler.passes.pipeline import level
from sglc.viz.atlas import Atlas
from sglc.viz.graph_view import MAX_OPS_NESTED, Sheet, graph_sheets, op_words

Make = Callable[..., Atlas]
Box = dict[str, Any]


def contains(outer: Box, inner: Box) -> bool:
    return bool(
        outer["x"] - 0.2 <= inner["x"]
        and outer["y"] - 0.2 <= inner["y"]
        and inner["x"] + inner["w"] <= outer["x"] + outer["w"] + 0.2
        and inner["y"] + inner["h"] <= outer["y"] + outer["h"] + 0.2
    )


def apart(a: Box, b: Box) -> bool:
    across = a["x"] + a["w"] <= b["x"] + 0.2 or b["x"] + b["w"] <= a["x"] + 0.2
    return bool(across or a["y"] + a["h"] <= b["y"] + 0.2 or b["y"] + b["h"] <= a["y"] + 0.2)


def curve(points: list[list[float]]) -> Iterator[tuple[float, float]]:
    """Points of the curve that the page draws: Bézier pieces that begin and end vertically."""
    for (ax, ay), (bx, by) in pairwise(points):
        for step in range(17):
            t = step / 16
            across = 3 * t * t - 2 * t * t * t
            down = 1.5 * t * (1 - t) * (1 - t) + 1.5 * t * t * (1 - t) + t * t * t
            yield ax + (bx - ax) * across, ay + (by - ay) * down


def check_free(sheet: Sheet) -> None:
    """No edge lies over a box that it does not belong to."""
    for edge in sheet.edges:
        ends = (edge["from"], edge["to"])
        around = sheet.boxes[ends[0]]["in"]
        others = [b for i, b in enumerate(sheet.boxes) if b["in"] == around and i not in ends]
        for x, y in curve(edge["points"]):
            for box in others:
                across = box["x"] + 1 < x < box["x"] + box["w"] - 1
                assert not (across and box["y"] + 1 < y < box["y"] + box["h"] - 1)


def check(sheet: Sheet) -> None:
    siblings: dict[int | None, list[Box]] = {}
    for box in sheet.boxes:
        siblings.setdefault(box["in"], []).append(box)
        if box["in"] is not None:
            assert contains(sheet.boxes[box["in"]], box)
    for boxes in siblings.values():
        assert all(apart(a, b) for a, b in combinations(boxes, 2))
    for edge in sheet.edges:
        source, target = sheet.boxes[edge["from"]], sheet.boxes[edge["to"]]
        assert source["in"] == target["in"]
        (sx, sy), (ex, ey) = edge["points"][0], edge["points"][-1]
        assert source["x"] <= sx <= source["x"] + source["w"]
        assert sy == pytest.approx(source["y"] + source["h"], abs=0.2)
        assert target["x"] <= ex <= target["x"] + target["w"]
        assert ey == pytest.approx(target["y"], abs=0.2)


def check_all(atlas: Atlas) -> None:
    drawn: Counter[int] = Counter()
    for function in atlas.functions:
        for sheet in graph_sheets(function, atlas):
            check(sheet)
            drawn.update(box["id"] for box in sheet.boxes if "id" in box)
    assert drawn == Counter(atlas.numbers.values())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_graph_of_every_example(path: Path, atlas_of: Make) -> None:
    atlas = atlas_of(read(path))
    check_all(atlas)
    for function in atlas.functions:
        for sheet in graph_sheets(function, atlas):
            check_free(sheet)


@pytest.mark.parametrize("source", [TIPS, LOOP])
def test_the_graph_of_small_programs(source: str, atlas_of: Make) -> None:
    check_all(atlas_of(source))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_graph_of_every_example_behind_all_passes(path: Path) -> None:
    _, stages = staged(read(path), str(level(2)))
    module = stages[-1].module
    check_all(Atlas(module, module.functions))


@settings(max_examples=40, deadline=None)
@given(modules())
def test_the_graph_of_random_programs(module: Module) -> None:
    check_all(Atlas(module, module.functions))


def test_boxes_of_constant_texts_say_how_long_they_are(atlas_of: Make) -> None:
    atlas = atlas_of('prompt p(t: str):\n    "1234{t}"\n    "x"\n')
    details = [op_words(op, atlas)[1] for op in atlas.numbers if op.name == "put"]
    assert details == ["%s1 · 4 characters", "%s2", "%s3 · 1 character"]


def test_captured_values_come_in_by_pins(atlas_of: Make) -> None:
    atlas = atlas_of(TIPS)
    (sheet,) = graph_sheets(atlas.functions[0], atlas)
    captured = [box for box in sheet.boxes if box.get("kind") == "captured"]
    assert {box["title"] for box in captured} == {"%s14", "%tip"}
    for box in captured:
        assert sheet.boxes[box["in"]]["kind"] == "region"


def test_a_large_function_has_its_regions_on_sheets(atlas_of: Make) -> None:
    atlas = atlas_of(long_program(MAX_OPS_NESTED // 4))
    check_all(atlas)
    sheets = graph_sheets(atlas.functions[0], atlas)
    assert [sheet.parent for sheet in sheets] == [None, 0]
    (loop,) = [box for box in sheets[0].boxes if box.get("sheets")]
    assert loop["sheets"] == [1]
    assert sheets[1].title == "for i in 1..3: body"
