"""Columns with one value in all rows are known when the program is optimized."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sglc.cli.batch import constant_arguments
from sglc.cli.rows import Row
from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Function
from sglc.compiler.source import SourceFile

Command = Callable[..., Any]
Write = Callable[[str], Path]

ASK = """
prompt ask(q: str, names: list[str] = ["x"], n: number = 1):
    fork name in names as view:
        "About {name}, {q}?"
        answer = gen(max_tokens=4)
    said = view.answer
    "{n}"
"""


@pytest.fixture(scope="module")
def ask() -> Function:
    program = compile_source(SourceFile("ask.sgl", ASK), DiagnosticSink())
    assert program is not None
    return program.plan.functions["ask"]


@pytest.mark.parametrize(
    ("rows", "known"),
    [
        ([{"q": "a"}, {"q": "b"}], {"names": ["x"], "n": 1}),
        ([{"q": "a", "n": 2}, {"q": "a", "n": 2}], {"q": "a", "names": ["x"], "n": 2}),
        ([{"q": "a", "n": 1}, {"q": "b", "n": 1.0}], {"names": ["x"]}),
        ([{"q": "a", "names": ["y"]}, {"q": "b"}], {"n": 1}),
        ([], {}),
    ],
)
def test_what_all_rows_have_is_known(
    ask: Function, rows: list[dict[str, Any]], known: dict[str, Any]
) -> None:
    half = len(rows) // 2
    jobs = [[Row(i, row, row) for i, row in enumerate(part)] for part in (rows[:half], rows[half:])]
    assert constant_arguments(ask, jobs) == known


def test_rows_are_answered_and_checked_as_without_passes(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    path, inputs = program(ASK), tmp_path / "rows.jsonl"
    rows = [{"q": q, "names": ["tea", "ink"]} for q in ("why", "how")]
    inputs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plain = sglc("run", path, "--inputs", inputs, "-O0")
    done = sglc("run", path, "--inputs", inputs)
    assert (done.code, done.out) == (0, plain.out)
    assert len(done.out.splitlines()) == 2
    inputs.write_text(json.dumps({"q": "why", "names": 3}) + "\n")
    refused = sglc("run", path, "--inputs", inputs)
    assert (refused.code, refused.out) == (2, "")
    assert "row 1: `names` must be" in refused.err
