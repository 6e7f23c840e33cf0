"""The executor over the scheduler gives what the reference interpreter gives, token for token.

Programs are random; the model is a hash of the whole prefix, so any difference in a prompt, a
token or a random number shows.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from generators.hash_model import TOKENIZER, HashModel, expect_same, scheduler
from generators.ir_programs import ARGUMENTS, ENTRY, make_tools, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.interpreter import interpret
from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.plan.serial import plan_from_data, plan_to_data
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(modules(), st.integers(0, 3), st.integers(1, 3), st.randoms(use_true_random=False))
def test_executor_gives_what_the_interpreter_gives(
    module: Module, seed: int, num_instances: int, order: random.Random
) -> None:
    def tools(log: list[str]) -> dict[str, Callable[..., str]]:
        made = make_tools(log)
        if num_instances > 1:  # they share the tools, so a tool must not count its calls
            made["note"] = lambda line: f"#{line[:3]}"
        return made

    wanted_log, log = [], []
    expected = [
        interpret(
            module, ENTRY, ARGUMENTS, HashModel(),
            seed=seed, instance=instance, tools=tools(wanted_log),
        )
        for instance in range(num_instances)
    ]  # fmt: skip
    plan = plan_from_data(plan_to_data(lower_module(module, ENTRY)))
    backend = scheduler(
        order.choice([4096, 20_000]),
        max_running=order.choice([2, 64]),
        chunk_size=order.choice([3, 64]),
        max_prefill_tokens=order.choice([16, 1024]),
    )
    encoder = PromptEncoder(TOKENIZER, CHATML)
    executor = Executor(backend, encoder, tools=ToolRegistry(tools(log)))
    runs = [
        executor.submit(plan, ARGUMENTS, seed=seed, instance=instance)
        for instance in range(num_instances)
    ]
    executor.run_until_idle()
    executor.close()
    for run, outcome in zip(runs, expected, strict=True):
        expect_same(run.result(), outcome)
    if all(outcome.error is None for outcome in expected):
        assert log == wanted_log
    assert backend.idle
