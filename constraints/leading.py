"""The first fields of a record: where its text may stop when nobody reads the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from sglc.constraints.automaton import Automaton
from sglc.constraints.checks import has_checks
from sglc.constraints.types import Record
from sglc.constraints.values import finite_float

_MAX_KEPT: Final = 256
_decoder = json.JSONDecoder(parse_float=finite_float)


@lru_cache(_MAX_KEPT)
def states_behind(machine: Automaton, record: Record, count: int) -> frozenset[int]:
    """Return the states in which the first ``count`` fields of a record, and a comma, are read.

    None of them where that is not to be told by the state alone, where there is no further field,
    and where what is read of the whole is checked once more.
    """
    nothing: frozenset[int] = frozenset()
    if has_checks(record) or not machine.start:
        return nothing
    text = machine.completion(machine.start).decode(errors="replace")
    end = _end(text, count)
    if end is None:
        return nothing
    first = machine.run(machine.start, text[:end].encode())
    targets = [set(machine.edges(state).values()) for state in range(machine.num_states)]
    sources: list[set[int]] = [set() for _ in targets]
    for state, ways in enumerate(targets):
        for target in ways:
            sources[target].add(state)
    behind, before = _reach(targets[first], targets), _reach(sources[first], sources)
    # What leads there must not be among what it leads to: such a state says nothing.
    if not first or first in behind or not behind.isdisjoint(before):
        return nothing
    return frozenset(behind | {first})


def leading_value(text: str, count: int) -> dict[str, Any]:
    """Return the first ``count`` fields of a text that has them, and a comma.

    Raises:
        ValueError: it has not.
    """
    value: dict[str, Any] = {}
    at = 1
    try:
        for _ in range(count):
            name, at = _item(text, at)
            value[name], at = _item(text, at + 1)
            at += 1
    except IndexError:
        raise ValueError(f"the text ends before {count} fields") from None
    return value


def _item(text: str, at: int) -> tuple[Any, int]:
    """Read a value; return it with the place behind it."""
    while text[at] in " \t\r\n":
        at += 1
    value, end = _decoder.raw_decode(text, at)
    while text[end] in " \t\r\n":
        end += 1
    return value, end


def _end(text: str, count: int) -> int | None:
    """The place behind the comma after the first ``count`` fields; None if there is none."""
    at = 1
    for _ in range(count):
        _, at = _item(text, at)
        _, at = _item(text, at + 1)
        if text[at] != ",":
            return None
        at += 1
    return at


def _reach(begin: set[int], ways: list[set[int]]) -> set[int]:
    """All states that ``ways`` lead to from those of ``begin``, them included."""
    found = set(begin)
    todo: Iterable[int] = begin
    while todo:
        todo = {way for state in todo for way in ways[state]} - found
        found |= todo
    return found
