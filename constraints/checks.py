"""What of a type is checked after generation, because no machine can see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from sglc.constraints.build import language
from sglc.constraints.schemas import compiled, fault_of
from sglc.constraints.types import (
    Both,
    Concat,
    List,
    Optional,
    Record,
    Schema,
    Sized,
    Type,
    Union,
    Without,
)


@lru_cache(maxsize=256)
def has_checks(t: Type) -> bool:
    """Whether something of ``t`` is checked after generation."""
    match t:
        case Schema():
            return compiled(t).needs_check
        case Record(fields):
            return any(has_checks(field.type) for field in fields)
        case List(inner) | Optional(inner) | Without(inner) | Sized(inner):
            return has_checks(inner)
        case Union(parts) | Both(parts) | Concat(parts):
            return any(map(has_checks, parts))
    return False


def fault(t: Type, value: Any) -> str | None:
    """What a JSON value that the machine of ``t`` has accepted does not keep, if anything."""
    match t:
        case Schema():
            return fault_of(t, value)
        case Optional(inner):
            return None if value is None else fault(inner, value)
        case Sized(inner) | Without(inner):
            return fault(inner, value)
        case Both(parts):
            return _first(fault(part, value) for part in parts)
        case List(item):
            return _first(fault(item, v) for v in value)
        case Record(fields):
            return _first(fault(field.type, value[field.name]) for field in fields)
        case Union(options):
            faults = [fault(option, value) for option in options if _is_spelled(option, value)]
            return None if None in faults else _first(faults)
        case Concat(parts):
            if not _can_be_cut(parts, value):
                return "a part of it breaks what is checked after generation"
    return None


def _is_spelled(t: Type, value: Any) -> bool:
    """Whether a JSON value has a text in the language of ``t``."""
    from sglc.constraints.values import renderings_in_json

    return bool(renderings_in_json(t, value))


def _can_be_cut(parts: Iterable[Type], text: str) -> bool:
    """Whether ``text`` is a member of each part, in order, what is checked included."""
    from sglc.constraints.values import is_member

    begins = [0]
    for part in parts:
        ends: set[int] = set()
        for begin in begins:
            ends.update(e for e in _ends(part, text, begin) if is_member(part, text[begin:e]))
        begins = sorted(ends)
    return len(text) in begins


def _ends(t: Type, text: str, begin: int) -> Iterator[int]:
    """Where the texts from ``begin`` on end that the machine of ``t`` accepts."""
    machine = language(t)
    state = machine.start
    for at in range(begin, len(text) + 1):
        if machine.is_accepting(state):
            yield at
        state = machine.run(state, text[at : at + 1].encode()) if at < len(text) else 0
        if not state:
            return


def _first(faults: Iterable[str | None]) -> str | None:
    return next((found for found in faults if found is not None), None)
