"""The executor over the scheduler gives what the reference interpreter gives, token for token.

Programs are random; the model is a hash of the whole prefix, so any difference in a prompt, a
token or a random number shows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from generators.ir_programs import ARGUMENTS, ENTRY, make_tools, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler import reference_stream as reference
from sglc.compiler.interpreter import Outcome, interpret
from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.plan.data import Branch
from sglc.compiler.plan.serial import plan_from_data, plan_to_data
from sglc.runtime.config import EngineConfig
from sglc.runtime.core import segments as runtime
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

MAX_CONTEXT = 4096
TOKENIZER = ByteTokenizer()
EOS = 256


class HashModel:
    """The hash model for the interpreter, over the same encoder as the executor's."""

    vocab_size = TOKENIZER.vocab_size
    token_bytes = TOKENIZER.token_bytes
    eos_ids = TOKENIZER.eos_ids

    def __init__(self) -> None:
        self._encoder = PromptEncoder(TOKENIZER, CHATML)
        self._rows: dict[tuple[int, ...], list[float]] = {}

    def encode(self, segments: Sequence[reference.Segment]) -> list[int]:
        return self._encoder.encode([_segment(s) for s in segments])

    def text(self, segments: Sequence[reference.Segment]) -> str:
        return self._encoder.text([_segment(s) for s in segments])

    def logits(self, ids: Sequence[int]) -> list[float]:
        key = tuple(ids)
        if key not in self._rows:
            self._rows[key] = hash_logits(key, self.vocab_size, EOS)
        return self._rows[key]


def _segment(segment: reference.Segment) -> runtime.Segment:
    match segment:
        case reference.Text(text):
            return runtime.Text(text)
        case reference.Special(name):
            return runtime.Special(name)
        case reference.RoleBegin(role):
            return runtime.RoleBegin(role)
        case reference.RoleEnd(role):
            return runtime.RoleEnd(role)


def scheduler(num_slots: int, **limits: int) -> Scheduler:
    runner = HashRunner(TOKENIZER.vocab_size, num_slots, MAX_CONTEXT, eos_id=EOS)
    vocabulary = Vocabulary.of(TOKENIZER.token_bytes, TOKENIZER.eos_ids)
    return Scheduler(runner, vocabulary, EngineConfig(**limits))


def expect_same(result: Result, expected: Outcome) -> None:
    if expected.error is not None:
        assert result.error is not None
        assert expected.error.reason.rpartition(": ")[2] in result.error.message
        return
    assert result.error is None, result.error
    assert plain(result.value) == plain(expected.value)
    assert result.text == expected.text
    assert result.messages == expected.messages


def plain(value: Any) -> Any:
    """Branches with all they hold, so that equality looks at everything but the streams."""
    if isinstance(value, Branch):
        return ("branch", plain(value.fields), value.text, round(value.logprob or 0.0, 6))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(plain, value)]
    return (type(value).__name__, value)


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
