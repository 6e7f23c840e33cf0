"""What the lexer hands to the parser."""

from __future__ import annotations

from typing import NamedTuple

from sglc.compiler.diagnostics import Diagnostic

CLOSERS = {"(": ")", "[": "]", "{": "}", '"': '"', '"""': '"""'}


class Token(NamedTuple):
    """A terminal and where it stands; line starts and the end of the file have an empty text."""

    type: str
    text: str
    start: int
    end: int


class SyntaxFailure(Exception):
    """The item that is being read cannot be continued from here."""

    def __init__(self, diagnostic: Diagnostic, offset: int) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic
        self.offset = offset


class Open(NamedTuple):
    """A bracket or a quote that is not closed yet; ``hole`` marks the brace of a hole."""

    text: str
    start: int
    hole: bool
