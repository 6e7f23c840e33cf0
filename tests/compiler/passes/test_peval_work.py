"""What partial evaluation saves: nodes of the plan, calls and tokens of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, Program, compile_source
from sglc.compiler.passes.pipeline import Pipeline, PipelineError, parse_pipeline
from sglc.compiler.plan.arguments import ArgumentError
from sglc.compiler.plan.plan import walk
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

WITHOUT = "fold,gvn,dce"
WITH = "fold,peval,gvn,dce"


class Work(NamedTuple):
    """``calls`` are model calls of the program, ``nodes`` those of its plan."""

    calls: int
    prefilled_tokens: int
    decoded_tokens: int
    nodes: int


def compiled(text: str, pipeline: str, known: Mapping[str, Any]) -> Program:
    sink = DiagnosticSink()
    passes = Pipeline(parse_pipeline(pipeline).passes, rounds=4, verify=True)
    optimization = Optimization(passes, runs_entry=True, by_value=True, known=known)
    program = compile_source(SourceFile("t.sgl", text), sink, None, optimization)
    assert program is not None, sink.diagnostics
    return program


def run(
    text: str, pipeline: str, arguments: Mapping[str, Any], known: Mapping[str, Any]
) -> tuple[object, Work]:
    plan = compiled(text, pipeline, known).plan
    backend = scheduler(20_000)
    executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML))
    result = executor.drive(executor.submit(plan, arguments, seed=5))
    executor.close()
    assert result.error is None, result.error
    counted = backend.stats()
    work = Work(
        sum(stats.calls for stats in result.stats.values()),
        counted["prefilled_tokens"],
        counted["decoded_tokens"],
        sum(1 for function in plan.functions.values() for _ in walk(function.body)),
    )
    return result.value, work


# The thought before the criterion is named is the same in every call.
RUBRIC = """
prompt grade(text: str, by: str) -> int:
    "Text: {text}\\n"
    idea = gen(max_tokens=8)
    " Rate {by}:"
    return gen(int(0..9))
prompt main(q: str) -> int:
    "Grade."
    return sum([grade(q, by) for by in ["wit", "depth", "style"]])
"""

# All branches think the same before they differ; only one reason is read, and of one branch.
VIEWS = """
prompt main(q: str) -> str:
    "Question: {q}\\n"
    fork i in 1..3 as view:
        "Think first:"
        plan = gen(max_tokens=8)
        " So {i}:"
        score = gen(int(0..9))
        " because"
        why = gen(max_tokens=9)
    return "{view[1].why}{sum(view.score)}"
"""

# What the mode decides is decided once for both calls, and nothing is left of the other one.
MODES = """
prompt part(q: str, mode: str, examples: int = 1) -> str:
    "Question: {q}\\n"
    for i in 1..examples: "Example {i}. "
    if mode == "long":
        thought = gen(max_tokens=20)
        "So:"
    answer = gen(max_tokens=6)
    check len(answer) > 0 or q != "", "no answer"
    return answer
prompt main(q: str) -> str:
    "Go."
    return part(q, mode="short") + part(q + "!", mode="short")
"""

# There are three turns at most: what stands behind the decision in the last is read by nobody.
LEFT = """
prompt main(q: str) -> str:
    "Question: {q}\\n"
    best = ""
    for n in 1..3:
        "Answer {n}:"
        best = gen(word, max_tokens=4)
        if best == "yes" and n > 1: break
        " Why not?"
        why = gen(max_tokens=8)
        ".\\n"
    return best
"""

# A branch per item of a list that the caller gives.
ITEMS = """
prompt main(q: str, names: list[str]) -> str:
    "Question: {q}\\n"
    fork name in names as view:
        "Hm:"
        thought = gen(max_tokens=8)
        " {name}:"
        answer = gen(max_tokens=4)
    return join(view.answer, ";")
"""
NAMES = {"names": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "more", "before", "after"),
    [
        (RUBRIC, {}, (6, 33, 27, 17), (4, 33, 11, 16)),
        (VIEWS, {}, (9, 71, 48, 22), (5, 53, 14, 20)),
        (MODES, {}, (2, 39, 7, 31), (2, 39, 7, 19)),
        (LEFT, {}, (6, 96, 32, 23), (5, 87, 26, 20)),
        (ITEMS, NAMES, (4, 27, 18, 15), (3, 27, 13, 14)),
    ],
    ids=["rubric", "views", "modes", "left", "items"],
)
def test_the_engine_does_less_for_the_same_value(
    text: str, more: Mapping[str, Any], before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    arguments = {"q": "why?", **more}
    value, work = run(text, WITHOUT, arguments, {})
    found, less = run(text, WITH, arguments, more)
    assert (work, less) == (Work(*before), Work(*after))
    assert found == value


def test_a_plan_for_known_arguments_takes_and_checks_them_as_before() -> None:
    plan = compiled(ITEMS, WITH, NAMES).plan
    assert "names" in [param.name for param in plan.functions["main"].params]
    executor = Executor(scheduler(20_000), PromptEncoder(TOKENIZER, CHATML))
    with pytest.raises(ArgumentError, match="`names` must be"):
        executor.submit(plan, {"q": "why?", "names": 3})
    executor.close()


def test_a_list_that_is_too_long_and_a_module_that_is_too_large_stay() -> None:
    nodes = [run(VIEWS, f"peval{{{limit}}}", {"q": "?"}, {})[1].nodes for limit in LIMITS]
    assert nodes == [22, 22, 41]


LIMITS = ("max_items=2", "max_ops=30", "max_items=3")


@pytest.mark.parametrize("option", ["max_items=-1", "max_items=5000", "max_ops=-1"])
def test_an_option_out_of_its_range_is_refused(option: str) -> None:
    with pytest.raises(PipelineError, match="is from 0 to"):
        parse_pipeline(f"peval{{{option}}}")
