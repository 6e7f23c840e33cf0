"""What passes tell the runtime is safe where rows and slots are short: equal texts, no leaks."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import level
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

# Chains, arms that go on or do not, loops that are left, tools, calls, drawn and greedy decodes.
TEXT = """
@readonly
tool look(x: str) -> str
prompt short(text: str, n: int) -> str:
    "Shorten, please: {text}\\n"
    a = gen(/[a-z]{4,6}/, max_tokens=9)
    if n > 1:
        " and again, if you can: "
        b = gen(max_tokens=5, temperature=1)
    for i in 1..3:
        " Turn {i}: {c = gen(max_tokens=4)}"
        if i > n: return a
        " What was found about it: {look(c)}"
    return a
prompt main(q: str) -> str:
    "Question: {q}. Here is some text that comes before all else. {k = select("one", "two")}"
    fork i in 1..5 as f:
        "Part {i}: {x = gen(max_tokens=8)} then {y = gen({p: "yes" | "no", n: int(0..9)})}"
        if i > 2: " and {look(x)} so {z = gen(max_tokens=6, temperature=1)}"
        w = short(x, i)
    side as s: " In a side: {u = gen(max_tokens=5)}"
    " Found: {look("it")}{v = gen(max_tokens=5)}"
    return "{f[0].w}{f[4].w}{s.u}{f[3].x}{v}"
"""


def plan_of(number: int) -> Plan:
    sink = DiagnosticSink()
    program = compile_source(
        SourceFile("t.sgl", TEXT), sink, None, Optimization(level(number, verify=True))
    )
    assert program is not None, sink.diagnostics
    return program.plan


def run(
    plan: Plan, num_slots: int, num_runs: int, **limits: int
) -> tuple[list[Result], Mapping[str, int]]:
    backend = scheduler(num_slots, **limits)
    encoder = PromptEncoder(TOKENIZER, CHATML)
    executor = Executor(backend, encoder, tools=ToolRegistry({"look": lambda x: f"<{x}>"}))
    runs = [executor.submit(plan, {"q": f"why {i}?"}, seed=i) for i in range(num_runs)]
    executor.run_until_idle()
    executor.close()
    usage = backend.slot_usage
    assert (usage.held, usage.free + usage.cached) == (0, usage.total)
    return [one.result() for one in runs], backend.stats()


@pytest.mark.parametrize(
    ("num_slots", "limits"),
    [
        (340, {"max_running": 8, "chunk_size": 16}),
        (340, {"max_running": 2}),
        (360, {"max_running": 12, "chunk_size": 5, "max_prefill_tokens": 20}),
        (20_000, {"max_running": 3}),
    ],
)
def test_held_streams_and_hints_change_nothing_where_room_is_short(
    num_slots: int, limits: dict[str, int]
) -> None:
    expected, _ = run(plan_of(0), 50_000, 3)
    assert all(result.error is None for result in expected)
    for number in (1, 2):
        found, counters = run(plan_of(number), num_slots, 3, **limits)
        assert counters["evicted_tokens"] > 0 or num_slots == 20_000
        assert counters["resumes"] > 0
        for result, wanted in zip(found, expected, strict=True):
            assert result.error is None
            assert result.value == wanted.value
            assert result.text == wanted.text
            assert result.captures.keys() == wanted.captures.keys()
