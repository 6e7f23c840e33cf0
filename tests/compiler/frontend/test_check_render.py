"""Diagnostics of the checks as a person reads them: places, labels, notes, helps."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from sglc.compiler.diagnostics.sink import DiagnosticSink
from sglc.compiler.frontend.check import check
from sglc.compiler.source import SourceFile

PROGRAMS = Path(__file__).parents[2] / "programs" / "errors"
GOLDEN = Path(__file__).parents[2] / "golden" / "check"


@pytest.mark.parametrize(
    "name", ["0102_maybe_unset", "0108_in_branch", "0405_never_true", "0506_dot", "0607_identical"]
)
def test_report(name: str, golden: Callable[[Path, str], None]) -> None:
    text = (PROGRAMS / f"{name}.sgl").read_text(encoding="utf-8")
    plain = "\n".join(line.partition("  #~")[0] for line in text.split("\n"))
    sink = DiagnosticSink()
    check(SourceFile(f"{name}.sgl", plain), sink)
    out = io.StringIO()
    sink.print(out)
    golden(GOLDEN / f"{name}.txt", out.getvalue())
