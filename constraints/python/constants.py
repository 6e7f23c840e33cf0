"""Codecs of constants: what ``Literal`` lists, and the members of an Enum."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sglc.constraints import types as t
from sglc.constraints.python.codec import (
    Codec,
    Data,
    Definitions,
    PythonTypeError,
    expected,
    shown,
)


@dataclass(frozen=True, slots=True)
class ConstantCodec(Codec):
    """One of several constants: ``pairs`` of what JSON says and the object it stands for."""

    what: str
    pairs: tuple[tuple[Any, Any], ...]

    def type(self) -> t.Type:
        values = [value for value, _ in self.pairs]
        if len(values) == 2 and all(isinstance(value, bool) for value in values):
            return t.Bool()
        types = tuple(_constant(value) for value in values)
        return types[0] if len(types) == 1 else t.Union(types)

    def schema(self, definitions: Definitions) -> Data:
        return {"enum": [value for value, _ in self.pairs]}

    def load(self, value: Any, path: str) -> Any:
        for known, made in self.pairs:
            if type(known) is type(value) and known == value:
                return made
        known_ones = ", ".join(shown(each) for each, _ in self.pairs[:8])
        more = ", ..." if len(self.pairs) > 8 else ""
        raise expected(path, f"{self.what} ({known_ones}{more})", value)

    def dump(self, value: Any, path: str) -> Any:
        for known, made in self.pairs:
            if type(made) is type(value) and made == value:
                return known
        self.load(value, path)
        return value


def constants(what: str, pairs: tuple[tuple[Any, Any], ...], where: str) -> Codec:
    """Return the codec of constants: pairs of what JSON says and the object it stands for.

    Raises:
        PythonTypeError: there is none, or one has no JSON form.
    """
    for value, made in pairs:
        if not isinstance(value, str | int | float) or value in (
            float("inf"),
            float("-inf"),
        ):
            raise PythonTypeError(
                where, f"{made!r} has no JSON form; use texts, integers or truth values"
            )
    if not pairs:
        raise PythonTypeError(where, f"{what}: there is none")
    # values of an Enum that is also a str or an int are subclasses: JSON has plain ones
    return ConstantCodec(what, tuple((_plain_constant(v), made) for v, made in pairs))


def unread_member(constants: Iterable[Any]) -> str | None:
    """Return why Pydantic does not read one of these constants from JSON, and the way out."""
    for constant in constants:
        if isinstance(constant, enum.Enum) and not isinstance(constant, str | int):
            return (
                f"Pydantic reads no {constant} from JSON; derive {type(constant).__name__} from "
                f"enum.StrEnum, or write Literal[{constant.value!r}]"
            )
    return None


def _constant(value: Any) -> t.Type:
    if isinstance(value, str):
        return t.Literal(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return t.Int(value, value)
    return t.Schema(json.dumps({"const": value}))


def _plain_constant(value: Any) -> Any:
    for kind in (bool, str, int, float):
        if isinstance(value, kind):
            return kind(value) if kind is not str else str.__str__(value)
    return value
