"""Pipelines as text, levels, verification, reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.verify import VerifyError
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.pipeline import (
    MAX_ROUNDS,
    PLAN,
    SIMPLIFY,
    Pipeline,
    PipelineError,
    level,
    parse_pipeline,
)
from sglc.compiler.passes.registry import PASSES, pass_class
from sglc.compiler.passes.report import Saved, summary

TEXT = """
source "a.sgl"
fn @two(%x: int) -> int {
  %y: int = arith %x, 2 <op = "*"> loc(1:5)
  return result = %y
}
prompt @main(%q: str) -> str {
  %s0 = stream
  %n: int = call @two, 3 <rng = "1"> loc(2:1)
  %s1 = put %s0, "a" loc(3:1)
  %s2 = put %s1, %n loc(4:1)
  %s3, %x = gen %s2 <max_tokens = 7, rng = "2"> loc(5:1)
  %s4, %y = gen %s2 <max_tokens = 7, rng = "3"> loc(6:1)
  %z: str = concat %x, %y loc(7:1)
  return %s2, result = %z
}
"""


def context() -> Context:
    return Context(evaluate=evaluate_function)


@pytest.mark.parametrize("name", PASSES)
def test_a_name_in_the_registry_is_a_pass_of_that_name(name: str) -> None:
    assert pass_class(name).name == name
    assert str(pass_class(name)()) == name


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ""),
        ("fold", "fold"),
        (" fold , gvn ", "fold,gvn"),
        ("fold{max_items=64}", "fold"),  # its default
        ("dce,fold { max_items = 3 },dce", "dce,fold{max_items=3},dce"),
    ],
)
def test_a_pipeline_is_read(text: str, read: str) -> None:
    pipeline = parse_pipeline(text)
    assert str(pipeline) == read
    assert parse_pipeline(read) == pipeline


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("fold,gnv", 6, ["no pass 'gnv'", "did you mean 'gvn'", "known: fold, gvn, dce"]),
        ("fold,", 6, ["a pass is missing"]),
        ("fold gvn", 6, ["',' or the end must stand here, not 'gvn'"]),
        ("gvn{x=1}", 5, ["gvn has no option 'x' (it has none)"]),
        ("fold{items=1}", 6, ["fold has no option 'items' (it has max_items)"]),
        ("fold{max_items=many}", 16, ["max_items takes an integer, not 'many'"]),
        ("fold{max_items=1.5}", 16, ["max_items takes an integer"]),
        ("fold{max_items}", 15, ["'=' must stand here, not '}'"]),
        ("fold{max_items=1", 17, ["',' or '}' must stand here"]),
        ("fold{max_items=1,max_items=2}", 18, ["given twice"]),
        ("gvn,fold{max_items=-1}", 5, ["max_items is from 0 to 4096, not -1"]),
        ("fold;gvn", 5, ["unexpected ';'"]),
    ],
)
def test_a_wrong_pipeline_names_the_place_and_what_is_known(
    text: str, column: int, words: list[str]
) -> None:
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(text)
    assert caught.value.column == column
    assert f"column {column}" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_levels_run_their_passes_until_nothing_changes() -> None:
    assert str(level(0)) == ""
    assert str(level(1)) == ",".join(filter(None, (SIMPLIFY[1], PLAN[1])))
    ran: list[str] = []
    level(2).run(parse_module(TEXT), context(), lambda each, _: ran.append(each.name))
    simplify, plan = (
        [each.name for each in parse_pipeline(t).passes] for t in (SIMPLIFY[2], PLAN[2])
    )
    assert ran == simplify * 2 + plan  # the second round finds nothing
    assert MAX_ROUNDS > 2


@dataclass(frozen=True)
class _Breaks(Pass):
    """Drops the first op of every function."""

    name: ClassVar[str] = "breaks"

    def run(self, module: Module, context: Context) -> Module:
        functions = {
            name: f.with_body(replace(f.body, ops=f.body.ops[1:]))
            for name, f in module.functions.items()
        }
        return replace(module, functions=functions)


def test_a_pass_that_breaks_the_graph_is_found_when_it_is_asked_for() -> None:
    module = parse_module(TEXT)
    Pipeline((_Breaks(),)).run(module, context())
    with pytest.raises(VerifyError, match="V1"):
        Pipeline((_Breaks(),), verify=True).run(module, context())


def test_a_report_says_where_what_and_how_much() -> None:
    found = context()
    made = parse_pipeline("fold,gvn").passes
    module = Pipeline(made, verify=True).run(parse_module(TEXT), found)
    assert summary(found.changes).splitlines() == [
        'a.sgl:2:1: fold: %n: int = call @two, 3 <rng = "1"> -> 6',
        'a.sgl:4:1: fold: %s2 = put %s1, %n -> %s2 = put %s1, "6"',
        'a.sgl:3:1: fold: %s1 = put %s0, "a"; %s2 = put %s1, "6" -> %s2 = put %s0, "a6"',
        'a.sgl:6:1: gvn: %s4, %y = gen %s2 <max_tokens = 7, rng = "3"> -> %s3, %x'
        "  (1 call, up to 7 tokens less)",
        "4 changes (fold 3, gvn 1); 1 model call less",
    ]
    merged = found.changes[-1].to_data()
    assert merged["saved"] == Saved(ops=1, calls=1, max_tokens=7)._asdict()
    assert merged["places"] == ["a.sgl:6:1"]
    by_result = {op.results[0].name: op for _, op in module.walk() if op.results}
    assert [str(place) for place in by_result["s2"].origins] == ["a.sgl:3:1", "a.sgl:4:1"]
    assert [str(place) for place in by_result["s3"].origins] == ["a.sgl:5:1", "a.sgl:6:1"]


def test_without_an_evaluator_no_function_is_run() -> None:
    found = Context()
    parse_pipeline("fold").run(parse_module(TEXT), found)
    assert found.changes == []
