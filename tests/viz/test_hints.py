"""What passes tell the runtime, as the views show it."""

from __future__ import annotations

from generators.view_programs import staged

from sglc.compiler.ir.op import Op, Region
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.source import SourceFile
from sglc.viz.atlas import Atlas
from sglc.viz.graph_view import graph_sheets
from sglc.viz.hints import groups, held_values, hint_words, is_speculative
from sglc.viz.lanes_view import lanes_view

CHAT = """prompt chat(t: str):
    user: "{t}"
    assistant: a = gen(max_tokens=4)
    user: "more"
    assistant: b = gen(max_tokens=4)
    user: "the end"
"""
GROUPED = """prompt @p(%t: str) {
  %s0 = stream
  %s1 = put %s0, %t
  %s2, %a = gen %s1 <name = "a", max_tokens = 4, rng = "1", group = "p.0">
  %s3, %b = gen %s1 <name = "b", max_tokens = 4, rng = "2", group = "p.0">
  %s4, %c = gen %s3 <name = "c", max_tokens = 4, rng = "3", group = "p.1">
  return %s2, a = %a, b = %b, c = %c
}
"""

CHAIN = """prompt @p(%t: str) {
  %s0 = stream
  %s1 = put %s0, %t
  %s2, %a = gen %s1 <name = "a", max_tokens = 4, rng = "1", group = "p.0">
  %s3 = put %s2, "between"
  %s4, %b = gen %s3 <name = "b", max_tokens = 4, rng = "2", group = "p.0">
  return %s4, a = %a, b = %b
}
"""


def last(source: str, pipeline: str, name: str) -> Atlas:
    _, stages = staged(SourceFile("p.sgl", source), pipeline)
    return Atlas(stages[-1].module, [name])


def test_a_held_chain_is_one_thick_line() -> None:
    atlas = last(CHAT, "script", "chat")
    function = atlas.functions[0]
    shapes = lanes_view(function, atlas)["shapes"]
    lines = [shape for shape in shapes if shape["kind"] == "line"]
    thick = [shape for shape in lines if shape["held"]]
    assert thick
    spans = sorted((shape["points"][0][0], shape["points"][-1][0]) for shape in thick)
    at = spans[0][0]
    for begin, end in spans:
        assert begin <= at + 0.2
        at = max(at, end)
    stations = {shape["lines"][0]: shape for shape in shapes if shape["kind"] == "model"}
    assert spans[0][0] <= stations["a"]["x"] + 0.2
    assert at >= stations["b"]["x"]
    assert at < max(shape["points"][-1][0] for shape in lines)


def test_held_streams_are_thick_edges() -> None:
    atlas = last(CHAT, "script", "chat")
    function = atlas.functions[0]
    held = {str(value) for value in held_values(function.body.ops)}
    (sheet,) = graph_sheets(function, atlas)
    kinds = {edge["value"]: edge["kind"] for edge in sheet.edges}
    assert {value for value, kind in kinds.items() if kind == "stream held"} == held
    assert len(held) > 4
    plain = last(CHAT, "fold", "chat")
    assert not held_values(plain.functions[0].body.ops)


def test_hints_stand_on_the_box_of_a_call() -> None:
    atlas = last(CHAT, "script", "chat")
    first, second = (op for op in atlas.functions[0].walk() if op.spec.model)
    assert (hint_words(first), hint_words(second)) == (["held"], [])
    op = first.with_(
        attrs={"group": "chat.2", "insert": False, "expect": 7, "jump": True, "seam": "repair"}
    )
    assert hint_words(op) == [
        "group 2", "not cached", "expects 7 bytes", "jumps", "repair seam",
    ]  # fmt: skip


def test_a_group_is_framed() -> None:
    module = parse_module(GROUPED)
    atlas = Atlas(module, ["p"])
    (sheet,) = graph_sheets(atlas.functions[0], atlas)
    (hull,) = sheet.hulls
    assert hull["title"] == "group 0"
    inside = [
        box["id"]
        for box in sheet.boxes
        if "id" in box
        and hull["x"] <= box["x"] <= hull["x"] + hull["w"]
        and hull["y"] <= box["y"] <= hull["y"] + hull["h"]
    ]
    names = {op.attrs.get("name") for op, number in atlas.numbers.items() if number in inside}
    assert names == {"a", "b"}


def test_a_group_is_not_framed_with_what_is_not_in_it() -> None:
    module = parse_module(CHAIN)
    atlas = Atlas(module, ["p"])
    assert len(groups(atlas.functions[0].body.ops)["p.0"]) == 2
    assert graph_sheets(atlas.functions[0], atlas)[0].hulls == []


def test_marks_stand_where_a_stream_is_warmed() -> None:
    atlas = last(CHAT, "fold", "chat")
    function = atlas.functions[0]
    at = next(i for i, op in enumerate(function.body.ops) if op.spec.model)
    model = function.body.ops[at]
    warm = Op(name="warm", args=(model.results[0],))
    ops = (*function.body.ops[: at + 1], warm, *function.body.ops[at + 1 :])
    warmed = function.with_body(Region(ops=ops))
    drawn = Atlas(atlas.module.with_function(warmed), ["chat"])
    shapes = lanes_view(warmed, drawn)["shapes"]
    (mark,) = [shape for shape in shapes if shape["kind"] == "hint"]
    (station,) = [s for s in shapes if s["kind"] == "model" and s["lines"][0] == "a"]
    assert mark["x"] >= station["x"] + station["w"] - 0.2
    assert mark["y"] == station["y"]


def test_arms_that_may_begin_early() -> None:
    arms = (Region(label="do"), Region(label="else"))
    op = Op(name="if", regions=arms, attrs={"spec": ("else",)})
    assert [is_speculative(op, arm) for arm in arms] == [False, True]
    cases = (Region(label="case", case=("a", "b")), Region(label="case", case=(1,)))
    match = Op(name="match", regions=cases, attrs={"spec": ("a",)})
    assert [is_speculative(match, arm) for arm in cases] == [True, False]
    assert not is_speculative(Op(name="if", regions=arms), arms[0])
