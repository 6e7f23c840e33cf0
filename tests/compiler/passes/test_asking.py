"""Tools that are asked for what they give alone: -O2 does not ask them where nobody reads it."""

from __future__ import annotations

import pytest
from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import level
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

HEAD = """
@readonly
tool look(key: str) -> str
tool note(key: str) -> str
"""
TURNS = """
prompt main(q: str) -> str:
    "Question: {q}\\n"
    for n in 1..3:
        act = gen("go on" | "stop")
        if act == "stop" and n > 3: return act
        key = gen(str(min=1, max=2))
        "Found {n}: {TOOL(key + str(n))}\\n"
    return "none"
"""
DISCARDED = """
prompt main(q: str) -> str:
    "Go."
    _ = look(q)
    x = look(q + "!")
    "{x}"
    return gen(max_tokens=2)
"""
CAUGHT = """
prompt known(q: str) -> str:
    "Is it known?"
    answer = gen(max_tokens=2)
    "{look(q)}"
    return answer
prompt main(q: str) -> str:
    "Go."
    return try known(q) else "it is not"
"""


def run(text: str, number: int, *, by_value: bool = True) -> tuple[Result, list[str]]:
    """A run, and the keys that tools were asked for; the key ``fails`` is unknown to them."""
    asked: list[str] = []

    def ask(key: str) -> str:
        asked.append(key)
        if key == "fails":
            raise LookupError(key)
        return key.upper()

    sink = DiagnosticSink()
    options = Optimization(level(number, verify=True), runs_entry=True, by_value=by_value)
    program = compile_source(SourceFile("t.sgl", HEAD + text), sink, None, options)
    assert program is not None, sink.diagnostics
    executor = Executor(
        scheduler(20_000),
        PromptEncoder(TOKENIZER, CHATML),
        tools=ToolRegistry({"look": ask, "note": ask}),
    )
    result = executor.drive(executor.submit(program.plan, {"q": "fails"}, seed=5))
    executor.close()
    return result, asked


@pytest.mark.parametrize(
    ("tool", "by_value", "calls"),
    [("look", True, 2), ("look", False, 3), ("note", True, 3)],
    ids=["unread", "text-is-looked-at", "effectful"],
)
def test_the_tool_of_the_last_turn(tool: str, by_value: bool, calls: int) -> None:
    text = TURNS.replace("TOOL", tool)
    plain, asked = run(text, 1, by_value=by_value)
    found, less = run(text, 2, by_value=by_value)
    assert (len(asked), len(less)) == (3, calls)
    assert asked[:calls] == less
    assert plain.error is found.error is None
    assert found.value == plain.value


def test_who_discards_the_answer_asks_for_the_failure() -> None:
    for number in (1, 2):
        result, asked = run(DISCARDED, number)
        assert "fails" in asked
        assert result.error is not None
        assert "tool `look` failed" in result.error.message


def test_a_failure_that_is_caught_is_a_value() -> None:
    for number in (0, 1, 2):
        result, asked = run(CAUGHT, number)
        assert (asked, result.value) == (["fails"], "it is not")


def test_a_failure_of_what_nobody_reads_is_not_told() -> None:
    text = CAUGHT.replace("try ", "").replace(' else "it is not"', "")
    assert run(text, 1)[0].error is not None
    result, asked = run(text, 2)
    assert result.error is None
    assert asked == []
