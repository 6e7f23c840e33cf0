"""Batches on the embedded model: results do not depend on company, prompts are computed once."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.plan.segments import Text
from sglc.compiler.source import SourceFile
from sglc.runtime.config import EngineConfig
from sglc.runtime.local import LocalHost, load
from sglc.runtime.options import LocalOptions

ASK = """prompt ask(question: str) -> str:
    "Q: {question}\\nA:{answer = gen(line, max_tokens=12, temperature=0.9, top_p=0.95)}"
    return answer
"""
QUESTIONS = [f"What is {a} + {b}?" for a in range(2, 14) for b in (3, 5, 8)]


@pytest.fixture(scope="module")
def plan() -> Plan:
    program = compile_source(SourceFile("ask.sgl", ASK), DiagnosticSink())
    assert program is not None
    return program.plan


def answers(host: LocalHost, plan: Plan, order: Sequence[int]) -> dict[int, Any]:
    rows = [(i, {"question": QUESTIONS[i]}) for i in order]
    return {i: result.value for i, result in host.run_batch(plan, rows, seed=5)}


@pytest.mark.parametrize(
    "limits",
    [{"max_running": 3}, {"chunk_size": 2, "max_prefill_tokens": 9}, {"max_running": 1}],
    ids=str,
)
def test_samples_do_not_depend_on_order_or_limits(plan: Plan, limits: dict[str, int]) -> None:
    order = list(range(len(QUESTIONS)))
    wanted = answers(load(LocalOptions(dtype="float32", num_slots=4000)), plan, order)
    assert len(set(wanted.values())) > 10
    random.Random(1).shuffle(order)
    options = LocalOptions(dtype="float32", num_slots=300, engine=EngineConfig(**limits))
    assert answers(load(options), plan, order) == wanted


def test_a_batch_prefills_each_token_of_the_trie_of_its_prompts_once(plan: Plan) -> None:
    host = load(LocalOptions())
    answers(host, plan, range(len(QUESTIONS)))
    prompts = [host.encoder.encode([Text(f"Q: {q}\nA:")]) for q in QUESTIONS]
    stats = host.scheduler.stats()
    assert stats["prefilled_tokens"] == distinct_tokens(prompts) < sum(map(len, prompts)) / 2
    usage = host.scheduler.slot_usage
    assert usage.held == 0
    assert usage.free + usage.cached == usage.total


def distinct_tokens(prompts: Iterable[Sequence[int]]) -> int:
    """The number of nodes of the trie of the prompts."""
    nodes: dict[tuple[int, int], int] = {}
    for ids in prompts:
        at = 0
        for token in ids:
            at = nodes.setdefault((at, token), len(nodes) + 1)
    return len(nodes)
