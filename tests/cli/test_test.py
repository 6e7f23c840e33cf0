"""`sglc test`: test blocks on mocks and on the embedded model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.sgl"))
Command = Callable[..., Any]
Write = Callable[..., Path]

PROGRAM = """fn twice(s: str) -> str = s + s

prompt pick(question: str) -> str:
    user: "{question}"
    assistant: "I choose {a = select("tea", "green tea", "coffee")}."
    return twice(a)

prompt free(topic: str):
    "About {topic}:{note = gen(line)}"
    for i in 1..2: " {i}{word = gen(word)}"
"""


def test_the_tests_of_the_examples_hold(sglc: Command) -> None:
    done = sglc("test", *EXAMPLES)
    assert done.code == 0, done.out
    assert "0 failed" in done.out


def test_mocks_stand_for_gens_and_selects(sglc: Command, program: Write) -> None:
    path = program(
        PROGRAM
        + """
test "choices":
    r = run pick("x") using mock(a="tea")
    expect r.result == "teatea"
    s = run pick("x") using mock(a="green tea")
    expect s.result == "green teagreen tea" and r.result != s.result

test "texts":
    r = run free("cats") using mock(note=" fine", word="x")
    expect r.note == " fine" and r.text == "About cats: fine 1x 2x", "the text changed"
"""
    )
    done = sglc("test", path)
    assert done.code == 0, done.out
    assert "2 passed, 0 failed" in done.out


def test_a_failing_expectation_shows_place_message_and_runs(sglc: Command, program: Write) -> None:
    path = program(
        PROGRAM
        + 'test "t":\n    r = run pick("x") using mock(a="tea")\n'
        + '    expect r.result == "cocoa", "wrong drink"\n'
    )
    done = sglc("test", path)
    assert done.code == 1
    assert "FAIL" in done.out
    assert 'program.sgl:13:5: expect r.result == "cocoa"' in done.out
    assert "(wrong drink)" in done.out
    assert '"result": "teatea"' in done.out
    assert "0 passed, 1 failed" in done.out


def test_a_mock_without_a_needed_text_fails_the_test(sglc: Command, program: Write) -> None:
    path = program(PROGRAM + 'test "t":\n    r = run free("x") using mock(note="n")\n')
    done = sglc("test", path)
    assert done.code == 1
    assert "the mock has no text for `word`" in done.out


def test_a_text_that_does_not_fit_its_type_fails_the_test(sglc: Command, program: Write) -> None:
    path = program(
        'prompt p():\n    "x {n = gen(int)}"\ntest "t":\n    r = run p() using mock(n="many")\n'
    )
    done = sglc("test", path)
    assert done.code == 1
    assert "int" in done.out


def test_without_a_mock_a_test_asks_the_model(sglc: Command, program: Write) -> None:
    path = program(
        'prompt p():\n    "Q: What is the capital of France?\\nA:{a = gen(line, max_tokens=9)}"\n'
        'test "t":\n    r = run p()\n    expect "Paris" in r.a\n'
    )
    assert sglc("test", path).code == 0


def test_a_program_with_errors_has_no_tests(sglc: Command, program: Write) -> None:
    assert sglc("test", program('prompt p():\n    "{x}"\n')).code == 1


RECORDED = (
    PROGRAM
    + """
test "on a recording":
    r = run free("cats") using recording("free.sglrec")
    expect len(r.note) > 0 and len(r.word) > 0
    s = run free(r.word) using recording("free.sglrec")
    expect s.text != r.text

test "another file":
    r = run pick("x") using recording("pick" + ".sglrec")
    expect r.result in ["teatea", "green teagreen tea", "coffeecoffee"]
"""
)


def test_recordings_stand_for_the_model(
    sglc: Command, program: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(RECORDED)
    done = sglc("test", path)
    assert (done.code, "0 passed, 2 failed" in done.out) == (1, True), done.out
    for name in ("free", "pick"):
        assert f"{name}.sglrec is not there: to record it: sglc test --record {path}" in done.out
    done = sglc("test", path, "--record")
    assert (done.code, "2 passed, 0 failed" in done.out) == (0, True), done.out
    monkeypatch.setattr("sglc.cli.test.load_host", None)  # no model from here on
    done = sglc("test", path)
    assert (done.code, "2 passed, 0 failed" in done.out) == (0, True), done.out
    assert "identical: 1 run, 1 call" in sglc("replay", path.parent / "pick.sglrec").out
    path.write_text(RECORDED.replace("About {topic}", "On {topic}"))
    done = sglc("test", path)
    assert (done.code, "1 passed, 1 failed" in done.out) == (1, True), done.out
    assert "the prompt of call `note`" in done.out
    assert 'expected: "About cats:"' in done.out
    assert f"to record it: sglc test --record {path}" in done.out
    (path.parent / "free.sglrec").write_text("{}")
    done = sglc("test", path)
    assert (done.code, "1 passed, 1 failed" in done.out) == (1, True), done.out
    assert "free.sglrec: not a recording: it has no whole line" in done.out


@pytest.mark.parametrize(
    ("using", "told"),
    [
        ("recording()", "recording("),
        ("recording(1)", "SGL04"),
        ('recording("a", "b")', "recording("),
        ("notes", "recording("),
    ],
)
def test_what_a_run_uses_is_checked(sglc: Command, program: Write, using: str, told: str) -> None:
    path = program(
        f'{PROGRAM}\ntest "t":\n    r = run free("x") using {using}\n    expect r.note\n'
    )
    done = sglc("check", path)
    assert done.code == 1
    assert told in done.err
