"""Sets of numbers as automata over their numerals.

A numeral has no exponent, and no sign if it is 0; it may end in zeros after the point. All sets
are sets of values: with a numeral they have all numerals that are equal to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache

from sglc.constraints.automaton import Automaton, AutomatonTooLarge

_POINT, _MINUS, _ZERO = 0x2E, 0x2D, 0x30
_DIGITS = range(_ZERO, _ZERO + 10)
MAX_MODULUS_STATES = 30_000


@lru_cache(maxsize=1)
def numerals() -> Automaton:
    """All numerals."""
    whole = r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
    zero = Automaton.from_regex(r"-0(?:\.0+)?")
    return Automaton.from_regex(f"-?{whole}").difference(zero)


@lru_cache(maxsize=1)
def canonical_numerals() -> Automaton:
    """One numeral for each value: no zeros at the end of a fraction."""
    return numerals().intersect(Automaton.from_regex(r"-?[0-9]+(?:\.[0-9]*[1-9])?"))


@lru_cache(maxsize=1)
def integers() -> Automaton:
    """The numerals of whole numbers, with or without a fraction that is 0."""
    return numerals().intersect(Automaton.from_regex(r"-?[0-9]+(?:\.0+)?"))


@lru_cache(maxsize=1)
def _plain_integers() -> Automaton:
    return numerals().intersect(Automaton.from_regex(r"-?[0-9]+"))


@lru_cache(maxsize=512)
def written(values: Automaton) -> Automaton:
    """How a set of values is written: finite sets and whole numbers in one way only."""
    if values.difference(integers()).is_empty:
        return values.intersect(_plain_integers())
    one_way = values.intersect(canonical_numerals())
    return one_way if one_way.is_finite else values


@lru_cache(maxsize=512)
def compared(bound: Fraction, signs: tuple[int, ...]) -> Automaton:
    """The numbers that are less (-1), equal (0) or greater (1) than ``bound``.

    Raises:
        ValueError: ``bound`` is not a finite decimal.
    """
    digits = _decimal(abs(bound))
    whole, _, fraction = digits.partition(".")
    rows: list[dict[int, int]] = [{}, {}]
    accepting: set[int] = set()
    below = bound < 0

    def add(sign: int) -> int:
        rows.append({})
        if sign in signs:
            accepting.add(len(rows) - 1)
        return len(rows) - 1

    def magnitude(turn: Callable[[int], int]) -> int:
        """The state before the first digit; ``turn`` gives the sign of a comparison of sizes."""
        after = {sign: add(turn(sign)) for sign in (-1, 1)}
        for state in after.values():
            rows[state] |= dict.fromkeys(_DIGITS, state)
        tail = [add(turn(0 if not fraction[i:] else -1)) for i in range(len(fraction) + 1)]
        for i, state in enumerate(tail):
            mark = int(fraction[i]) if i < len(fraction) else 0
            for digit, byte in enumerate(_DIGITS):
                same = tail[min(i + 1, len(fraction))]
                rows[state][byte] = same if digit == mark else after[1 if digit > mark else -1]
        longer = add(turn(1))
        rows[longer] |= dict.fromkeys(_DIGITS, longer) | {_POINT: after[1]}
        states: dict[tuple[int, int], int] = {}
        for i in range(len(whole), 0, -1):
            for sign in (-1, 0, 1):
                full = i == len(whole)
                so_far = sign or (-1 if fraction else 0)
                state = states[i, sign] = add(turn(so_far if full else -1))
                last = tail[0] if not sign else after[sign]
                rows[state][_POINT] = last if full else after[-1]
                for digit, byte in enumerate(_DIGITS):
                    if full:
                        rows[state][byte] = longer
                    else:
                        rows[state][byte] = states[i + 1, sign or _sign(digit - int(whole[i]))]
        first = len(rows)
        rows.append({})
        for digit, byte in enumerate(_DIGITS):
            rows[first][byte] = states[1, _sign(digit - int(whole[0]))]
        return first

    def constant(sign: int) -> int:
        state = add(sign)
        rows[state] |= dict.fromkeys((*_DIGITS, _POINT), state)
        return state

    positive = constant(1) if below else magnitude(lambda sign: sign)
    negative = magnitude(lambda sign: -sign) if below else constant(-1)
    rows[1] = rows[positive] | {_MINUS: negative}
    return Automaton.from_rows(rows, accepting, 1).intersect(numerals())


@lru_cache(maxsize=256)
def multiples(step: Fraction) -> Automaton:
    """The multiples of ``step`` > 0, a finite decimal.

    Raises:
        AutomatonTooLarge: its digits are too many to count remainders.
    """
    _, _, fraction = _decimal(step).partition(".")
    places = len(fraction)
    modulus = int(step * 10**places)
    if modulus * (places + 2) > MAX_MODULUS_STATES:
        raise AutomatonTooLarge(MAX_MODULUS_STATES)

    def state(place: int, rest: int) -> int:  # place 0 is before the point
        return 2 + place * modulus + rest

    zeros = 2 + (places + 2) * modulus  # nothing but zeros from here
    rows: list[dict[int, int]] = [{} for _ in range(zeros + 1)]
    rows[zeros][_ZERO] = zeros
    accepting = {zeros}
    for rest in range(modulus):
        for place in range(places + 2):
            here = state(place, rest)
            left = places - max(place - 1, 0)
            if rest * 10**left % modulus == 0:
                accepting.add(here)
            if place == 0:
                rows[here][_POINT] = state(1, rest)
            if place == places + 1:
                if rest == 0:
                    rows[here][_ZERO] = zeros
                continue
            for digit, byte in enumerate(_DIGITS):
                after = 0 if place == 0 else place + 1
                rows[here][byte] = state(after, (rest * 10 + digit) % modulus)
    rows[1] = rows[state(0, 0)] | {_MINUS: state(0, 0)}
    return Automaton.from_rows(rows, accepting, 1).intersect(numerals())


def exactly(values: Iterable[Fraction]) -> Automaton:
    """These numbers, each with all its numerals."""
    texts = [("-" if v < 0 else "") + _decimal(abs(v)) for v in values]
    zeros = Automaton.from_regex("0*")
    whole = Automaton.from_strings(t for t in texts if "." not in t)
    parts = Automaton.from_strings(t for t in texts if "." in t)
    tail = Automaton.from_regex(r"(?:\.0+)?")
    return whole.concat(tail).union(parts.concat(zeros))


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _decimal(number: Fraction) -> str:
    """A number, 0 or more, in digits: ``12.5``."""
    places, rest = 0, number.denominator
    while rest % 10 == 0:
        rest //= 10
        places += 1
    while rest % 2 == 0 or rest % 5 == 0:
        rest //= 2 if rest % 2 == 0 else 5
        places += 1
    if rest != 1:
        raise ValueError(f"{number} is not a decimal")
    text = str(int(number * 10**places)).rjust(places + 1, "0")
    whole, fraction = text[: len(text) - places], text[len(text) - places :].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
