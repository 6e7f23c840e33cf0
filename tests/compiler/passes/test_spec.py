"""Arms that begin early: which ones the pass chooses, and what the engine then does."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.cost.calibration import UNCALIBRATED
from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source
from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module, equal
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.history import History, Lengths
from sglc.compiler.passes.pipeline import PipelineError, level, parse_pipeline
from sglc.compiler.passes.spec import MAX_OPS
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

ROUTER = """
prompt main(mail: str):
    "Mail: {mail}\\n"
    side as route:
        "Kind:"
        kind = gen(int(1..3))
        "why?"
        why = gen(max_tokens=10)
    match route.kind:
        1: a = gen(max_tokens=12)
        2, 3:
            "two"
            b = gen(max_tokens=12)
        else: c = gen(max_tokens=12)
"""
SITE = "t.sgl:9:5"


def graph_of(text: str) -> Module:
    sink = DiagnosticSink()
    checked = check_source(SourceFile("some/where/t.sgl", text), sink)
    assert checked is not None, sink.diagnostics
    return build_graph(checked)


def context(history: History | None = None) -> Context:
    return Context(frozenset({"main"}), False, evaluate_function, history=history)


def chosen(
    pipeline: str, counts: dict[str, int] | None = None, text: str = ROUTER, **costs: float
) -> list[tuple[str, ...]]:
    """The arms that begin early, of each op that has some; with a history of one site, if given."""
    history = None if counts is None else History("", {SITE: counts})
    found = context(history)
    if costs:
        found = replace(found, costs=replace(UNCALIBRATED, **costs))
    module = parse_pipeline(pipeline).run(graph_of(text), found)
    assert len(found.changes) == sum("spec" in op.attrs for _, op in module.walk())
    return [tuple(map(str, op.attrs["spec"])) for _, op in module.walk() if "spec" in op.attrs]


@pytest.mark.parametrize(
    ("pipeline", "arms"),
    [
        ("spec", ["1"]),
        ("spec{order=last}", ["else"]),
        ("spec{width=2}", ["1", "2"]),
        ("spec{width=2,order=last}", ["else", "2"]),
        ("spec{width=9}", ["1", "2", "else"]),
        ("spec{guess=false}", []),
    ],
)
def test_without_history_arms_are_guessed_where_that_is_asked_for(
    pipeline: str, arms: list[str]
) -> None:
    assert chosen(pipeline) == ([tuple(arms)] if arms else [])


@pytest.mark.parametrize(
    ("pipeline", "counts", "arms"),
    [
        ("spec{guess=false}", {"2": 7}, ["2"]),
        ("spec", {"1": 3, "2": 7}, ["2"]),
        ("spec", {"1": 5, "2": 5}, []),  # 6 of 13 each
        ("spec{min_p=0.4}", {"1": 5, "2": 5}, ["1"]),
        ("spec{min_p=0.4,width=3}", {"1": 5, "2": 5}, ["1", "2"]),
        ("spec{min_p=0,width=3}", {"2": 1, "else": 4, "1": 1}, ["else", "1", "2"]),
        ("spec{min_p=0,width=3}", {"else": 100}, ["else"]),  # the others do not pay
        ("spec{min_p=0,width=3,price=1000}", {"else": 100}, []),
        ("spec", {"else": 1}, ["else"]),  # 2 of 4
        ("spec{guess=false}", {}, []),
        ("spec{guess=false}", {"gone": 4}, []),
    ],
)
def test_with_history_arms_that_pay_begin_early(
    pipeline: str, counts: dict[str, int], arms: list[str]
) -> None:
    assert chosen(pipeline, counts) == ([tuple(arms)] if arms else [])


def test_the_cost_of_a_token_that_is_wasted_is_weighed_against_the_time_saved() -> None:
    counts = {"2": 8, "1": 6, "else": 4}  # 9 of 21
    assert chosen("spec{min_p=0.4}", counts) == [("2",)]
    assert chosen("spec{min_p=0.4}", counts, step_s=2e-4, step_stream_s=2e-3) == []
    assert chosen("spec", {"2": 50}, step_s=2e-4, step_stream_s=2e-3) == [("2",)]


def test_how_long_texts_are_is_taken_from_history() -> None:
    """A decision that is over at once is not worth a guess; a text that is short gains little."""
    arms = {SITE: {"1": 9}}
    lengths = {"t.sgl:6:16": Lengths(4, 4), "t.sgl:8:15": Lengths(10, 10)}
    module = graph_of(ROUTER)
    (spec,) = parse_pipeline("spec").passes
    gains = []
    for history in (History("", arms), History("", arms, lengths)):
        found = context(history)
        spec.run(module, found)
        (record,) = found.changes
        gains.append(float(record.after.split("about ")[1].split(" ms")[0]))
    assert 0 < gains[1] < gains[0]


def test_arms_of_one_name_do_not_both_begin() -> None:
    text = ROUTER.replace("match route.kind:", 'match "{route.kind}":').replace(
        "        1:", '        "else":'
    )
    text = text.replace("2, 3:", '"2":')
    assert chosen("spec{width=3}", text=text) == [("else", "2")]


@pytest.mark.parametrize(("num_ops", "arms"), [(MAX_OPS, []), (MAX_OPS // 2, [("2",)])])
def test_large_arms_are_left_alone(num_ops: int, arms: list[tuple[str, ...]]) -> None:
    puts = "".join(f'            "{i}"\n' for i in range(num_ops))
    text = ROUTER.replace('            "two"\n', puts)
    assert chosen("spec", {"2": 9}, text) == arms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("spec{width=0}", "width is at least 1, not 0"),
        ("spec{min_p=1.5}", "min_p is from 0 to 1, not 1.5"),
        ("spec{price=-1}", "price is 0 or more, not -1.0"),
        ("spec{order=middle}", "order is first or last, not middle"),
    ],
)
def test_an_option_out_of_its_range_is_refused(text: str, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        parse_pipeline(text)


def test_levels_begin_nothing_early_without_history() -> None:
    for number in (1, 2):
        found = context()
        module = level(number).run(graph_of(ROUTER), found)
        assert not any("spec" in op.attrs for _, op in module.walk())
        found = context(History("", {SITE: {"2": 9}}))
        module = level(number).run(graph_of(ROUTER), found)
        assert [op.attrs["spec"] for _, op in module.walk() if "spec" in op.attrs] == [("2",)]


def test_what_was_chosen_stays() -> None:
    (spec,) = parse_pipeline("spec{order=last}").passes
    (other,) = parse_pipeline("spec{width=3}").passes
    once = spec.run(graph_of(ROUTER), context())
    again = context()
    assert equal(other.run(once, again), once)
    assert not again.changes


# ---- the engine


class Work(NamedTuple):
    """What a run cost; the steps are forward passes of the engine."""

    steps: int
    decoded_tokens: int
    speculated: int
    committed: int
    wasted_tokens: int


def run(pipeline: str, found: Context | None = None) -> tuple[Result, Work]:
    module = parse_pipeline(pipeline).run(graph_of(ROUTER), found or context())
    backend = scheduler(20_000)
    executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML))
    result = executor.drive(executor.submit(lower_module(module, "main"), {"mail": "hey"}, seed=4))
    executor.close()
    counted = backend.stats()
    assert result.error is None
    work = Work(
        counted["forward_passes"], counted["decoded_tokens"],
        result.speculated, result.committed, result.wasted_tokens,
    )  # fmt: skip
    return result, work


@pytest.mark.parametrize(
    ("pipeline", "work"),
    [
        ("", (22, 22, 0, 0, 0)),
        ("spec", (22, 31, 1, 0, 9)),  # arm 1: wrong, and no step is lost
        ("spec{width=2}", (12, 31, 2, 1, 9)),  # arms 1 and 2: the second is right
        ("spec{width=3}", (12, 40, 3, 1, 18)),
    ],
)
def test_a_right_guess_takes_fewer_steps_and_a_wrong_one_more_tokens(
    pipeline: str, work: tuple[int, ...]
) -> None:
    expected, _ = run("")
    ((_, taken),) = expected.arms
    assert taken == "2"
    result, found = run(pipeline)
    assert found == Work(*work)
    assert (result.text, result.captures) == (expected.text, expected.captures)
    assert result.arms == expected.arms


def test_the_right_guess_from_history_costs_nothing() -> None:
    expected, _ = run("")
    counts = {
        f"{loc.file}:{loc.line}:{loc.column}": {arm: n} for (loc, arm), n in expected.arms.items()
    }
    assert counts == {"some/where/t.sgl:9:5": {"2": 1}}
    found = context(History("", {SITE: {"2": 3}}))
    result, work = run("spec{guess=false}", found)
    assert work == Work(12, 22, 1, 1, 0)
    assert result.text == expected.text
