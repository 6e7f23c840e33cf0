"""Conjunctions of subschemas and negated subschemas: what is asked of a value at one position."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sglc.constraints.schema.resources import Subschema


class Literal(NamedTuple):
    """A subschema that must hold, or must not."""

    sub: Subschema
    positive: bool

    @property
    def negated(self) -> Literal:
        """The opposite."""
        return Literal(self.sub, not self.positive)

    @property
    def is_true(self) -> bool:
        """Whether it plainly holds for all values."""
        return self.sub.raw is self.positive

    @property
    def is_false(self) -> bool:
        """Whether it plainly holds for no value."""
        return self.sub.raw is (not self.positive)


Formula = frozenset[Literal]
ANYTHING: Formula = frozenset()


def formula(literals: Iterable[Literal]) -> Formula:
    """All of the literals; only one that fails, if there is one that fails plainly."""
    kept = frozenset(literal for literal in literals if not literal.is_true)
    for literal in kept:
        if literal.is_false:
            return frozenset((literal,))
        if not literal.positive and literal.negated in kept:
            return frozenset((literal, literal.negated))
    return kept


def is_false(whole: Formula) -> bool:
    """Whether the formula plainly holds for no value."""
    return any(x.is_false or (x.positive and x.negated in whole) for x in whole)


def in_order(whole: Formula) -> list[Literal]:
    """The literals, first those that must hold; in the order their subschemas were met."""
    return sorted(whole, key=lambda literal: (not literal.positive, literal.sub.id))
