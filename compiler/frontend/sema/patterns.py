"""Regexes of a program: named ones put into each other, and whether they stay regular."""

from __future__ import annotations

import re
from collections.abc import Callable

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.program import Program
from sglc.compiler.source import Span
from sglc.constraints import types as t

_INSERT = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{([A-Za-z_]\w*)\}")
_DOT = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\.(?![*+?{])")
_DIGITS_BEFORE = re.compile(r"(?:\\d|[0-9]|\[[^\]]*[0-9][^\]]*\])[*+?)}{0-9,]*\Z")
_DIGITS_AFTER = re.compile(r"[)({}0-9,?:]*(?:\\d|[0-9]|\[[^\]]*[0-9])")
_ANY_CHARACTER = r"[\s\S]"
_MAX_PATTERN = 20_000

Insert = Callable[[str], tuple[bool, str | None]]


def compose(program: Program, expr: ast.Regex, insert: Insert) -> str | None:
    """Return the pattern with every ``{Name}`` replaced by a group, or None after a report.

    ``insert`` gives whether a name is a type and, unless that has an error, its pattern.
    """
    pieces: list[str] = []
    places: list[tuple[int, int]] = []  # (start in the result, start in what was written)
    length = last = 0
    for found in _INSERT.finditer(expr.pattern):
        name = found[1]
        if name is None:
            continue
        known, pattern = insert(name)
        if not known:
            span = _inside(expr, found.start(), found.end())
            program.report(faults.undefined_type(span, name, (), None))
            return None
        if pattern is None:
            return None
        for piece, start in ((expr.pattern[last : found.start()], last), (f"(?:{pattern})", -1)):
            places.append((length, start if start >= 0 else found.start()))
            pieces.append(piece)
            length += len(piece)
        last = found.end()
    pieces.append(expr.pattern[last:])
    places.append((length, last))
    pattern = "".join(pieces)
    if len(pattern) > _MAX_PATTERN:
        program.report(faults.type_too_large(expr.span))
        return None
    from sglc.constraints.patterns import RegexError, parse_regex

    try:
        parse_regex(pattern)
    except RegexError as error:
        position = error.position or 0
        start, written = max(place for place in places if place[0] <= position)
        at = min(written + position - start, max(len(expr.pattern) - 1, 0))
        program.report(codes.unsupported_regex(_inside(expr, at, at + 1), error.message))
        return None
    _suspicious_dots(program, expr)
    return pattern


def of_type(type_: t.Type | None) -> str | None:
    """Return the pattern of a type that can stand inside a regex."""
    match type_:
        case t.Regex(pattern=pattern):
            return pattern
        case t.Literal(value=value):
            return re.escape(value)
        case t.Line():
            return r"[^\n]+"
        case t.Word():
            return r"\S+"
        case t.Str(min=low, max=high, chars=chars):
            limit = "" if high is None else str(high)
            return f"(?:{chars or _ANY_CHARACTER}){{{low},{limit}}}"
        case t.Int(lo=None, hi=None):
            return r"-?(?:0|[1-9]\d*)"
        case t.Union(options=options):
            parts = [of_type(option) for option in options]
            return None if None in parts else "|".join(p for p in parts if p is not None)
    return None


def matches_one_character(pattern: str) -> bool:
    """Whether a regex that parses is written as one character or one set of characters."""
    return re.fullmatch(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[\](){}|*+?^$]", pattern) is not None


def accepts_empty(pattern: str) -> bool:
    """Whether the empty text matches."""
    return re.fullmatch(pattern, "") is not None


def _suspicious_dots(program: Program, expr: ast.Regex) -> None:
    pattern = expr.pattern
    for found in _DOT.finditer(pattern):
        if found[0] != ".":
            continue
        before = _DIGITS_BEFORE.search(pattern, 0, found.start())
        after = _DIGITS_AFTER.match(pattern, found.end())
        if before and after:
            place = _inside(expr, found.start(), found.end())
            letter = f"{pattern[: found.start()]}[a-z]{pattern[found.end() :]}"
            program.report(codes.suspicious_dot(place, _shortest(letter)))
            return


def _shortest(pattern: str) -> str:
    try:
        found = t.Regex(pattern).shortest()
    except ValueError:
        found = None
    return "a" if found is None else found.decode()


def _inside(expr: ast.Regex, start: int, end: int) -> Span:
    first = expr.span.start + 1
    return expr.span.file.span(first + start, first + end)
