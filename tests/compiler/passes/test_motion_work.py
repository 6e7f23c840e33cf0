"""What motion saves, on the counters of the engine: calls, and tokens that a call waits for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

NUM_STEPS = 20  # of the engine, while a tool is at work


class Work:
    """What a run of a program with a slow tool ``look`` came to."""

    def __init__(self, text: str, pipeline: str) -> None:
        sink = DiagnosticSink()
        optimization = Optimization(parse_pipeline(pipeline), runs_entry=True)
        program = compile_source(SourceFile("t.sgl", text), sink, None, optimization)
        assert program is not None, sink.diagnostics
        is_over, self.asked = threading.Event(), list[str]()

        def look(x: str) -> str:
            self.asked.append(x)
            assert is_over.wait(60)
            return f"<{x}>"

        backend = scheduler(20_000, chunk_size=16, max_prefill_tokens=16)
        encoder = PromptEncoder(TOKENIZER, CHATML)
        executor = Executor(backend, encoder, tools=ToolRegistry({"look": look}))
        run = executor.submit(program.plan, {"q": "why?"}, seed=5)
        for _ in range(NUM_STEPS):
            executor.step()
        before = backend.stats()["forward_passes"]
        is_over.set()
        self.result = executor.drive(run)
        executor.close()
        assert self.result.error is None
        self.counters: Mapping[str, int] = backend.stats()
        self.steps_behind_the_tool = self.counters["forward_passes"] - before

    def prefilled(self, line: int) -> int:
        """Tokens that the calls of a line computed."""
        stats: Any = self.result.stats
        return sum(s.prefilled_tokens for loc, s in stats.items() if loc.line == line)


AHEAD = """
@readonly
tool look(x: str) -> str
prompt main(q: str) -> str:
    "You answer from what was found, in a few words, and say what you do not know.\\nFound: "
    "{look(q)}\\nAnswer: "
    return gen(max_tokens=3)
"""
LEAD = len("You answer from what was found, in a few words, and say what you do not know.\nFound: ")
REST = len("<why?>\nAnswer: ")

JOINED = """
@readonly
tool look(x: str) -> str
prompt main(q: str) -> str:
    found = "You answer from what was found, in a few words, and say what you do not know.\\nFound: {look(q)}"

    "{found}\\nAnswer: "
    return gen(max_tokens=3)
"""  # noqa: E501  # one text

# A stream goes on behind a decode while the tool is asked about what was written.
BEHIND = """
@readonly
tool look(x: str) -> str
prompt main(q: str) -> str:
    "Say something."
    first = gen(max_tokens=3)
    "\\nWhat follows is what others have said of it, as far as it was found: {look("it")}\\nNow: "
    return gen(max_tokens=3)
"""


@pytest.mark.parametrize(
    ("text", "line", "lead"), [(AHEAD, 7, LEAD), (JOINED, 8, LEAD)], ids=["text", "joined"]
)
def test_the_text_before_a_result_is_computed_while_it_is_waited_for(
    text: str, line: int, lead: int
) -> None:
    before, after = Work(text, "fold"), Work(text, "fold,motion")
    assert after.result.value == before.result.value
    assert after.result.text == before.result.text
    assert (before.prefilled(line), after.prefilled(line)) == (lead + REST, REST)
    assert after.counters["prefilled_tokens"] == before.counters["prefilled_tokens"]
    assert after.steps_behind_the_tool < before.steps_behind_the_tool
    assert after.counters["resumes"] == 1


def test_a_stream_goes_on_while_a_tool_is_asked_about_it() -> None:
    before, after = Work(BEHIND, "fold"), Work(BEHIND, "fold,motion,script")
    assert after.result.text == before.result.text
    rest = len("<it>\nNow: ")
    assert after.prefilled(8) == rest
    assert before.prefilled(8) > 70
    assert after.counters["queue_entries"] == 1


ONCE = """
@readonly
tool look(x: str) -> str
prompt short(text: str) -> str:
    "Shorten: {text}\\n"
    return gen(max_tokens=4)
prompt main(q: str) -> str:
    "Question: {q}"
    fork i in 1..4 as f:
        " {i}: {short(q)} {look(q)}"
        score = gen(int(0..9))
    return "{f[0].score}{f[3].score}"
"""


def test_what_is_the_same_in_every_branch_is_done_once() -> None:
    before, after = Work(ONCE, ""), Work(ONCE, "motion")
    assert after.result.value == before.result.value
    assert (len(before.asked), len(after.asked)) == (4, 1)
    calls = [sum(s.calls for s in work.result.stats.values()) for work in (before, after)]
    assert calls == [8, 5]
    assert after.counters["decoded_tokens"] == before.counters["decoded_tokens"] - 12
