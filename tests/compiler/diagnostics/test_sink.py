"""Collecting, ordering and silencing."""

from __future__ import annotations

import io

import pytest

from sglc.compiler.diagnostics import DiagnosticSink, Severity, codes
from sglc.compiler.source import SourceFile


def test_sorted_by_place_and_reported_once() -> None:
    file = SourceFile("t.sgl", "ab cd\n")
    sink = DiagnosticSink()
    for _ in range(2):
        sink.add(codes.undefined_name(file.span(3, 5), "cd"))
        sink.add(codes.unused_name(file.span(0, 2), "ab"))
    assert [d.code for d in sink.diagnostics] == ["SGL0104", "SGL0101"]
    assert sink.summary() == "1 error, 1 warning"
    assert sink.count(Severity.NOTE) == 0


def test_warnings_are_no_errors() -> None:
    sink = DiagnosticSink()
    sink.add(codes.over_budget(None, 10, 5))
    assert sink.has_errors
    sink = DiagnosticSink()
    sink.add(codes.unused_name(SourceFile("t.sgl", "ab").span(0, 2), "ab"))
    assert not sink.has_errors


@pytest.mark.parametrize(
    ("comment", "silent"),
    [
        ("# sglc: allow SGL0603", True),
        ("#sglc:allow SGL0104, SGL0603", True),
        ("# sglc: allow SGL0104 SGL0603 because", True),
        ("# sglc: allow SGL0104", False),
        ("# allow SGL0603", False),
    ],
)
def test_a_comment_silences_its_line(comment: str, silent: bool) -> None:
    file = SourceFile("t.sgl", f'"a "  {comment}\n"b "\n')
    sink = DiagnosticSink()
    sink.add(codes.trailing_space(file.span(2, 3)))
    assert (sink.diagnostics == []) is silent
    second = file.text.index('"b') + 1
    sink.add(codes.trailing_space(file.span(second, second + 1)))
    assert sink.diagnostics[-1].span == file.span(second, second + 1)


def test_errors_cannot_be_silenced() -> None:
    file = SourceFile("t.sgl", "x  # sglc: allow SGL0101\n")
    sink = DiagnosticSink()
    sink.add(codes.undefined_name(file.span(0, 1), "x"))
    assert sink.has_errors


def test_print_separates_by_blank_lines() -> None:
    file = SourceFile("t.sgl", "a\nb\n")
    sink = DiagnosticSink()
    sink.add(codes.undefined_name(file.span(0, 1), "a"))
    sink.add(codes.undefined_name(file.span(2, 3), "b"))
    stream = io.StringIO()
    sink.print(stream)
    assert stream.getvalue().count("\n\nerror[SGL0101]") == 1
