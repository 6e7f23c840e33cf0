"""Streams as lanes: which versions share a line, where lines split, what stands where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from generators.ir_programs import modules
from generators.view_programs import EXAMPLES, LOOP, TIPS, read, staged
from hypothesis import given, settings

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Op
from sglc.compiler.passes.pipeline import level
from sglc.viz.atlas import Atlas
from sglc.viz.lanes import lay_out
from sglc.viz.lanes_view import lanes_view
from sglc.viz.strips import Item, Strip

Make = Callable[..., Atlas]


def items(strip: Strip) -> Iterator[Item]:
    for row in strip.items:
        for item in row:
            yield item
            for inner in item.strips:
                yield from items(inner)


def strips(strip: Strip) -> Iterator[Strip]:
    yield strip
    for row in strip.items:
        for item in row:
            for inner in item.strips:
                yield from strips(inner)


def check(atlas: Atlas) -> None:
    """Ops stand once, apart, inside of the drawing; frames and bands hold what is theirs."""
    for function in atlas.functions:
        strip = lay_out(function, atlas)
        found = Counter(op for i in items(strip) if i.kind != "band" for op in i.ops)
        assert set(found.values()) <= {1}
        for inner in strips(strip):
            for row in inner.items:
                solid = [item for item in row if item.kind != "band"]
                assert all(a.x1 <= b.x0 + 0.6 for a, b in pairwise(solid))
                assert all(item.x1 <= inner.width for item in solid)
        view = lanes_view(function, atlas)
        for shape in view["shapes"]:
            if "w" in shape:
                assert shape["x"] >= 0
                assert shape["x"] + shape["w"] <= view["width"] + 1
            if "h" in shape:
                assert shape["y"] >= 0
                assert shape["y"] + shape["h"] <= view["height"] + 1


def model_calls(ops: Iterable[Op]) -> set[Op]:
    return {op for op in ops if op.spec.model}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_lanes_of_every_example(path: Path, atlas_of: Make) -> None:
    atlas = atlas_of(read(path))
    check(atlas)
    for function in atlas.functions:
        shown = model_calls(op for i in items(lay_out(function, atlas)) for op in i.ops)
        assert shown == model_calls(function.walk())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_lanes_of_every_example_behind_all_passes(path: Path) -> None:
    _, stages = staged(read(path), str(level(2)))
    module = stages[-1].module
    check(Atlas(module, module.functions))


@settings(max_examples=40, deadline=None)
@given(modules())
def test_the_lanes_of_random_programs(module: Module) -> None:
    atlas = Atlas(module, module.functions)
    check(atlas)
    for function in atlas.functions:
        stand = {op for i in items(lay_out(function, atlas)) for op in i.ops}
        assert {op for op in function.walk() if op.spec.writes_stream} <= stand


def test_outer_frames_lie_behind_inner_ones(atlas_of: Make) -> None:
    """What is drawn later takes the pointer."""
    atlas = atlas_of(LOOP)
    frames = [s for s in lanes_view(atlas.functions[0], atlas)["shapes"] if s["kind"] == "frame"]
    areas = [shape["w"] * shape["h"] for shape in frames]
    assert len(areas) == 3
    assert areas == sorted(areas, reverse=True)


def test_a_fork_begins_a_lane_and_the_trunk_goes_on(atlas_of: Make) -> None:
    atlas = atlas_of(TIPS)
    trunk, below = lay_out(atlas.functions[0], atlas).items
    assert [item.kind for item in below] == ["frame"]
    assert [item.kind for item in trunk if item.kind in ("model", "frame", "end")] == [
        "model",
        "frame",
        "end",
    ]
    assert below[0].label == "fork i in 1..2 as tip"
    (branch,) = below[0].strips
    assert branch.label == "branch (i)"


def test_texts_in_a_row_are_one_text(atlas_of: Make) -> None:
    atlas = atlas_of(TIPS)
    texts = [i.lines[0] for i in items(lay_out(atlas.functions[0], atlas)) if i.kind == "text"]
    assert sorted(texts) == ["Tip {i}: ", "Two tips about {topic}.", "{text1}"]


def test_a_station_names_its_constraint_and_its_limits(atlas_of: Make) -> None:
    atlas = atlas_of(TIPS)
    stations = [i.lines for i in items(lay_out(atlas.functions[0], atlas)) if i.kind == "model"]
    assert ["text", "line", "≤ 32 tokens"] in stations
    assert ["score", "int(lo = 1, hi = 10)", "≤ 2 tokens"] in stations


def test_roles_are_bands(atlas_of: Make) -> None:
    atlas = atlas_of(TIPS)
    bands = [i.label for i in items(lay_out(atlas.functions[0], atlas)) if i.kind == "band"]
    assert sorted(bands) == ["assistant", "assistant", "user", "user"]


def test_what_waits_stands_behind_what_it_waits_for(atlas_of: Make) -> None:
    """The text after the fork reads a value of a branch."""
    source = """prompt p():
    "a"
    fork i in 1..2 as b:
        t = gen(max_tokens=4)
    "{b[0].t}"
"""
    atlas = atlas_of(source)
    trunk, below = lay_out(atlas.functions[0], atlas).items
    waiting = next(item for item in trunk if item.lines and item.lines[0].startswith("{"))
    assert waiting.x0 >= below[0].x1


def test_a_loop_has_a_frame_and_a_return_inside_an_end(atlas_of: Make) -> None:
    atlas = atlas_of(LOOP)
    found = list(items(lay_out(atlas.functions[0], atlas)))
    assert [i.label for i in found if i.kind == "frame"] == [
        "for n in 1..turns",
        "match act1",
        "try",
    ]
    assert sum(i.kind == "host" for i in found) == 1
    assert sum(i.kind == "end" for i in found) == 2
