"""What of a type is checked after generation, because no machine can see it."""

from __future__ import annotations

import json
from collections.abc import Iterable
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
            text = f"[{json.dumps(value, ensure_ascii=False)}]".encode()
            fitting = [o for o in options if language(List(o, 1, 1)).accepts(text)]
            faults = [fault(option, value) for option in fitting]
            return None if None in faults else _first(faults)
    return None


def _first(faults: Iterable[str | None]) -> str | None:
    return next((found for found in faults if found is not None), None)
