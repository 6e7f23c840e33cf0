"""Numerals: exactly the numbers of an interval, written one way."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sglc.constraints.numerals import integer, number

ENDS = st.none() | st.integers(-1200, 1200)


@settings(max_examples=60, deadline=None, derandomize=True)
@example(None, -10)
@example(-1, 10)
@example(5, 1)
@example(0, 0)
@given(ENDS, ENDS)
def test_integers_of_an_interval(low: int | None, high: int | None) -> None:
    automaton = integer(low, high).automaton()
    for value in {*range(-130, 131), *range(-1300, 1301, 37), 99999, -99999} | {
        end + d for end in (low, high) if end is not None for d in (-1, 0, 1)
    }:
        inside = (low is None or low <= value) and (high is None or value <= high)
        assert automaton.accepts(str(value).encode()) == inside, value
    for text in ("", "-", "00", "01", "-01", "+1", "1.0", " 1"):
        assert not automaton.accepts(text.encode())
    assert automaton.accepts(b"-0") == (low is None and high is None)


@pytest.mark.parametrize("digits", [None, 0, 1, 3])
@pytest.mark.parametrize("decimals", [None, 0, 1, 2])
def test_numbers_of_a_size(digits: int | None, decimals: int | None) -> None:
    automaton = number(digits, decimals).automaton()
    whole = r"\d*" if digits is None else rf"\d{{0,{max(digits - 1, 0)}}}"
    least = "0" if digits == 0 else f"(0|[1-9]{whole})"
    fraction = {None: r"(\.\d+)?", 0: ""}.get(decimals, rf"(\.\d{{1,{decimals}}})?")
    expected = re.compile(f"-?{least}{fraction}", re.ASCII)
    texts = ["0", "-0", "7", "12", "123", "1234", "01", "-", "", ".5", "1.", "1e3"]
    texts += [f"{sign}{a}.{b}" for sign in ("", "-") for a in texts for b in ("0", "25", "125")]
    for text in texts:
        assert automaton.accepts(text.encode()) == bool(expected.fullmatch(text)), text
