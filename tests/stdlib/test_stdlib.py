"""The modules written in the language: functions by their values, prompts by what they ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, Program, compile_source
from sglc.compiler.passes.pipeline import level
from sglc.compiler.source import SourceFile
from sglc.runtime.host import scripted

STDLIB = Path(__file__).parents[2] / "stdlib"


def compiled(text: str) -> Program:
    """Without passes: the scripted model answers call by call, and passes run equal calls once."""
    sink = DiagnosticSink()
    program = compile_source(SourceFile("t.sgl", text), sink, None, Optimization(level(0)))
    assert program is not None, sink.diagnostics
    return program


def value(imports: str, expression: str) -> Any:
    program = compiled(f"{imports}\nprompt main() -> json:\n    return {expression}\n")
    result = scripted({}).run(program.plan, {})
    assert result.error is None, result.error
    return result.value


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ('text.clip("short", 10)', "short"),
        ('text.clip("a long sentence", 9)', "a long..."),
        ('text.clip("abcdef", 2)', "ab"),
        ('text.lines("a\\r\\nb\\nc")', ["a", "b", "c"]),
        ('text.first_line("a\\nb")', "a"),
        ('text.words("  two  words ")', ["two", "words"]),
        ('text.bullets(["x", "y"])', "- x\n- y"),
        ('text.numbered(["x", "y"])', "1. x\n2. y"),
        ("text.numbered([])", ""),
        ('text.indent("a\\nb", "> ")', "> a\n> b"),
        ('text.quote("x")', '"x"'),
        ('text.is_blank(" \\n")', True),
        ('text.is_blank(" a ")', False),
    ],
)
def test_text(expression: str, wanted: Any) -> None:
    assert value("import std.text", expression) == wanted


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ('vote.most_common(["Yes", "no", " yes "])', "yes"),
        ('vote.share(["a", "b", "a", "a"], "a")', 0.75),
        ('vote.share([], "a")', 0),
        ('react.transcript([{query: "q", found: "f"}])', "Search: q\nFound: f\n"),
    ],
)
def test_functions_beside_prompts(expression: str, wanted: Any) -> None:
    assert value("import std.vote\nimport std.react", expression) == wanted


def run(
    module: str, prompt: str, arguments: Mapping[str, Any], texts: Mapping[str, str | Sequence[str]]
) -> Any:
    program = compiled((STDLIB / f"{module}.sgl").read_text())
    result = scripted(texts).run(program.plan.with_entry(prompt), arguments)
    assert result.error is None, result.error
    return result.value


def test_votes_count_what_the_branches_said() -> None:
    replies = [" Paris", " Rome", " paris "]
    asked = {"question": "?", "samples": 3}
    assert run("vote", "answer", asked, {"reply": replies}) == "paris"
    texts = {"reason": " Because.", "value": ["7", "8", "8"]}
    assert run("vote", "number_of", asked, texts) == 8


def test_a_grade_is_the_record_the_model_wrote() -> None:
    grade = '{"reason": "Clear.", "score": 8}'
    asked = {"text": "t", "criterion": "clarity"}
    assert run("judge", "grade", asked, {"verdict": grade}) == {"reason": "Clear.", "score": 8}
    scored = {"text": "t", "criteria": ["clarity", "wit"]}
    assert run("judge", "score", scored, {"verdict": grade}) == 8
    assert run("judge", "score", {"text": "t", "criteria": []}, {}) == 0


@pytest.mark.parametrize(
    ("choices", "wanted"), [(["1", "2"], "a"), (["2", "1"], "b"), (["1", "1"], "tie")]
)
def test_a_judge_who_follows_the_order_gives_a_tie(choices: list[str], wanted: str) -> None:
    asked = {"question": "?", "a": "x", "b": "y"}
    assert run("judge", "compare", asked, {"choice": choices}) == wanted


def test_an_action_is_typed() -> None:
    action = '{"thought": "t", "kind": "finish", "input": "done"}'
    wanted = {"thought": "t", "kind": "finish", "input": "done"}
    asked = {"question": "?", "notes": [{"query": "q", "found": "f"}]}
    assert run("react", "next_action", asked, {"action": action}) == wanted
    assert run("react", "conclude", asked, {"reply": " The end "}) == "The end"
