"""Sets of numbers: bounds, multiples and constants, exact in decimals."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.constraints.schema import numbers
from sglc.constraints.schema.data import numeral
from sglc.constraints.work import AutomatonTooLarge

DECIMALS = st.decimals(-1200, 1200, places=2) | st.integers(-20, 20).map(Decimal)


def spellings(value: Decimal) -> list[bytes]:
    """The canonical numeral, and one with zeros behind it."""
    text = numeral(value)
    return [text.encode(), (text + ("0" if "." in text else ".00")).encode()]


@given(DECIMALS, DECIMALS, st.sets(st.sampled_from([-1, 0, 1])))
def test_bounds(bound: Decimal, value: Decimal, signs: set[int]) -> None:
    automaton = numbers.compared(Fraction(bound), tuple(sorted(signs)))
    expected = (value > bound) - (value < bound) in signs
    assert [automaton.accepts(text) for text in spellings(value)] == [expected, expected]


@given(
    st.sampled_from(["1", "2", "7", "10", "0.5", "0.25", "0.01", "0.3", "2.5", "12.5"]),
    DECIMALS,
    st.integers(-40, 40),
)
def test_multiples(step: str, value: Decimal, times: int) -> None:
    automaton = numbers.multiples(Fraction(step))
    for candidate in (value, Decimal(step) * times):
        expected = (Fraction(candidate) / Fraction(step)).denominator == 1
        assert [automaton.accepts(t) for t in spellings(candidate)] == [expected, expected]


@given(st.lists(DECIMALS, min_size=1, max_size=4), DECIMALS)
def test_constants(values: list[Decimal], other: Decimal) -> None:
    automaton = numbers.exactly(map(Fraction, values))
    for value in [*values, other]:
        expected = value in values
        assert [automaton.accepts(text) for text in spellings(value)] == [expected, expected]
        assert numbers.written(automaton).accepts(spellings(value)[0]) == expected
        assert not numbers.written(automaton).accepts(spellings(value)[1])


def test_numerals_have_no_other_forms() -> None:
    for text in (b"", b"-", b"-0", b"-0.0", b"00", b"01", b"1.", b".5", b"1e3", b"+1", b"--1"):
        assert not numbers.numerals().accepts(text), text
    for text in (b"0", b"-1", b"10.50", b"0.0", b"-0.5"):
        assert numbers.numerals().accepts(text), text


def test_whole_numbers_are_written_without_a_fraction() -> None:
    whole = numbers.written(numbers.integers())
    assert whole.accepts(b"-12")
    assert not whole.accepts(b"-12.0")


def test_the_size_of_a_bound_is_linear_and_that_of_a_step_is_bounded() -> None:
    assert numbers.compared(Fraction(10**400), (1,)).num_states < 1_300
    with pytest.raises(AutomatonTooLarge):
        numbers.multiples(Fraction("0.123456789"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (1e3, "1000"),
        (1e-7, "0.0000001"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (10**30, "1" + "0" * 30),
    ],
)
def test_canonical_numerals(value: float, text: str) -> None:
    assert numeral(value) == text
