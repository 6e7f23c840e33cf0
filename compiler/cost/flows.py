"""How regions of an abstract run end, and what all frames of a run share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sglc.compiler.cost.calls import Calls, Evaluate
from sglc.compiler.cost.interval import Interval
from sglc.compiler.cost.tally import Tally
from sglc.compiler.cost.values import Abstract

MAX_OPS: Final = 100_000  # then loops are looked at as wholes


@dataclass(slots=True)
class Flow:
    """How a region may end: with values, by exits, or never."""

    values: list[Abstract] | None = None
    names: dict[str, Abstract] = field(default_factory=dict)
    exits: dict[str, list[Leave]] = field(default_factory=dict)

    def leave(self, kind: str, values: list[Abstract], names: dict[str, Abstract]) -> None:
        """Add an exit."""
        self.exits.setdefault(kind, []).append(Leave(values, names))

    def take(self, other: Flow, *, but: Sequence[str] = ()) -> None:
        """Add the exits of another flow."""
        for kind, found in other.exits.items():
            if kind not in but:
                self.exits.setdefault(kind, []).extend(found)


@dataclass(frozen=True, slots=True)
class Leave:
    """The values of an exit."""

    values: list[Abstract]
    names: dict[str, Abstract]


class World:
    """What all frames of one run share. ``fuel``: ops left to be looked at one by one."""

    def __init__(self, calls: Calls, evaluate: Evaluate) -> None:
        self.calls = calls
        self.module = calls.module
        self.evaluate = evaluate
        self.fuel = MAX_OPS
        self.tally = Tally()
        self.sure = True
        self.active: list[str] = []

    @contextmanager
    def apart(self, *, sure: bool = True) -> Iterator[Tally]:
        """Count into a tally of its own; unless ``sure``, nothing in it surely happens."""
        outer, was_sure = self.tally, self.sure
        self.tally = Tally()
        self.sure = self.sure and sure
        try:
            yield self.tally
        finally:
            self.tally, self.sure = outer, was_sure


def maybe(tally: Tally) -> Tally:
    """The same, or nothing."""
    found = Tally()
    found.include(tally, Interval(0, 1))
    return found
