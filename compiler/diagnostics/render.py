"""Diagnostics as text for people and as data for programs."""

from __future__ import annotations

import unicodedata
from typing import Any, NamedTuple

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Severity
from sglc.compiler.source import Position, SourceFile, Span

TAB_WIDTH = 4
MAX_LINE = 160  # code points of a source line that are shown
CONTEXT = 60  # code points shown before the place in a longer line

_COLORS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;36"}
_FRAME = "1;34"
_HIDDEN = "\N{REPLACEMENT CHARACTER}"
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


class _Mark(NamedTuple):
    """An underline on one line: columns from 0, in code points."""

    line: int
    start: int
    end: int
    sign: str
    text: str


def render(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """Return the text form, ending in a line end. Escape sequences only with ``color``."""
    tone = _COLORS[diagnostic.severity] if color else ""
    frame = _FRAME if color else ""
    head = _paint(f"{diagnostic.severity.value}[{diagnostic.code}]", tone)
    rows = [f"{head}: {_visible(diagnostic.message)}"]
    span = diagnostic.span
    width = 1
    if span is not None:
        files = [span.file, *(label.span.file for label in diagnostic.labels)]
        marks = _marks(span, "^", diagnostic.label)
        for label in diagnostic.labels:
            if label.span.file is span.file:
                marks += _marks(label.span, "-", label.text)
        width = max(len(str(mark.line)) for mark in marks)
        arrow = _paint(f"{' ' * (width + 1)}-->", frame)
        rows.append(f"{arrow} {span}")
        rows += _snippet(span.file, marks, width, frame, tone)
        rows += [
            f"{_paint(' ' * (width + 2) + '=', frame)} note: {label.span}: {_visible(label.text)}"
            for label, file in zip(diagnostic.labels, files[1:], strict=True)
            if file is not span.file
        ]
    for word, texts in (("note", diagnostic.notes), ("help", diagnostic.helps)):
        for text in texts:
            sign = _paint(f"{' ' * (width + 2)}=", frame)
            more = "\n" + " " * (width + 4 + len(word) + 2)
            rows.append(f"{sign} {word}: {_visible(text).replace(chr(10), more)}")
    return "\n".join(rows) + "\n"


def to_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return the diagnostic as JSON data."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "place": _place(diagnostic.span),
        "label": diagnostic.label,
        "labels": [{"place": _place(s), "text": text} for s, text in diagnostic.labels],
        "notes": list(diagnostic.notes),
        "helps": list(diagnostic.helps),
    }


def _place(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "file": span.file.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_position.line,
        "end_column": span.end_position.column,
    }


def _marks(span: Span, sign: str, text: str) -> list[_Mark]:
    """Return one mark, or for a range of lines one on the first and one on the last."""
    first, last = span.file.position(span.start), _last(span)
    if first.line == last.line:
        return [_Mark(first.line, first.column - 1, last.column - 1, sign, text)]
    opening, closing = span.file.line(first.line), span.file.line(last.line)
    indent = len(closing) - len(closing.lstrip())
    return [
        _Mark(first.line, first.column - 1, len(opening), sign, ""),
        _Mark(last.line, min(indent, last.column - 1), last.column - 1, sign, text),
    ]


def _last(span: Span) -> Position:
    """The end of a range; a range that ends with a line end does not reach into the next line."""
    end = span.end
    if end > span.start and span.file.text[end - 1] == "\n":
        end -= 1
    return span.file.position(end)


def _snippet(file: SourceFile, marks: list[_Mark], width: int, frame: str, tone: str) -> list[str]:
    rows: list[str] = []
    shown = 0
    for number in sorted({mark.line for mark in marks}):
        if shown and number > shown + 1:
            rows.append(_paint(f"{' ' * (width + 1)}...", frame))
        shown = number
        here = sorted(mark for mark in marks if mark.line == number)
        line = file.line(number)
        offset = 0
        if len(line) > MAX_LINE:
            offset = max(0, min(mark.start for mark in here) - CONTEXT)
        cells = _cells(line[offset : offset + MAX_LINE])
        before = "…" if offset else ""
        after = "…" if offset + MAX_LINE < len(line) else ""
        text = before + "".join(cell for cell, _ in cells) + after
        bar = _paint("|", frame)
        rows.append(f"{_paint(f' {number:>{width}}', frame)} {bar} {text}".rstrip())
        for mark in here:
            under = _underline(cells, mark.start - offset, mark.end - offset, mark.sign)
            color = tone if mark.sign == "^" else frame
            start = len(under) - len(under.lstrip())
            signs = _paint(under[start:] + (f" {_visible(mark.text)}" if mark.text else ""), color)
            rows.append(f"{' ' * (width + 2)}{bar} {' ' * (start + len(before))}{signs}")
    return rows


def _underline(cells: list[tuple[str, int]], start: int, end: int, sign: str) -> str:
    """Return the signs under code points ``[start, end)``, at least one."""
    start = min(start, len(cells))
    left = sum(width for _, width in cells[:start])
    length = sum(width for _, width in cells[start:end])
    return " " * left + sign * max(1, length)


def _cells(line: str) -> list[tuple[str, int]]:
    """Return what to print for each code point and how many columns it takes."""
    cells: list[tuple[str, int]] = []
    column = 0
    for char in line:
        if char == "\t":
            width = TAB_WIDTH - column % TAB_WIDTH
            cell = " " * width
        else:
            cell = _visible(char)
            width = char_width(cell)
        cells.append((cell, width))
        column += width
    return cells


def char_width(char: str) -> int:
    """Return how many terminal columns a character takes: 0, 1 or 2."""
    if char.isascii():
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _visible(text: str) -> str:
    """Replace what would move the cursor or turn the reading direction around."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_HIDDEN if _is_control(char) else char for char in text)


def _is_control(char: str) -> bool:
    return (unicodedata.category(char) == "Cc" and char not in "\n\t") or char in _BIDI


def _paint(text: str, color: str) -> str:
    return f"\x1b[{color}m{text}\x1b[0m" if color else text
