"""Diagnostics as JSON."""

from __future__ import annotations

from sglc.compiler.diagnostics.diagnostic import Diagnostic
from sglc.compiler.diagnostics.render import render
from sglc.compiler.source import Span
from sglc.server.programs.upload import Data


def diagnostic_data(diagnostic: Diagnostic) -> Data:
    """Return a diagnostic; ``rendered`` is what a terminal would show."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "span": None if diagnostic.span is None else span_data(diagnostic.span),
        "label": diagnostic.label,
        "labels": [{"span": span_data(span), "text": text} for span, text in diagnostic.labels],
        "notes": list(diagnostic.notes),
        "help": list(diagnostic.helps),
        "rendered": render(diagnostic),
    }


def graph_error(message: str, line: int | None = None, column: int | None = None) -> Data:
    """Return a mistake of an uploaded graph, in the same form."""
    place = {"line": line, "column": column}
    return {
        "code": "graph",
        "severity": "error",
        "message": message,
        "span": None if line is None else {"file": None, **place},
        "label": "",
        "labels": [],
        "notes": [],
        "help": [],
        "rendered": message,
    }


def span_data(span: Span) -> Data:
    """Return a place: lines and columns from 1, offsets from 0, all in code points."""
    end = span.end_position
    return {
        "file": span.file.name,
        "line": span.line,
        "column": span.column,
        "end_line": end.line,
        "end_column": end.column,
        "start": span.start,
        "end": span.end,
    }
