"""Places of the constructs in a regex that may be refused. The pattern is known to parse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sglc.constraints.assertions import MARKS

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
_ASSERTIONS = {"boundary", "anchor", "lookaround"}
_OPENING = {"lookaround", "conditional", "atomic group", "group"}


class Token(NamedTuple):
    """A construct and where it is, in characters from 0."""

    feature: str
    start: int
    end: int


def place(pattern: str, feature: str, verbose: bool) -> int:
    """Where the first refused use of ``feature`` is; 0 if it is not found.

    ``nested`` is an assertion inside of a lookaround, ``marks`` one too many.
    """
    tokens = list(scan(pattern, verbose))
    if feature == "nested":
        return _nested(pattern, tokens)
    if feature == "marks":
        places = [token.start for token in tokens if token.feature in _ASSERTIONS]
        return places[min(len(MARKS), len(places) - 1)]
    return next((token.start for token in tokens if token.feature == feature), 0)


def _nested(pattern: str, tokens: list[Token]) -> int:
    depth, looking = 0, 0  # the depth at which a lookaround has begun
    for feature, start, end in tokens:
        is_edge = pattern[start:end] in ("$", r"\Z") and pattern[end : end + 1] in (")", "|")
        is_edge |= pattern[start:end] in ("^", r"\A") and pattern[start - 3 : start - 1] == "?<"
        if looking and feature in _ASSERTIONS and not (is_edge and depth == looking):
            return start
        if feature in _OPENING:
            depth += 1
            if feature == "lookaround":
                looking = depth
        elif pattern[start] == ")":
            if looking == depth:
                looking = 0
            depth -= 1
    return 0


def scan(pattern: str, verbose: bool) -> Iterator[Token]:
    """All constructs of ``pattern`` in order; in verbose mode ``#`` begins a comment."""
    kinds = (*_SKIPPED, *(_VERBOSE if verbose else ()), *_FEATURES, *_LAST)
    names = [name for name, _ in kinds]
    one = re.compile("|".join(f"({source})" for _, source in kinds), re.DOTALL)
    for found in one.finditer(pattern):
        assert found.lastindex is not None
        yield Token(names[found.lastindex - 1], found.start(), found.end())
