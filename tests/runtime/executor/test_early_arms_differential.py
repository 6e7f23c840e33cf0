"""A run whose arms all begin early gives what the plain run gives, and tells the same of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from generators import sgl_programs
from generators.early_arms import with_early_arms
from generators.hash_model import TOKENIZER, HashModel, expect_same, plain, scheduler
from generators.timed_runs import check_times
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source
from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.interpreter import interpret
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.verify import verify
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import level
from sglc.compiler.plan.serial import plan_from_data, plan_to_data
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.run import Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

pytestmark = pytest.mark.usefixtures("built_here")

ARGUMENTS = {"x": "what", "n": 2}


def graph_of(text: str) -> Module:
    checked = check_source(SourceFile("random.sgl", text), DiagnosticSink())
    assert checked is not None
    return build_graph(checked)


def told(run: Run) -> dict[tuple[str, str, str], Any]:
    """The events by name and path; what stands beside each other has no order, so neither here."""
    found: dict[tuple[str, str, str], Any] = {}
    for event in run.log.since():
        values = event.value if event.t == "delta" else [repr(plain(event.value))]
        found.setdefault((event.t, event.name, event.path), []).extend(values)
    return {key: sorted(values) for key, values in found.items()}


def plain_tools() -> dict[str, Callable[..., Any]]:
    """Tools for runs side by side: none of them counts its calls."""
    return sgl_programs.make_tools([]) | {"note": lambda line: f"#{line[:3]}"}


def executed(module: Module, instance: int | None = None, **limits: int) -> tuple[Run, list[str]]:
    """Run a module to its end; with an ``instance``, by the tools of runs side by side."""
    log: list[str] = []
    tools = sgl_programs.make_tools(log) if instance is None else plain_tools()
    backend = scheduler(20_000, **limits)
    executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML), tools=ToolRegistry(tools))
    plan = plan_from_data(plan_to_data(lower_module(module, "main")))
    run = executor.submit(plan, ARGUMENTS, seed=3, instance=instance or 0)
    executor.run_until_idle()
    executor.close()
    assert backend.idle
    assert run.parts == set()
    return run, log


def compare(module: Module, order: random.Random, counts: Counter[str]) -> None:
    early = with_early_arms(module)
    verify(early)
    outcome = interpret(
        early, "main", ARGUMENTS, HashModel(), seed=3, tools=sgl_programs.make_tools([])
    )
    base, base_log = executed(module)
    limits = {
        "max_running": order.choice([2, 64]),
        "chunk_size": order.choice([3, 64]),
        "max_prefill_tokens": order.choice([16, 1024]),
    }
    run, log = executed(early, **limits)
    result, expected = run.result(), base.result()
    counts["arms"] += result.speculated
    counts["taken"] += result.committed
    counts["wasteful"] += result.wasted_tokens > 0
    expect_same(result, outcome)
    if expected.error is not None:
        counts["failed"] += result.speculated > 0
        assert result.error == expected.error
        return
    assert plain(result.captures) == plain(expected.captures)
    assert result.arms == expected.arms
    assert log == base_log
    assert told(run) == told(base)
    costs = [sum(cost.calls for cost in r.stats.values()) for r in (result, expected)]
    assert costs[0] >= costs[1]


def test_random_programs_with_early_arms() -> None:
    counts: Counter[str] = Counter()

    @settings(
        max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(sgl_programs.programs(num_routers=2), st.randoms(use_true_random=False))
    def check(text: str, order: random.Random) -> None:
        compare(graph_of(text), order, counts)

    check()
    assert min(counts[kind] for kind in ("arms", "taken", "wasteful", "failed")) > 0, counts


def test_early_arms_beside_other_runs_under_all_passes_recorded_or_cancelled() -> None:
    """Streams that are held, warmed, shared or grouped are those of a trial, and end with it."""
    counts: Counter[str] = Counter()

    @settings(
        max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(sgl_programs.programs(num_routers=2), st.randoms(use_true_random=False))
    def check(text: str, order: random.Random) -> None:
        context = Context(evaluate=evaluate_function)
        module = level(2).run(graph_of(text), context)
        base = [executed(module, instance=i)[0].result() for i in range(2)]
        plan = lower_module(with_early_arms(module), "main")
        backend = scheduler(order.choice([1_500, 20_000]), max_running=order.choice([2, 64]))
        recorder = Recorder(timeline=True)
        executor = Executor(
            backend, PromptEncoder(TOKENIZER, CHATML),
            tools=ToolRegistry(plain_tools()), recorder=recorder,
        )  # fmt: skip
        runs = [executor.submit(plan, ARGUMENTS, seed=3, instance=i) for i in range(2)]
        lost = executor.submit(plan, ARGUMENTS, seed=3, instance=order.choice([0, 2]))
        for _ in range(order.randint(1, 12)):
            executor.step()
        executor.cancel(lost)
        assert lost.done
        executor.run_until_idle()
        executor.close()
        assert backend.idle
        assert backend.snapshot().num_held == 0
        for run, expected in zip(runs, base, strict=True):
            result = run.result()
            counts["arms"] += result.speculated
            counts["taken"] += result.committed
            assert (result.error is None) == (expected.error is None)
            if expected.error is None:
                assert (plain(result.value), result.text) == (plain(expected.value), expected.text)
                assert plain(result.captures) == plain(expected.captures)
            assert run.parts == set()
        counts["cancelled"] += lost.result().speculated > lost.result().committed
        for record in recorder.runs:
            check_times(record)

    check()
    assert min(counts[kind] for kind in ("arms", "taken", "cancelled")) > 0, counts
