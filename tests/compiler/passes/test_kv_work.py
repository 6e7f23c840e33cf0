"""What kv saves, on the counters of the engine: slots, evicted and prefilled tokens, places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder


def run(
    text: str, pipeline: str, questions: Sequence[str], num_slots: int = 20_000, **limits: int
) -> tuple[list[Any], Mapping[str, int]]:
    """Run a program for one question after the other; return the values and the counters."""
    sink = DiagnosticSink()
    optimization = Optimization(parse_pipeline(pipeline), runs_entry=True)
    program = compile_source(SourceFile("t.sgl", text), sink, None, optimization)
    assert program is not None, sink.diagnostics
    backend = scheduler(num_slots, **limits)
    executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML))
    values = []
    for q in questions:
        result = executor.drive(executor.submit(program.plan, {"q": q}, seed=5))
        assert result.error is None
        values.append((result.value, result.text))
    executor.close()
    assert backend.slot_usage.held == 0
    return values, backend.stats()


# Two decodes of 30 tokens behind a prompt of 61; the one of the first question comes again.
CHAIN = """
prompt main(q: str) -> str:
    "{q}: "
    first = gen(/[a-z]{30}/, max_tokens=30)
    " Then: "
    second = gen(/[a-z]{30}/, max_tokens=30)
    return second
"""
QUESTIONS = [letter * 59 for letter in "abcda"]


def test_what_was_written_makes_room_for_prompts_that_come_again() -> None:
    expected, work = run(CHAIN, "script", QUESTIONS, 350)
    values, less = run(CHAIN, "script,kv", QUESTIONS, 350)
    assert values == expected
    assert work["evicted_tokens"] > 0
    assert less["evicted_tokens"] == 0
    assert less["peak_slots"] == 4 * 61 + 30 + 7 + 29  # the token written last is not computed
    assert less["prefilled_tokens"] == work["prefilled_tokens"] - 61


def test_what_the_next_call_has_to_find_in_the_cache_is_put_there() -> None:
    """Without `script` each call has a stream of its own: only what the last one writes goes."""
    expected, work = run(CHAIN, "", QUESTIONS[:2])
    values, less = run(CHAIN, "kv", QUESTIONS[:2])
    assert values == expected
    assert less["prefilled_tokens"] == work["prefilled_tokens"]
    assert less["peak_slots"] == work["peak_slots"] - 29


# Of six streams that might go on none does, but for the arm that is not taken.
ARMS = """
prompt main(q: str) -> str:
    "Question: {q}"
    fork i in 1..6 as f:
        " Part {i}: "
        a = gen(max_tokens=4)
        if a == "more":
            " More: "
            b = gen(max_tokens=4)
    fork i in 1..6 as g:
        " {f[0].a} and part {i}: "
        c = gen(max_tokens=4)
    return g[0].c
"""


def test_streams_that_go_on_in_another_arm_give_their_places_back() -> None:
    expected, _ = run(ARMS, "", ["why?"], max_running=6)
    values, work = run(ARMS, "script", ["why?"], max_running=6)
    assert values == expected
    assert work["parked"] == 6
    values, less = run(ARMS, "script,kv", ["why?"], max_running=6)
    assert values == expected
    assert less["parked"] == 0
