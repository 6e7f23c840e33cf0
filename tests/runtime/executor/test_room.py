"""Which rows of a batch have room beside each other, and whether that counts."""

from __future__ import annotations

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import Pipeline
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.room import Room, asks_again


def test_rows_fit_while_their_prompts_do() -> None:
    room = Room(100)
    room.enter(60)
    assert room.fits(40)
    assert not room.fits(41)
    room.enter(40)
    assert not room.fits(1)
    room.leave(60, 0)
    assert room.fits(60)


def test_what_rows_write_counts_once_it_is_known() -> None:
    room = Room(100)
    for written in (10, 30):  # 20 on average
        room.enter(50)
        room.leave(50, written)
    room.enter(30)
    assert room.fits(30)
    assert not room.fits(31)


def test_one_row_always_fits_and_a_backend_without_slots_has_no_end() -> None:
    assert Room(10).fits(1_000)
    room = Room(0)
    room.enter(1_000)
    assert room.fits(1_000)


HELPERS = """
fn twice(x: str) -> str = x + x
prompt one(x: str) -> str:
    "{x}"
    return gen(max_tokens=4)
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return twice(q)", False),
        ("return one(q)", False),
        ("return one(one(q))", True),
        ('if q == "a": return one(q)\n    return "b"', False),
        ('xs = [one(x) for x in [q]]\n    return xs[0]', True),
        ('"{q}{a = gen(max_tokens=4)} {b = gen(max_tokens=4)}"\n    return a', True),
    ],
)  # fmt: skip
def test_whether_a_run_may_ask_again(body: str, expected: bool) -> None:
    sink = DiagnosticSink()
    text = f"{HELPERS}prompt main(q: str) -> str:\n    {body}\n"
    program = compile_source(SourceFile("t.sgl", text), sink, None, Optimization(Pipeline()))
    assert program is not None, sink.diagnostics
    assert asks_again(program.plan.with_entry("main")) is expected
