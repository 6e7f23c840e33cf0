"""Diagnostics as text and as data."""

from __future__ import annotations

import json

import pytest

from sglc.compiler.diagnostics import Diagnostic, Label, Severity, render, to_data
from sglc.compiler.diagnostics.render import char_width
from sglc.compiler.source import SourceFile, Span


def error(span: Span | None, label: str = "here", **rest: tuple[str, ...]) -> Diagnostic:
    return Diagnostic(
        code="SGL0101",
        severity=Severity.ERROR,
        message="unknown name `sumary`",
        span=span,
        label=label,
        **rest,
    )


def snippet(text: str, start: int, end: int) -> list[str]:
    """The rendered lines below the arrow."""
    return render(error(SourceFile("t.sgl", text).span(start, end))).splitlines()[2:]


def test_text_form_of_the_style_guide() -> None:
    file = SourceFile("examples/brief.sgl", "\n" * 6 + "  return sumary\n")
    span = file.span(15, 21)
    assert render(error(span, "not defined in `brief`", helps=("did you mean `summary`?",))) == (
        "error[SGL0101]: unknown name `sumary`\n"
        "  --> examples/brief.sgl:7:10\n"
        " 7 |   return sumary\n"
        "   |          ^^^^^^ not defined in `brief`\n"
        "   = help: did you mean `summary`?\n"
    )


@pytest.mark.parametrize(
    ("text", "start", "end", "lines"),
    [
        ("\tab\n", 1, 2, [" 1 |     ab", "   |     ^ here"]),
        ("a\tb\n", 2, 3, [" 1 | a   b", "   |     ^ here"]),
        ("日本x\n", 1, 2, [" 1 | 日本x", "   |   ^^ here"]),
        ("e\u0301x\n", 2, 3, [" 1 | e\u0301x", "   |  ^ here"]),
        ("a\x1bb\n", 2, 3, [" 1 | a\ufffdb", "   |   ^ here"]),
        ("a\u202eb\n", 2, 3, [" 1 | a\ufffdb", "   |   ^ here"]),
        ("ab", 2, 2, [" 1 | ab", "   |   ^ here"]),
        ("ab\n", 0, 3, [" 1 | ab", "   | ^^ here"]),
        ("", 0, 0, [" 1 |", "   | ^ here"]),
        ("ab\n  cd\nef\n", 1, 7, [" 1 | ab", "   |  ^", " 2 |   cd", "   |   ^^ here"]),
    ],
)
def test_carets(text: str, start: int, end: int, lines: list[str]) -> None:
    assert snippet(text, start, end) == lines


def test_long_lines_are_cut_around_the_place() -> None:
    rows = snippet("a" * 5000 + "b" + "c" * 5000, 5000, 5001)
    assert len(rows[0]) < 180
    assert rows[0][rows[1].index("^")] == "b"


def test_labels_and_far_lines() -> None:
    file = SourceFile("t.sgl", "let a = 1\n\n\nlet a = 2\n")
    other = SourceFile("u.sgl", "let a = 1\n")
    labels = (Label(file.span(4, 5), "first"), Label(other.span(4, 5), "imported"))
    diagnostic = Diagnostic(
        code="SGL0103",
        severity=Severity.WARNING,
        message="again",
        span=file.span(17, 18),
        labels=labels,
        notes=("two\nlines",),
    )
    assert render(diagnostic) == (
        "warning[SGL0103]: again\n"
        "  --> t.sgl:4:6\n"
        " 1 | let a = 1\n"
        "   |     - first\n"
        "  ...\n"
        " 4 | let a = 2\n"
        "   |      ^\n"
        "   = note: u.sgl:1:5: imported\n"
        "   = note: two\n"
        "           lines\n"
    )


def test_no_place_no_arrow() -> None:
    assert render(error(None)) == "error[SGL0101]: unknown name `sumary`\n"


def test_color_only_when_asked() -> None:
    diagnostic = error(SourceFile("t.sgl", "ab\n").span(0, 1))
    assert "\x1b" not in render(diagnostic)
    assert render(diagnostic, color=True).startswith("\x1b[1;31merror[SGL0101]\x1b[0m: ")


def test_data_form_is_json() -> None:
    file = SourceFile("t.sgl", "ab\ncd\n")
    diagnostic = error(file.span(1, 4), helps=("try",))
    data = json.loads(json.dumps(to_data(diagnostic)))
    assert data["severity"] == "error"
    assert data["helps"] == ["try"]
    assert data["place"] == {
        "file": "t.sgl",
        "line": 1,
        "column": 2,
        "end_line": 2,
        "end_column": 2,
    }
    assert to_data(error(None))["place"] is None


def test_char_width() -> None:
    assert [char_width(c) for c in ("a", "日", "\u0301", "\u200d", "é")] == [1, 2, 0, 0, 1]
