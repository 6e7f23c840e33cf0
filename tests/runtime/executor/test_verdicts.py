"""To decide early is to wait: the same result, and as early as it can be."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.compiler.plan.builtins import apply_builtin
from sglc.runtime.executor.verdicts import verdict_of


class Kind(NamedTuple):
    """A verdict: the built-in it stands for, and the values that may come."""

    until: str
    fn: str
    domain: tuple[Any, ...]
    goal: int = 0
    by: bool = False


KINDS = [
    Kind("majority", "majority", (None, 1, 2, 3)),
    Kind("majority", "majority", ("a", "b")),
    Kind("majority", "majority", (True, False, None)),
    Kind("any", "any", (True, False)),
    Kind("all", "all", (0, 1, 2)),
    Kind("goal", "max", (1, 2, 3), 3),
    Kind("goal", "min", (1, 2, 3), 1),
    Kind("first_goal", "best", (1, 2, 3), 3, by=True),
    Kind("first_goal", "max", (1, 2), 2, by=True),
    Kind("first_goal", "min", (1, 2), 1, by=True),
]


def result(kind: Kind, values: list[tuple[int, Any]]) -> Any:
    """What the built-in makes of the values; of items, which one it is, by its place."""
    if not kind.by:
        return apply_builtin(kind.fn, [[value for _, value in values]])
    items = [{"place": place, "key": value} for place, value in values]
    return apply_builtin(kind.fn, [items], by=".key")["place"]


def number_heard(kind: Kind, values: list[Any], order: list[int]) -> int:
    """How many of the values are heard until it is decided, or all."""
    verdict = verdict_of(kind.until, len(values), kind.goal)
    for number, place in enumerate(order, 1):
        if verdict.hear(place, values[place]):
            return number
    return len(values)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(KINDS), st.integers(1, 12))
def test_what_is_heard_gives_what_all_would_have_given(
    data: st.DataObject, kind: Kind, size: int
) -> None:
    values = data.draw(st.lists(st.sampled_from(kind.domain), min_size=size, max_size=size))
    order = data.draw(st.permutations(range(size)))
    heard = sorted(order[: number_heard(kind, values, order)])
    found = result(kind, [(place, values[place]) for place in heard])
    wanted = result(kind, list(enumerate(values)))
    assert (type(found), found) == (type(wanted), wanted)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if len(kind.domain) < 4])
def test_no_value_is_waited_for_that_changes_nothing(kind: Kind, size: int) -> None:
    """As long as a verdict is open, what is missing may give another result than what is heard."""
    for order in itertools.permutations(range(size)):
        for values in itertools.product((*kind.domain, *_fresh(kind)), repeat=size):
            number = number_heard(kind, list(values), list(order)) - 1
            if not number:
                continue
            seen, rest = {place: values[place] for place in order[:number]}, order[number:]
            wholes = (
                {**seen, **dict(zip(rest, more, strict=True))}
                for more in itertools.product((*kind.domain, *_fresh(kind)), repeat=len(rest))
            )
            heard = repr(result(kind, sorted(seen.items())))
            assert any(repr(result(kind, sorted(w.items()))) != heard for w in wholes), seen


def _fresh(kind: Kind) -> tuple[Any, ...]:
    """Values of which there are more than are in the domain."""
    return ("c",) if kind.domain == ("a", "b") else ()
