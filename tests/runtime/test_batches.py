"""Batches compute each distinct token of their prompts once, on the counters of the engine."""

from __future__ import annotations

import random
import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import level
from sglc.compiler.plan.plan import Plan
from sglc.compiler.plan.segments import Text
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.host import Host
from sglc.runtime.local import load
from sglc.runtime.options import LocalOptions
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

Row = tuple[int, dict[str, Any]]
FEW_SHOT = """
let SHOTS = "{shots}"
prompt main(q: str) -> str:
    "{{SHOTS}}Q: {{q}}\\nA:"
    a = gen(max_tokens=8)
    return a
"""
GRID = """
prompt main(doc: str, q: str) -> str:
    "{doc}\\nQ: {q}\\nA:"
    a = gen(max_tokens=8, temperature=0.8)
    return a
"""
ENCODER = PromptEncoder(TOKENIZER, CHATML)


def plan_of(text: str) -> Plan:
    sink = DiagnosticSink()
    optimization = Optimization(level(1))
    program = compile_source(SourceFile("t.sgl", text), sink, optimization=optimization)
    assert program is not None, sink.diagnostics
    return program.plan


def letters(source: random.Random, low: int, high: int) -> str:
    return "".join(source.choice("abcdefgh ") for _ in range(source.randint(low, high)))


def run(
    plan: Plan, rows: Sequence[Row], num_slots: int, **limits: int
) -> tuple[dict[int, Any], Mapping[str, int]]:
    """The values of the rows, and what the engine has counted. All rows are there at once."""
    backend = scheduler(num_slots, **limits)
    executor = Executor(backend, ENCODER)
    host = Host(executor, ENCODER, window=len(rows))
    values = {number: result.value for number, result in host.run_batch(plan, rows, seed=3)}
    executor.close()
    assert backend.slot_usage.held == 0
    return values, backend.stats()


def distinct_tokens(prompts: Iterable[Sequence[int]]) -> int:
    """The number of nodes of the trie of the prompts."""
    nodes: dict[tuple[int, int], int] = {}
    for ids in prompts:
        at = 0
        for token in ids:
            at = nodes.setdefault((at, token), len(nodes) + 1)
    return len(nodes)


