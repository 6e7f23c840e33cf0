"""The work that passes save, on the counters of the engine itself: calls, queue, prefill, decode.

The figures are golden: a pass that stops firing fails one, and so does one that fires too often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.plan.plan import walk
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder


class Work(NamedTuple):
    """What a run cost; ``calls`` are model calls of the program, ``tools`` calls of tools."""

    calls: int
    queue_entries: int
    prefilled_tokens: int
    decoded_tokens: int
    tools: int = 0


def run(text: str, pipeline: str, *, by_value: bool) -> tuple[Result, Work]:
    sink = DiagnosticSink()
    passes = parse_pipeline(pipeline)
    optimization = Optimization(passes, runs_entry=True, by_value=by_value)
    program = compile_source(SourceFile("t.sgl", text), sink, optimization=optimization)
    assert program is not None, sink.diagnostics
    asked: list[str] = []

    def look(x: str) -> str:
        asked.append(x)
        return x.upper()

    tools: dict[str, Callable[..., Any]] = {"look": look}
    backend = scheduler(20_000)
    encoder = PromptEncoder(TOKENIZER, CHATML)
    executor = Executor(backend, encoder, tools=ToolRegistry(tools))
    result = executor.drive(executor.submit(program.plan, {"q": "why?"}, seed=5))
    executor.close()
    counted = backend.stats()
    calls = sum(stats.calls for stats in result.stats.values())
    found = Work(
        calls,
        counted["queue_entries"],
        counted["prefilled_tokens"],
        counted["decoded_tokens"],
        len(asked),
    )
    return result, found


# A decode that nobody reads: the last of a prompt that is called, and of a branch.
UNREAD = """
prompt plan(q: str) -> str:
    "Question: {q}\\nPlan:"
    thought = gen(max_tokens=8)
    "\\nAnswer:"
    answer = gen(max_tokens=8)
    "\\nWhy:"
    why = gen(max_tokens=30)
    return answer
prompt main(q: str) -> str:
    "Rate."
    fork i in 1..3 as view:
        " Score {i}: "
        score = gen(int(0..9))
        " because"
        reason = gen(max_tokens=20)
    a = plan(q)
    return "{a}{best(view, by=.score).score}"
"""

# The same greedy decode on the same prompt: in sides, and in calls of one prompt.
TWICE = """
@readonly
tool look(x: str) -> str
prompt short(text: str) -> str:
    "Shorten: {text}\\n"
    return gen(max_tokens=10)
prompt main(q: str) -> str:
    "Question: {q}\\n"
    side as one: a = gen(max_tokens=12)
    side as two: b = gen(max_tokens=12)
    side as drawn: c = gen(max_tokens=12, temperature=1)
    return one.a + two.b + drawn.c + short(q) + short(q) + look(q) + look(q)
"""

# Five votes on what has two answers: three that agree are enough.
VOTE = """
prompt main(q: str) -> bool:
    "Question: {q}\\n"
    fork k in 1..5 as voice:
        "Thoughts: {thought = gen(max_tokens=30, temperature=1)}"
        " So: {agrees = gen(bool)}"
    return majority(voice.agrees)
"""

# An arm that is never taken is not compiled; the one that is needs no model to choose it.
CONSTANT = """
let CAREFUL = false
fn steps(n: int) -> int = n * 2
prompt main(q: str) -> str:
    "Question: {q}\\n"
    if CAREFUL:
        "Think for {steps(2)} steps."
        side as s: thought = gen(max_tokens=20)
    for i in 1..0:
        x = gen(max_tokens=9)
    most = steps(3)
    side as one: a = gen(max_tokens=most)
    side as two: b = gen(max_tokens=6)
    return one.a + two.b
"""


@pytest.mark.parametrize(
    ("text", "pipeline", "before", "after"),
    [
        (UNREAD, "dce", (9, 9, 91, 50), (5, 5, 50, 19)),
        (UNREAD, "fold,gvn", (9, 9, 91, 50), (9, 9, 91, 50)),
        (TWICE, "gvn", (5, 5, 29, 38, 2), (3, 3, 29, 25, 1)),
        (TWICE, "fold,dce", (5, 5, 29, 38, 2), (5, 5, 29, 38, 2)),
        (VOTE, "fold,dce,peval", (10, 10, 129, 82), (10, 10, 129, 82)),
        (VOTE, "decide", (10, 10, 129, 82), (9, 9, 84, 77)),
        (VOTE, "fold,dce,decide,peval", (10, 10, 129, 82), (9, 9, 84, 77)),
        (CONSTANT, "fold", (2, 2, 15, 6), (2, 2, 15, 6)),
        (CONSTANT, "gvn", (2, 2, 15, 6), (2, 2, 15, 6)),
        (CONSTANT, "fold,gvn", (2, 2, 15, 6), (1, 1, 15, 3)),
    ],
    ids=[
        "dce",
        "no-dce",
        "gvn",
        "no-gvn",
        "no-decide",
        "decide",
        "decide-and-peval",
        "fold",
        "gvn-without-fold",
        "gvn-after-fold",
    ],
)
def test_the_engine_does_less_for_the_same_value(
    text: str, pipeline: str, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    expected, work = run(text, "", by_value=True)
    assert work == Work(*before)
    result, less = run(text, pipeline, by_value=True)
    assert less == Work(*after)
    assert result.error is None
    assert result.value == expected.value


def num_nodes(text: str, pipeline: str) -> int:
    optimization = Optimization(parse_pipeline(pipeline))
    program = compile_source(SourceFile("t.sgl", text), DiagnosticSink(), None, optimization)
    assert program is not None
    return sum(1 for function in program.plan.functions.values() for _ in walk(function.body))


@pytest.mark.parametrize(
    ("text", "pipeline", "nodes"),
    [(CONSTANT, "", 28), (CONSTANT, "fold", 18), (CONSTANT, "fold,gvn,dce", 14)],
)
def test_the_plan_has_fewer_nodes(text: str, pipeline: str, nodes: int) -> None:
    assert num_nodes(text, pipeline) == nodes


@pytest.mark.parametrize("text", [UNREAD, TWICE, CONSTANT], ids=["unread", "twice", "constant"])
def test_captures_that_are_looked_at_are_kept(text: str) -> None:
    expected, _ = run(text, "", by_value=False)
    result, _ = run(text, "fold,gvn,dce", by_value=False)
    assert result.captures == expected.captures
    assert result.text == expected.text
    assert result.messages == expected.messages
