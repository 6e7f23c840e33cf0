"""Places of the constructs in a regex that may be refused. The pattern is known to parse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FEATURES = (
    ("boundary", r"\\[bB]"),
    ("anchor", r"\\[AZ]|[\^$]"),
    ("backreference", r"\\[1-9][0-9]?|\(\?P=\w+\)"),
    ("lookaround", r"\(\?<?[=!]"),
    ("conditional", r"\(\?\([^)]*\)"),
    ("atomic group", r"\(\?>"),
    ("possessive quantifier", r"(?:[*+?]|\{[0-9]*,?[0-9]*\})\+"),
)
_SKIPPED = (
    ("octal", r"\\0[0-7]{0,2}|\\[1-3][0-7]{2}"),
    ("comment", r"\(\?#[^)]*\)"),
    ("set", r"\[\^?\]?(?:\\.|[^\]\\])*\]"),
)
_LAST = (("escape", r"\\."), ("quantifier", r"[*+?]\??"), ("group", r"\(\??"), ("other", r"."))
_VERBOSE = (("comment", r"\#[^\n]*"),)


class Token(NamedTuple):
    """A construct and where it is, in characters from 0."""

    feature: str
    start: int
    end: int


def scan(pattern: str, verbose: bool) -> Iterator[Token]:
    """All constructs of ``pattern`` in order; in verbose mode ``#`` begins a comment."""
    kinds = (*_SKIPPED, *(_VERBOSE if verbose else ()), *_FEATURES, *_LAST)
    names = [name for name, _ in kinds]
    one = re.compile("|".join(f"({source})" for _, source in kinds), re.DOTALL)
    for found in one.finditer(pattern):
        assert found.lastindex is not None
        yield Token(names[found.lastindex - 1], found.start(), found.end())
