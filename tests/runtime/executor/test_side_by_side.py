"""Runs side by side, with all that passes let them share, give what each gives alone.

Programs, limits, and which runs are cancelled are random. What the runs cost together is what the
engine has counted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from generators.equivalence import with_twins
from generators.hash_model import TOKENIZER, plain, scheduler
from generators.ir_programs import ARGUMENTS, ENTRY, make_tools, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import level, parse_pipeline
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.profile import Profile
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.run import Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

SUMMED = (
    "queue_entries", "prefilled_tokens", "decoded_tokens", "scored_tokens", "forced_tokens",
)  # fmt: skip


def optimized(module: Module) -> Module:
    """Every pass of -O1, and beginnings of any length."""
    context = Context(frozenset({ENTRY}), False, evaluate_function)
    (each,) = parse_pipeline("prefix{min_chars=1}").passes
    return each.run(level(1, verify=True).run(module, context), context)


def executor_on(backend: Scheduler, recorder: Recorder | None) -> Executor:
    tools: dict[str, Callable[..., Any]] = make_tools([])
    tools["note"] = lambda line: f"#{line[:3]}"  # runs share it, so it must not count its calls
    encoder = PromptEncoder(TOKENIZER, CHATML)
    return Executor(backend, encoder, tools=ToolRegistry(tools), recorder=recorder)


def alone(module: Module, instance: int) -> Run:
    executor = executor_on(scheduler(20_000), None)
    run = executor.submit(lower_module(module, ENTRY), ARGUMENTS, seed=3, instance=instance)
    executor.run_until_idle()
    executor.close()
    return run


def together(
    module: Module, backend: Scheduler, recorder: Recorder, count: int, order: random.Random
) -> list[Run]:
    executor = executor_on(backend, recorder)
    plan = lower_module(module, ENTRY)
    runs: list[Run] = []
    may_cancel = order.random() < 0.5
    for instance in range(count):
        runs.append(executor.submit(plan, ARGUMENTS, seed=3, instance=instance))
        for _ in range(order.randint(0, 5)):
            executor.step()
        if may_cancel and order.random() < 0.3:
            executor.cancel(order.choice(runs))
    executor.run_until_idle()
    executor.close()
    return runs


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(modules(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_runs_side_by_side_give_what_each_gives_alone(
    drawn: Module, count: int, order: random.Random
) -> None:
    module = with_twins(drawn, order)
    recorder = Recorder()
    backend = scheduler(
        order.choice([3_000, 20_000]),
        max_running=order.choice([2, 3, 64]),
        chunk_size=order.choice([3, 64]),
        max_prefill_tokens=order.choice([16, 1024]),
    )
    runs = together(optimized(module), backend, recorder, count, order)
    assert backend.idle
    assert backend.snapshot().num_held == 0
    assert backend.slot_usage.held == 0
    for instance, run in enumerate(runs):
        found, expected = run.result(), alone(module, instance).result()
        if found.error is not None and found.error.code == "cancelled":
            continue
        assert (found.error is None) == (expected.error is None), found.error
        if found.error is None:
            assert plain(found.value) == plain(expected.value)
            assert plain(found.captures) == plain(expected.captures)
            assert found.text == expected.text
    total, counted = Profile.of(recorder).total, backend.stats()
    costs = [stats for run in runs for stats in run.result().stats.values()]
    for name in SUMMED:
        assert getattr(total.stats, name) == counted[name], name
        assert sum(getattr(cost, name) for cost in costs) == counted[name], name
