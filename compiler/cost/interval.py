"""Intervals of counts: what is certain about a number that is not known."""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Interval(NamedTuple):
    """From ``lo`` to ``hi``, both included, neither negative; ``hi`` may be infinite."""

    lo: float
    hi: float

    @classmethod
    def exactly(cls, value: float) -> Interval:
        """The interval of one number."""
        return cls(value, value)

    @property
    def is_exact(self) -> bool:
        """Whether it holds one number only."""
        return self.lo == self.hi

    def plus(self, other: Interval) -> Interval:
        """All sums."""
        return Interval(self.lo + other.lo, self.hi + other.hi)

    def times(self, other: Interval) -> Interval:
        """All products."""
        return Interval(_product(self.lo, other.lo), _product(self.hi, other.hi))

    def hull(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.lo, other.lo), max(self.hi, other.hi))

    def maybe(self) -> Interval:
        """The same, or nothing."""
        return Interval(0, self.hi)

    def at_most(self, bound: float) -> Interval:
        """What is left below a bound."""
        return Interval(min(self.lo, bound), min(self.hi, bound))

    def holds(self, value: float) -> bool:
        """Whether a number lies in it."""
        return self.lo <= value <= self.hi

    def to_data(self) -> list[Any]:
        """Return both ends for JSON: null for an end that is not known."""
        return [self.lo, None if self.hi == math.inf else self.hi]

    def __str__(self) -> str:
        low, high = _written(self.lo), _written(self.hi)
        return low if self.is_exact else f"{low}..{high}"


def _product(a: float, b: float) -> float:
    return 0 if a == 0 or b == 0 else a * b


def _written(number: float) -> str:
    if number == math.inf:
        return ""
    return f"{number:,.0f}".replace(",", " ")


ZERO = Interval(0, 0)
ONE = Interval(1, 1)
ANY = Interval(0, math.inf)
