"""Verdicts: whether the values that are there already decide what all of them will come to.

A verdict hears the values of ``size`` places, in the order in which they come. Once it is decided,
what is heard gives the built-in function the result that all values would have given it: whatever
the others are, and to the very same value where several are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from sglc.compiler.plan.operators import equal


class Verdict(Protocol):
    """Hears values one by one."""

    def hear(self, place: int, value: Any) -> bool:
        """Take the value of one place, once; return whether no other can change the result."""


class Majority:
    """``majority``: nobody can catch up with the leader, nor draw level and stand before it.

    Values that are equal must be the same, as those of one type of texts, integers or truth values
    are: then it does not matter which of them stands first.
    """

    def __init__(self, size: int) -> None:
        self._open = set(range(size))
        self._first: list[tuple[Any, int]] = []  # each value, and the first place that has it
        self._counts: list[int] = []

    def hear(self, place: int, value: Any) -> bool:
        self._open.discard(place)
        if value is not None:
            self._count(place, value)
        if not self._counts:
            return not self._open
        leader = max(range(len(self._counts)), key=lambda i: (self._counts[i], -self._first[i][1]))
        return all(self._is_behind(other, leader) for other in range(-1, len(self._counts)))

    def _count(self, place: int, value: Any) -> None:
        for index, (known, first) in enumerate(self._first):
            if equal(known, value):
                self._counts[index] += 1
                self._first[index] = known, min(first, place)
                return
        self._first.append((value, place))
        self._counts.append(1)

    def _is_behind(self, other: int, leader: int) -> bool:
        """Whether a value stays behind the leader; -1 is one that nobody has said so far."""
        if other == leader:
            return True
        count, first = (0, len(self._open)) if other < 0 else (
            self._counts[other], self._first[other][1]
        )  # fmt: skip
        most = count + len(self._open)
        if not self._open:
            return other < 0 or (-most, first) > (-self._counts[leader], self._first[leader][1])
        if most != self._counts[leader]:
            return most < self._counts[leader]
        nearest = min(self._open)
        return self._first[leader][1] < (nearest if other < 0 else min(first, nearest))


class Witness:
    """``any`` and ``all``: one value of the ``wanted`` truth decides."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted

    def hear(self, place: int, value: Any) -> bool:
        return bool(value) is self._wanted


class Goal:
    """``max``, ``min`` of values that go no further than ``goal``: one that is there decides."""

    def __init__(self, goal: int) -> None:
        self._goal = goal

    def hear(self, place: int, value: Any) -> bool:
        return equal(value, self._goal)


class FirstGoal:
    """``best``, ``max``, ``min`` of items by such a value: the first one that is there decides.

    So all items before it must be there, too.
    """

    def __init__(self, goal: int, size: int) -> None:
        self._goal = goal
        self._open = set(range(size))
        self._first = size  # the first place with the goal, of those that are there

    def hear(self, place: int, value: Any) -> bool:
        self._open.discard(place)
        if equal(value, self._goal):
            self._first = min(self._first, place)
        return self._first < min(self._open, default=self._first + 1)


_VERDICTS: Final[Mapping[str, Callable[[int, int], Verdict]]] = {
    "majority": lambda size, _: Majority(size),
    "any": lambda *_: Witness(True),
    "all": lambda *_: Witness(False),
    "goal": lambda _, goal: Goal(goal),
    "first_goal": lambda size, goal: FirstGoal(goal, size),
}


def verdict_of(kind: str, size: int, goal: int) -> Verdict:
    """Return the verdict that the hint ``until`` of a plan names, over ``size`` values.

    ``goal`` is that of ``goal`` and ``first_goal``.
    """
    return _VERDICTS[kind](size, goal)
