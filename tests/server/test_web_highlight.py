"""Colours of the editor: the words that the compiler's lexer finds, at the places where it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser.devtools import Browser
from generators.servers import RunningServer
from generators.sgl_programs import programs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.frontend.lexer import Lexer
from sglc.compiler.frontend.parser import parse
from sglc.compiler.frontend.tables import load_tables
from sglc.compiler.frontend.tokens import Token
from sglc.compiler.source import SourceFile

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("examples", "stdlib", "tests/programs", "server/web/assets/examples")
    for path in (ROOT / folder).rglob("*.sgl")
)
KINDS = dict.fromkeys(load_tables().keywords.values(), "keyword")
KINDS |= {"NAME": "name", "ROLE": "role", "REGEX": "regex", "RAW": "string"}
KINDS |= {"INT": "number", "FLOAT": "number"}
NAMES = {"call", "type", "decorator"}  # names that have a colour of their own

Words = set[tuple[int, str, str]]


@pytest.fixture(scope="module")
def highlighter(browser: Browser, server: RunningServer) -> Browser:
    """The browser, with the tokens of a text in reach."""
    browser.visit(f"{server.url}/")
    browser.run(
        "import('/web/highlight.js').then((found) => { window.tokens = found.tokens; return 0; })"
    )
    return browser


def shown(browser: Browser, text: str) -> Words:
    """The words that have a kind, with their places."""
    found = browser.run(f"tokens({json.dumps(text)})")
    assert "".join(piece for _, piece in found) == text
    words, at = set(), 0
    for kind, piece in found:
        words.add((at, "name" if kind in NAMES else kind, piece))
        at += len(piece)
    return words


def lexed(text: str, monkeypatch: pytest.MonkeyPatch) -> Words:
    """The same, as the parser gets them."""
    seen: list[Token] = []
    take = Lexer.next

    def watched(self: Lexer, state: int) -> Token:
        seen.append(take(self, state))
        return seen[-1]

    with monkeypatch.context() as patch:
        patch.setattr(Lexer, "next", watched)
        parse(SourceFile("a.sgl", text), DiagnosticSink())
    return {(each.start, KINDS[each.type], each.text) for each in seen if each.type in KINDS}


def test_programs_are_shown_as_they_are_read(
    highlighter: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    for path in FILES:
        text = path.read_text()
        words = lexed(text, monkeypatch)
        assert words - shown(highlighter, text) == set(), path
        count += len(words)
    assert count > 2500


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=programs())
def test_made_up_programs_are_shown_as_they_are_read(
    highlighter: Browser, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    assert lexed(text, monkeypatch) - shown(highlighter, text) == set()


@settings(max_examples=100, deadline=None)
@given(text=st.text('ab{}"r/\\\n\t :=#.()[]é\U0001f600', max_size=40))
def test_no_text_loses_anything(highlighter: Browser, text: str) -> None:
    found = highlighter.run(f"tokens({json.dumps(text)})")
    assert "".join(piece for _, piece in found) == text
    assert all(piece for _, piece in found)
