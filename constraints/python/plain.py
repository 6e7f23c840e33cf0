"""Objects of Python as values of programs, where no type says what they should be."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from sglc.constraints.python.records import alias_of


def plain_value(value: Any) -> Any:
    """Return what an object is in a program: records, lists, texts, numbers, none.

    Dataclasses, Pydantic models and named tuples become records, other tuples and sets lists,
    members of an Enum their values. Anything else stays what it is.
    """
    if isinstance(value, enum.Enum):
        return plain_value(value.value)
    if value is None or isinstance(value, str | int | float | bytes):
        return value
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain_value(getattr(value, name)) for name in value._fields}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain_value(item) for item in value), key=repr)
    if isinstance(value, type):
        return value
    if hasattr(value, "__pydantic_serializer__"):
        from sglc.constraints.python.resolve import codec_of

        return codec_of(type(value)).dump(value, "")
    if dataclasses.is_dataclass(value):
        return {
            alias_of(field): plain_value(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.init
        }
    return value
