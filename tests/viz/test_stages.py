"""Stages: what each pass changed, and drawings that are kept once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from generators.ir_programs import modules
from generators.view_programs import EXAMPLES, FOLDED, TIPS, long_program, read, staged
from hypothesis import given, settings

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.text import write_op
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import level
from sglc.compiler.source import SourceFile
from sglc.viz import stages as stages_module
from sglc.viz.atlas import Atlas
from sglc.viz.page import page_data, render_page
from sglc.viz.stages import Stage, difference, stages_of

ALL = "fold,gvn,dce"


def page_of(source: str | SourceFile, pipeline: str = ALL) -> dict[str, Any]:
    file = SourceFile("p.sgl", source) if isinstance(source, str) else source
    graph, stages = staged(file, pipeline)
    names = [name for name, f in graph.functions.items() if f.kind == "prompt"]
    return page_data(Atlas(graph, names), "p", stages)


def check_stages(data: dict[str, Any]) -> None:
    """By the drawings of two stages, the ops that come and go are those that are listed."""
    num_stages = max(1, len(data["stages"]))
    seen: list[set[int]] = []
    for number in range(num_stages):
        ops: set[int] = set()
        for function in data["functions"]:
            assert len(function["shows"]) == num_stages
            version = function["shows"][number]
            if version is None:
                continue
            for sheet in function["versions"][version]["sheets"]:
                ids = [box["id"] for box in data["sheets"][sheet]["boxes"] if "id" in box]
                assert len(ids) == len(set(ids))
                assert not ops.intersection(ids)
                ops.update(ids)
        seen.append(ops)
    assert set().union(*seen) == set(range(len(data["ops"])))
    for number in range(1, num_stages):
        stage, before, after = data["stages"][number], seen[number - 1], seen[number]
        new, old = zip(*stage["changed"], strict=True) if stage["changed"] else ((), ())
        assert {*stage["added"], *new} == after - before
        assert {*stage["removed"], *old} == before - after
        assert len(set(old)) == len(old)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_ops_that_come_and_go_are_listed(path: Path) -> None:
    data = page_of(read(path), str(level(2)))
    check_stages(data)
    assert len(data["stages"]) > 2


@settings(max_examples=30, deadline=None)
@given(modules())
def test_stages_of_random_programs(module: Module) -> None:
    made: list[tuple[str, Module]] = []
    context = Context()
    level(2).run(module, context, lambda each, module: made.append((str(each), module)))
    stages = stages_of(module, made, context.changes)
    assert [c for stage in stages for c in stage.changes] == context.changes
    check_stages(page_data(Atlas(module, module.functions), "p", stages))


def test_passes_that_change_nothing_are_no_stages() -> None:
    _, stages = staged(SourceFile("p.sgl", 'prompt p(x: str):\n    "{x}"\n'))
    assert [stage.title for stage in stages] == ["as written"]
    _, stages = staged(SourceFile("p.sgl", FOLDED))
    assert [stage.title for stage in stages] == ["as written", "fold", "dce"]
    assert [{c.pass_name for c in stage.changes} for stage in stages[1:]] == [{"fold"}, {"dce"}]


def test_records_and_ops_lead_to_the_source() -> None:
    data = page_of(FOLDED)
    (known,) = [{key for line in data["files"][0]["lines"] for _, keys in line for key in keys}]
    for stage in data["stages"][1:]:
        assert stage["records"]
        for record in stage["records"]:
            assert record["keys"]
            assert known.issuperset(record["keys"])
    assert all(known.issuperset(op["keys"]) for op in data["ops"] if op["at"])


def test_a_changed_op_knows_what_it_was() -> None:
    data = page_of('prompt p(x: str):\n    "{x}{1 + 1}"\n', "fold")
    changed = {
        data["ops"][old]["line"]: data["ops"][new]["line"]
        for new, old in data["stages"][1]["changed"]
    }
    assert changed["%s2 = put %s1, %value"] == '%s2 = put %s1, "2"'


def test_an_op_that_stays_keeps_its_number() -> None:
    graph, stages = staged(SourceFile("p.sgl", FOLDED))
    before = Atlas(graph, ["outer"])
    after = Atlas(stages[1].module, ["outer"], before)
    lines = {number: write_op(op) for op, number in before.numbers.items()}
    same = [op for op, number in after.numbers.items() if lines.get(number) == write_op(op)]
    assert len(same) > 3
    found = difference("outer", before, after)
    numbers = {after.numbers[op] for op in same}
    assert numbers.isdisjoint([*found.added, *found.removed, *found.changed])


def test_what_a_pass_leaves_alone_is_drawn_once() -> None:
    source = TIPS + '\nprompt other(x: str):\n    "{x}{1 + 1}"\n'
    data = page_of(source, "fold")
    shows = {function["name"]: function["shows"] for function in data["functions"]}
    versions = {function["name"]: len(function["versions"]) for function in data["functions"]}
    assert shows["other"] == [0, 1]
    assert versions["tips"] == len(set(shows["tips"]))
    unchanged = page_of('prompt a(x: str):\n    "{x}"\n\nprompt b():\n    "{1 + 1}"\n', "fold")
    assert [f["shows"] for f in unchanged["functions"]] == [[0, 0], [0, 1]]
    assert len(unchanged["sheets"]) == 3


def test_a_function_may_go() -> None:
    graph, _ = staged(SourceFile("p.sgl", FOLDED))
    alone = Module(functions={"inner": graph.functions["inner"]})
    stages = [Stage("as written", graph), Stage("inline", alone)]
    data = page_data(Atlas(graph, ["outer", "inner"]), "p", stages)
    assert {f["name"]: f["shows"] for f in data["functions"]} == {
        "outer": [0, None],
        "inner": [0, 0],
    }
    assert data["stages"][1]["removed"]
    assert not data["stages"][1]["added"]


def test_stages_of_a_large_program_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, stages = staged(SourceFile("p.sgl", FOLDED))
    made = [(stage.title, stage.module) for stage in stages[1:]]
    made += [("gvn", graph)]
    changes = [c for stage in stages for c in stage.changes]
    assert [s.title for s in stages_of(graph, made, changes)] == [
        "as written", "fold", "dce", "gvn",
    ]  # fmt: skip
    monkeypatch.setattr(stages_module, "MAX_DRAWN_OPS", 1)
    told = stages_of(graph, made, changes)
    assert [s.title for s in told] == ["as written", "fold", "dce, gvn"]
    assert [c for s in told for c in s.changes] == changes


def test_the_page_of_2000_ops_and_all_passes_is_of_bounded_size() -> None:
    source = SourceFile("p.sgl", long_program(400, folds=True))
    graph, stages = staged(source)
    atlas = Atlas(graph, ["long"])
    data = page_data(atlas, "p", stages)
    check_stages(data)
    drawn = sum(len(sheet["boxes"]) for sheet in data["sheets"])
    assert len(render_page(data)) < 800 * drawn
