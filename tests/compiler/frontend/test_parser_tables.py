"""The shipped tables are those of the grammar, and mean what lark means by them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import LarkError

from sglc.compiler.diagnostics import Diagnostic, DiagnosticSink
from sglc.compiler.frontend.parser import parse
from sglc.compiler.frontend.tablegen import build_lark, build_tables, dump
from sglc.compiler.frontend.tables import GRAMMAR_DIR, TABLES_FILE, load_tables
from sglc.compiler.source import SourceFile

PROGRAMS = sorted((Path(__file__).parents[2] / "fixtures" / "language").glob("*.sgl"))
TEXTS = [path.read_text(encoding="utf-8") for path in PROGRAMS]
PIECES = [
    *("(", ")", "[", "]", "{", "}", '"', '"""', 'r"', "\\", "\n", "\n    ", "\n        ", " "),
    *(":", "=", "==", "..", ".", ",", "|", "?", "/", "->", "@", "#", "\t", "\r\n", "'", "é"),
    *("x", "1", "1.5", "user", "user:", "if", "else", "for", "in", "as", "not", "true", "fork"),
    *("prompt", "\nprompt p():\n    ", "let", "gen(line)", "/a+/", "{x}", "{{", "}}"),
]
# Refused although the grammar allows it; these are their labels.
BEYOND = {
    "it is part of the language",
    "expected an expression",
    "move it forward",
    "the first line starts no block",
    "a name, not a text with holes",
}
QUICK = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def lark() -> Lark:
    """Lark's own parser; it also checks that terminals never collide where it can."""
    return build_lark(strict=True)


def test_tables_are_up_to_date(lark: Lark) -> None:
    shipped = (GRAMMAR_DIR / TABLES_FILE).read_text(encoding="utf-8")
    assert shipped == dump(build_tables(lark)), "run python -m sglc.compiler.frontend.tablegen"


def diagnostics_of(text: str) -> list[Diagnostic]:
    sink = DiagnosticSink()
    parse(SourceFile("t.sgl", text), sink)
    return sink.diagnostics


def is_quirk(diagnostic: Diagnostic) -> bool:
    """Lark takes ``asx`` for ``as x``, and drops line ends in texts that are inside brackets."""
    assert diagnostic.span is not None
    keywords = tuple(load_tables().keywords)
    return diagnostic.code == "SGL0003" or diagnostic.span.text.startswith(keywords)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A program with a few pieces put in, cut out or doubled."""
    text = draw(st.sampled_from(TEXTS))
    start = draw(st.integers(0, len(text) - 1))
    text = text[start : start + draw(st.integers(50, 800))] if draw(st.booleans()) else text
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 6))
        text = text[:place] + draw(st.sampled_from(["", *PIECES])) + text[place + cut :]
    return text


@given(text=mutations())
@QUICK
def test_mutations_get_diagnostics_only(text: str) -> None:
    assert all(d.code < "SGL0100" for d in diagnostics_of(text))


@given(data=st.binary(max_size=200))
@QUICK
def test_bytes_get_diagnostics_only(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert all(d.code < "SGL0100" for d in diagnostics_of(text))


@given(text=mutations())
@QUICK
def test_lark_accepts_the_same_programs(text: str, lark: Lark) -> None:
    try:
        lark.parse(text + "\n")
        accepted = True
    except (LarkError, AssertionError):  # the Indenter asserts on a stray bracket
        accepted = False
    found = diagnostics_of(text)
    if accepted:
        assert [d for d in found if d.label not in BEYOND and not is_quirk(d)] == []
    else:
        assert found


@pytest.mark.parametrize("text", TEXTS, ids=[path.stem for path in PROGRAMS])
def test_lark_accepts_the_programs_of_the_reference(text: str, lark: Lark) -> None:
    lark.parse(text)
    assert diagnostics_of(text) == []