@pytest.mark.parametrize("chunk_size", [2048, 100])
def test_a_constant_prefix_is_computed_once_for_all_rows(chunk_size: int) -> None:
    source = random.Random(5)
    shots = letters(source, 768, 768)
    rows = [(i, {"q": letters(source, 15, 30)}) for i in range(200)]
    plan = plan_of(FEW_SHOT.format(shots=shots))
    prompts = [ENCODER.encode([Text(f"{shots}Q: {row['q']}\nA:")]) for _, row in rows]
    distinct = distinct_tokens(prompts)
    expected, ample = run(plan, rows, 20_000, chunk_size=chunk_size)
    assert ample["prefilled_tokens"] == distinct
    assert ample["evicted_tokens"] == 0
    working_set = distinct + ample["decoded_tokens"]
    for part in (2, 4, 6):
        values, small = run(plan, rows, working_set // part, chunk_size=chunk_size)
        assert small["prefilled_tokens"] == distinct
        assert small["evicted_tokens"] > working_set // 4
        assert small["preemptions"] == 0
        assert values == expected


@pytest.fixture(scope="module")
def grid() -> list[Row]:
    """Twelve texts times ten questions, shuffled."""
    source = random.Random(5)
    docs = [letters(source, 200, 200) for _ in range(12)]
    questions = [letters(source, 5, 12) for _ in range(10)]
    cells = [{"doc": doc, "q": question} for doc in docs for question in questions]
    source.shuffle(cells)
    return list(enumerate(cells))


@pytest.mark.parametrize(("num_slots", "at_least"), [(450, 6.0), (1200, 4.0), (2500, 1.5)])
def test_rows_of_a_grid_share_in_a_small_pool(
    grid: list[Row], num_slots: int, at_least: float
) -> None:
    plan = plan_of(GRID)
    unordered = replace(plan, hints={})
    prompts = [ENCODER.encode([Text(f"{r['doc']}\nQ: {r['q']}\nA:")]) for _, r in grid]
    distinct = distinct_tokens(prompts)
    expected, as_given = run(unordered, grid, num_slots)
    values, counted = run(plan, grid, num_slots)
    assert counted["prefilled_tokens"] == distinct
    assert as_given["prefilled_tokens"] > at_least * distinct
    assert counted["evicted_tokens"] < as_given["evicted_tokens"]
    # A row has its number, so neither its answer nor its random numbers depend on the order.
    assert values == expected
    assert len(set(values.values())) > 100


def test_the_embedded_model_too(grid: list[Row]) -> None:
    plan = plan_of(GRID)
    counted, found = [], []
    for each in (plan, replace(plan, hints={})):
        host = load(LocalOptions(dtype="float32", num_slots=600))
        found.append({n: result.value for n, result in host.run_batch(each, grid[:40], seed=3)})
        counted.append(host.scheduler.stats()["prefilled_tokens"])
    prompts = [host.encoder.encode([Text(f"{r['doc']}\nQ: {r['q']}\nA:")]) for _, r in grid[:40]]
    assert counted[0] == distinct_tokens(prompts) < counted[1] / 1.5
    assert found[0] == found[1]


def test_a_constant_prefix_on_the_embedded_model() -> None:
    """768 tokens, 100 rows, all at once, in a pool of half the working set."""
    source = random.Random(3)
    host = load(LocalOptions(dtype="float32"))
    words = ["river", "market", "garden", "library", "harbour", "mill", "tower", "stands", "near"]
    drawn = source.choices(words, k=1_000)

    def num_tokens(count: int) -> int:
        return len(host.encoder.encode([Text(" ".join(drawn[:count]))]))

    shots = " ".join(drawn[: bisect_left(range(1_000), 768, key=num_tokens)])
    rows = [(i, {"q": f"What is {i} + {i % 7}?"}) for i in range(100)]
    plan = plan_of(FEW_SHOT.format(shots=shots))
    prompts = [host.encoder.encode([Text(f"{shots}Q: {row['q']}\nA:")]) for _, row in rows]
    distinct = distinct_tokens(prompts)
    expected = {n: result.value for n, result in host.run_batch(plan, rows)}
    ample = host.scheduler.stats()
    assert ample["prefilled_tokens"] == distinct
    num_slots = (distinct + ample["decoded_tokens"]) // 2
    small = load(LocalOptions(dtype="float32", num_slots=num_slots))
    assert {n: result.value for n, result in small.run_batch(plan, rows)} == expected
    assert small.scheduler.stats()["prefilled_tokens"] == distinct
    assert small.scheduler.stats()["evicted_tokens"] > 0


def test_rows_that_cannot_run_are_told_as_before() -> None:
    rows: list[Row] = [(0, {"doc": "a", "q": "b"}), (1, {"doc": 3, "q": "b"})]
    host = Host(Executor(scheduler(500), ENCODER), ENCODER, window=4)
    with pytest.raises(ValueError, match="doc"):
        list(host.run_batch(plan_of(GRID), rows))


def test_equal_rows_of_a_greedy_program_run_once() -> None:
    plan = plan_of(FEW_SHOT.format(shots="Answer. "))
    rows = [(i, {"q": f"question {i % 3}"}) for i in range(30)]
    values, counted = run(plan, rows, 1_000)
    assert counted["queue_entries"] == 3
    assert [values[i] for i in range(30)] == [values[i % 3] for i in range(30)]


THRICE = """
prompt ask(doc: str, q: str) -> str:
    "{doc}\\nQ: {q}\\nA:"
    return gen(max_tokens=8, min_tokens=8)
prompt main(doc: str, q: str) -> str:
    a = ask(doc, q)
    b = ask(doc, a)
    return ask(doc, b)
"""


def test_rows_that_ask_again_come_back_to_what_is_there(
    grid: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(THRICE)
    expected, ample = run(plan, grid, 20_000)
    values, limited = run(plan, grid, 1_200)
    monkeypatch.setattr("sglc.runtime.host.asks_again", lambda plan: False)
    _, all_open = run(plan, grid, 1_200)
    _, as_given = run(replace(plan, hints={}), grid, 1_200)
    assert values == expected
    assert limited["prefilled_tokens"] < 1.2 * ample["prefilled_tokens"]
    assert all_open["prefilled_tokens"] > 1.5 * ample["prefilled_tokens"]
    assert as_given["prefilled_tokens"] > 6 * ample["prefilled_tokens"]


def test_while_rows_wait_for_tools_others_begin() -> None:
    """Ten rows of 100 tokens in a pool of 300: the engine works on the others meanwhile."""
    waiting = threading.Barrier(10, timeout=20)

    def look(x: str) -> str:
        waiting.wait()  # opens when all ten are here
        return x[:3]

    plan = plan_of("""
tool look(x: str) -> str
prompt main(q: str) -> str:
    "{q}"
    a = gen(max_tokens=4)
    " {look(a)}"
    return gen(max_tokens=4)
""")
    rows = [(i, {"q": f"{i}" * 100}) for i in range(10)]
    backend = scheduler(300)
    executor = Executor(backend, ENCODER, tools=ToolRegistry({"look": look}))
    results = dict(Host(executor, ENCODER, window=64).run_batch(plan, rows))
    executor.close()
    assert [result.error for result in results.values()] == [None] * 10
