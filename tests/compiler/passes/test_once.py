"""A tool that changes nothing is asked once for the same arguments, however a run comes to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from generators.hash_model import TOKENIZER, scheduler
from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.answers import Answers
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

HEAD = """
@readonly
tool look(key: str) -> str
@pure
tool half(n: number) -> number
tool note(key: str) -> str
"""
# What is asked is found out by the model; it is the same in every turn but the first.
AGENT = """
prompt main(q: str) -> str:
    "Question: {q}\\n"
    for n in 1..4:
        key = gen("a" | "a") if n > 1 else gen("b" | "b")
        "Found {n}: {look(key)}\\n"
    return look("b")
"""
CHANGED = AGENT.replace('"Found', 'mark = note(key + "!") if n == 3 else ""\n        "{mark}Found')
FAILS = """
prompt main(q: str) -> str:
    "Go."
    found = ""
    for n in 1..3:
        key = gen("fails" | "fails")
        found = try look(key) else "-"
        "{found}"
    return found
"""
NUMBERS = """
prompt main(q: str) -> str:
    "Go."
    xs: list[number] = [1, 1.0, 2, 1]
    for x in xs: "{half(x)}"
    return "done"
"""


def compiled(text: str, pipeline: str) -> Plan:
    sink = DiagnosticSink()
    options = Optimization(parse_pipeline(pipeline), runs_entry=True)
    program = compile_source(SourceFile("t.sgl", HEAD + text), sink, None, options)
    assert program is not None, sink.diagnostics
    return program.plan


def run(plan: Plan, *, times: int = 1) -> tuple[list[Result], list[Any]]:
    """Runs, one behind the other, and what tools were asked; the key ``fails`` is unknown."""
    asked: list[Any] = []

    def ask(key: Any) -> Any:
        asked.append(key)
        if key == "fails":
            raise LookupError(key)
        return key * 2

    tools: Mapping[str, Callable[..., Any]] = {
        "look": lambda key: ask(key), "note": lambda key: ask(key), "half": lambda n: ask(n)
    }  # fmt: skip
    executor = Executor(
        scheduler(20_000), PromptEncoder(TOKENIZER, CHATML), tools=ToolRegistry(tools)
    )
    results = [executor.drive(executor.submit(plan, {"q": "why"}, seed=5)) for _ in range(times)]
    executor.close()
    return results, asked


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        (AGENT, ["b", "b", "a", "a", "a"], ["b", "a"]),
        (CHANGED, ["b", "b", "a", "a", "a!", "a"], ["b", "a", "a!", "a"]),
        (FAILS, ["fails"] * 3, ["fails"] * 3),
        (NUMBERS, [1, 1.0, 2, 1], [1, 1.0, 2]),
    ],
    ids=["equal", "something-has-changed", "failure", "numbers"],
)
def test_what_is_asked(text: str, before: list[Any], after: list[Any]) -> None:
    (plain,), asked = run(compiled(text, ""))
    (found,), less = run(compiled(text, "once"))
    assert sorted(map(repr, asked)) == sorted(map(repr, before))
    assert sorted(map(repr, less)) == sorted(map(repr, after))
    assert plain.error is found.error is None
    assert (found.value, found.text) == (plain.value, plain.text)


def test_another_run_asks_for_itself() -> None:
    _, asked = run(compiled(AGENT, "once"), times=2)
    assert asked == ["b", "a", "b", "a"]


_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_data = st.recursive(
    _scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)


@given(_data, _data)
def test_questions_are_equal_when_their_arguments_are_written_alike(a: Any, b: Any) -> None:
    answers = Answers()
    one, other = answers.question("t", {"x": a}), answers.question("t", {"x": b})
    assert one is not None
    assert other is not None
    answers.keep(one, "found")
    assert answers.has(other) == (repr(a) == repr(b))
    assert not answers.has(answers.question("u", {"x": a}) or one._replace(key=None))


SIDES = """
prompt main(q: str) -> str:
    "Go."
    fork i in 1..3 as view:
        key = gen("KEY" | "KEY")
        found = try look(key) else "-"
    return join(view.found, ",")
"""


@pytest.mark.parametrize(
    ("key", "value", "calls"), [("a", "aa,aa,aa", 1), ("fails", "-,-,-", 3)], ids=["answer", "none"]
)
def test_who_asks_the_same_at_one_time_waits_for_one_answer(
    key: str, value: str, calls: int
) -> None:
    (found,), asked = run(compiled(SIDES.replace("KEY", key), "once"))
    assert found.value == value
    assert asked == [key] * calls


def test_an_answer_from_before_an_effect_is_not_kept() -> None:
    answers = Answers()
    asked = answers.question("t", {"x": 1})
    assert asked is not None
    answers.forget()
    answers.keep(asked, "old")
    assert not answers.has(asked)


def test_what_is_no_data_is_asked_again() -> None:
    assert Answers().question("t", {"x": object()}) is None
