"""From the pieces of a quoted text to its parts: escapes, chunks, indentation of block texts."""

from __future__ import annotations

import re
from typing import NamedTuple

from sglc.compiler.diagnostics import DiagnosticSink, codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.tokens import Token
from sglc.compiler.source import SourceFile, Span

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_FIRST_NEWLINE = re.compile(r"[ \t]*\n")
_CLOSING_LINE = re.compile(r"\n[ \t]*\Z")

Piece = Token | ast.Hole


def text_parts(
    file: SourceFile, pieces: list[Piece], sink: DiagnosticSink, *, block: bool
) -> tuple[ast.TextChunk | ast.Hole, ...]:
    """Return the parts of a text; ``block`` drops the indentation it was written with."""
    runs = _runs(pieces)
    if block:
        _dedent(runs)
    parts: list[ast.TextChunk | ast.Hole] = []
    for run in runs:
        if isinstance(run, ast.Hole):
            parts.append(run)
            continue
        span = file.span(run[0].start, run[-1].end)
        value = _join(run, span, sink)
        if value:
            parts.append(ast.TextChunk(value=value, span=span))
    return tuple(parts)


def raw_value(token: Token) -> str:
    """Return what stands between the quotes of a raw text."""
    quote = 3 if token.text.startswith('r"""') else 1
    return token.text[1 + quote : -quote].replace("\r\n", "\n")


class _Literal(NamedTuple):
    """Source text (``escape`` False) or one escape, with the place it was written at."""

    text: str
    escape: bool
    start: int
    end: int


_Run = list[_Literal] | ast.Hole


def _runs(pieces: list[Piece]) -> list[_Run]:
    """Group the literal pieces between holes; neighbouring chunks become one."""
    runs: list[_Run] = []
    for piece in pieces:
        if isinstance(piece, ast.Hole):
            runs.append(piece)
            continue
        if not runs or isinstance(runs[-1], ast.Hole):
            runs.append([])
        run = runs[-1]
        assert isinstance(run, list)
        escape = piece.type == "ESC"
        text = piece.text if escape else piece.text.replace("\r\n", "\n")
        if run and not escape and not run[-1].escape:
            run[-1] = _Literal(run[-1].text + text, False, run[-1].start, piece.end)
        else:
            run.append(_Literal(text, escape, piece.start, piece.end))
    return runs


def _dedent(runs: list[_Run]) -> None:
    """Drop the first newline, the common indent, and the newline before the closing quotes."""
    if not runs:
        return
    last = runs[-1]
    if isinstance(last, list) and not last[-1].escape:
        last[-1] = last[-1]._replace(text=_CLOSING_LINE.sub("", last[-1].text))
    first = runs[0]
    if isinstance(first, list) and not first[0].escape:
        opening = _FIRST_NEWLINE.match(first[0].text)
        if opening is not None:
            # The newline stays until the indent is gone: it is what makes this a line start.
            first[0] = first[0]._replace(text=first[0].text[opening.end() - 1 :])
        prefix = "\n" + _common_indent(runs)
        _replace(runs, prefix, "\n")
        if opening is not None:
            first[0] = first[0]._replace(text=first[0].text[1:])
        return
    _replace(runs, "\n" + _common_indent(runs), "\n")


def _replace(runs: list[_Run], old: str, new: str) -> None:
    for run in runs:
        if isinstance(run, list):
            for index, literal in enumerate(run):
                if not literal.escape:
                    run[index] = literal._replace(text=literal.text.replace(old, new))


def _common_indent(runs: list[_Run]) -> str:
    """Return the longest indent that starts every line; lines of blanks do not count."""
    indents: list[str] = []
    flat = [literal for run in runs for literal in (run if isinstance(run, list) else [None])]
    for index, literal in enumerate(flat):
        if literal is None or literal.escape:
            continue
        lines = literal.text.split("\n")[1:]
        for number, line in enumerate(lines):
            content = line.lstrip(" \t")
            # The last line of a chunk goes on with whatever follows: an escape or a hole.
            continued = number == len(lines) - 1 and index < len(flat) - 1
            if content or continued:
                indents.append(line[: len(line) - len(content)])
    shortest, longest = min(indents, default=""), max(indents, default="")
    same = (a == b for a, b in zip(shortest, longest, strict=False))
    return shortest[: next((i for i, equal in enumerate(same) if not equal), len(shortest))]


def _join(run: list[_Literal], span: Span, sink: DiagnosticSink) -> str:
    value = "".join(_unescape(literal.text) if literal.escape else literal.text for literal in run)
    if value.isascii():
        return value
    try:
        # Two \u escapes may spell one character.
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        for literal in run:
            if literal.escape and "\ud800" <= _unescape(literal.text) <= "\udfff":
                place = span.file.span(literal.start, literal.end)
                sink.add(codes.bad_escape(place, literal.text, "half of a surrogate pair"))
                break
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescape(text: str) -> str:
    if text in ("{{", "}}"):
        return text[0]
    letter = text[1]
    if letter == "u":
        return chr(int(text[2:], 16))
    if letter in "\r\n":
        return ""
    return _ESCAPES.get(letter, letter)
