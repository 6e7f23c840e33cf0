"""JSON values as JSON Schema compares and counts them, and how they are spelled."""

from __future__ import annotations

import json
from collections.abc import Hashable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, TypeGuard

Kind = Literal["null", "boolean", "number", "string", "array", "object"]
KINDS: tuple[Kind, ...] = ("null", "boolean", "number", "string", "array", "object")


def kind_of(value: Any) -> Kind:
    """The kind of a JSON value; integers are numbers.

    Raises:
        TypeError: ``value`` is not a JSON value.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list | tuple):
        return "array"
    if isinstance(value, dict):
        return "object"
    raise TypeError(f"{value!r} is not a JSON value")


def is_number(value: Any) -> TypeGuard[int | float | Decimal]:
    """Whether ``value`` is a number that JSON can write."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return isinstance(value, int) or Decimal(value).is_finite()


def exact(number: float | Decimal) -> Fraction:
    """The number as it is written: 0.1 is one tenth."""
    return Fraction(number) if isinstance(number, int) else Fraction(Decimal(str(number)))


def numeral(number: float | Decimal) -> str:
    """The number without an exponent and without a fraction that is 0."""
    if isinstance(number, int):
        return int.__repr__(number)
    text = format(Decimal(str(number)), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def quoted(text: str) -> str:
    """The text as a JSON string, escaped only where it must be."""
    return json.dumps(text, ensure_ascii=False)


def frozen(value: Any) -> Hashable:
    """Equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    kind = kind_of(value)
    if kind == "number":
        return exact(value)
    if kind == "array":
        return kind, tuple(map(frozen, value))
    if kind == "object":
        return kind, frozenset((key, frozen(inner)) for key, inner in value.items())
    return kind, value
