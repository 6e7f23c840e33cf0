"""Partial evaluation changes no sample, event or capture: what a run tells stays as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from generators import ir_programs, sgl_programs
from generators.equivalence import MakeTools, optimize
from generators.hash_model import TOKENIZER, plain, scheduler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source
from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import Pipeline, parse_pipeline
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

pytestmark = pytest.mark.usefixtures("built_here")

ARGUMENTS = {"x": "what", "n": 2}


def no_tools(log: list[str]) -> dict[str, Any]:
    return {}


def run(module: Module, arguments: Mapping[str, Any], make_tools: MakeTools) -> Run:
    executor = Executor(
        scheduler(20_000), PromptEncoder(TOKENIZER, CHATML), tools=ToolRegistry(make_tools([]))
    )
    made = executor.submit(lower_module(module, "main"), arguments, seed=3)
    executor.run_until_idle()
    executor.close()
    return made


def told(made: Run) -> tuple[Counter[str], dict[tuple[str, str], str]]:
    """The events of a run in any order, and the deltas of each place as one text.

    Two forks side by side may have captures of one name and path, whose deltas come mixed, as time
    has it: of those the characters are told in order.
    """
    events: Counter[str] = Counter()
    values: Counter[tuple[str, str]] = Counter()
    deltas: dict[tuple[str, str], str] = {}
    for event in made.log.since():
        if event.t == "delta":
            place = event.name, event.path
            deltas[place] = deltas.get(place, "") + event.value
        else:
            values[event.name, event.path] += event.t == "value"
            events[repr((event.t, event.name, event.path, plain(event.value), event.show))] += 1
    for place, text in deltas.items():
        deltas[place] = text if values[place] < 2 else "".join(sorted(text))
    return events, deltas


def seen(result: Result) -> tuple[object, ...]:
    return plain(result.value), plain(result.captures), result.text, result.messages


def expect_told(module: Module, pipeline: str, make_tools: MakeTools) -> None:
    """A run of what the passes make tells what one of ``module`` tells."""
    passes = Pipeline(parse_pipeline(pipeline).passes, rounds=3, verify=True)
    before = run(module, ARGUMENTS, make_tools)
    after = run(optimize(module, passes), ARGUMENTS, make_tools)
    expected, found = before.result(), after.result()
    if expected.error is not None:
        assert found.error is not None
        assert (found.error.message, found.error.loc) == (
            expected.error.message,
            expected.error.loc,
        )
        return
    assert found.error is None, found.error
    assert seen(found) == seen(expected)
    events, deltas = told(before)
    found_events, found_deltas = told(after)
    assert (found_events - events, events - found_events) == (Counter(), Counter())
    assert found_deltas == deltas


def bounded(count: int) -> settings:
    return settings(
        max_examples=count, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )


@pytest.fixture
def num_programs(request: pytest.FixtureRequest) -> int:
    count: int = request.config.getoption("--num-programs")
    return count


def graph_of(text: str) -> Module:
    sink = DiagnosticSink()
    checked = check_source(SourceFile("t.sgl", text), sink)
    assert checked is not None, sink.diagnostics
    return build_graph(checked)


PIPELINES = st.sampled_from(["peval", "peval,fold"])


@pytest.mark.timeout(0)
def test_random_graphs_tell_the_same(num_programs: int) -> None:
    @bounded(num_programs)
    @given(ir_programs.modules(), PIPELINES)
    def check(module: Module, pipeline: str) -> None:
        expect_told(module, pipeline, ir_programs.make_tools)

    check()


@pytest.mark.timeout(0)
def test_random_sources_tell_the_same(num_programs: int) -> None:
    @bounded(num_programs)
    @given(sgl_programs.programs(), PIPELINES)
    def check(text: str, pipeline: str) -> None:
        expect_told(graph_of(text), pipeline, sgl_programs.make_tools)

    check()


@pytest.mark.timeout(0)
def test_what_was_too_much_once_is_too_much_again(num_programs: int) -> None:
    @bounded(num_programs)
    @given(ir_programs.modules(), st.integers(20, 300))
    def check(module: Module, max_ops: int) -> None:
        (each,) = parse_pipeline(f"peval{{max_ops={max_ops}}}").passes
        context = Context(frozenset({"main"}), evaluate=evaluate_function)
        once = each.run(module, context)
        num_changes = len(context.changes)
        assert each.run(once, context) is once
        assert len(context.changes) == num_changes

    check()


BRANCHES = """
prompt main(x: str, n: int) -> str:
    "Question: {x}\\n"
    fork i in 1..2 as view:
        "Think of {i}:"
        plan = gen(max_tokens=4)
        " So:"
        why = gen(max_tokens=4)
        " That is all."
    fork as unread:
        one: "Unread."
    return view[1].plan
"""


@pytest.mark.parametrize("by_value", [False, True])
def test_ends_of_branches_of_which_something_runs_are_told(by_value: bool) -> None:
    module = graph_of(BRANCHES)
    passes = parse_pipeline("fold,peval,fold,dce").passes
    context = Context(frozenset({"main"}), by_value, evaluate_function)
    made = run(Pipeline(passes, rounds=3, verify=True).run(module, context), ARGUMENTS, no_tools)
    events = made.log.since()
    values = {event.path: event.value for event in events if event.t == "value"}
    told = {event.path: event.value for event in events if event.t == "branch"}
    assert values.keys() == {"1"}  # nothing reads the other, nor what stands behind
    assert told == ({} if by_value else {"1": f"Think of 2:{values['1']}"})


TURNS = """
prompt main(x: str, n: int):
    "Question: {x}\\n"
    while n > 5 limit 3:
        fork as sides:
            pro: "Yes."
            con: "No."
        "{sides.pro.text}"
    check n > 1
    fork as others:
        pro: "Yes."
        con: "No."
"""


def test_a_turn_that_is_not_taken_tells_nothing() -> None:
    made = optimize(graph_of(TURNS), parse_pipeline("peval"))
    events = run(made, ARGUMENTS, no_tools).log.since()
    assert [event.path for event in events if event.t == "branch"] == ["0", "1"]
    failed = run(made, {**ARGUMENTS, "n": 1}, no_tools).log.since()
    assert [event.t for event in failed] == ["error", "done"]
