"""Codecs of what has no parts: texts, numbers, truth values."""

from __future__ import annotations

import json
import math
import operator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sglc.constraints import types as t
from sglc.constraints.python.codec import (
    Bounds,
    Codec,
    ConversionError,
    Data,
    Definitions,
    PythonTypeError,
    expected,
    shown,
)
from sglc.constraints.python.patterns import searched

_TRIMMED: Final = r"^(?:\S(?:[\s\S]*\S)?)?$"


@dataclass(frozen=True, slots=True)
class StrCodec(Codec):
    """Text of ``least`` to ``most`` characters in which ``pattern`` is found."""

    least: int = 0
    most: int | None = None
    pattern: str | None = None

    def type(self) -> t.Type:
        if self.pattern is None:
            return t.Str(self.least, self.most)
        found = searched(self.pattern)
        bounded = self.least > 0 or self.most is not None
        return t.Sized(found, self.least, self.most) if bounded else found

    def schema(self, definitions: Definitions) -> Data:
        data: Data = {"type": "string"}
        data |= {"minLength": self.least} if self.least else {}
        data |= {} if self.most is None else {"maxLength": self.most}
        return data | ({} if self.pattern is None else {"pattern": self.pattern})

    def load(self, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            raise expected(path, "a text", value)
        self._check(value, path)
        return value

    def dump(self, value: Any, path: str) -> Any:
        return str(self.load(value, path))

    def bounded(self, bounds: Bounds, where: str) -> Codec:
        odd = [n for n in bounds.names if n not in ("min_length", "max_length", "pattern")]
        if odd:
            raise PythonTypeError(where, f"{', '.join(odd)} does not bound a text")
        if bounds.pattern is not None:
            try:
                t.Regex(searched(bounds.pattern).pattern).accepts("")
            except ValueError as error:
                raise PythonTypeError(where, f"its pattern cannot be enforced: {error}") from None
        low, high = lengths(bounds, (self.least, self.most), where)
        return StrCodec(low, high, self.pattern if bounds.pattern is None else bounds.pattern)

    def trimmed(self) -> StrCodec:
        """Return the codec of texts whose reader takes the white space at their ends away."""
        return self if self.pattern is not None else replace(self, pattern=_TRIMMED)

    def _check(self, text: str, path: str) -> None:
        if len(text) < self.least:
            raise ConversionError(path, f"must have {self.least} characters at least")
        if self.most is not None and len(text) > self.most:
            raise ConversionError(path, f"must have {self.most} characters at most")
        if self.pattern is not None and not searched(self.pattern).accepts(text):
            raise ConversionError(path, f"{shown(text)} does not match {self.pattern!r}")


@dataclass(frozen=True, slots=True)
class IntCodec(Codec):
    """An integer from ``lo`` to ``hi`` that ``multiple_of`` divides."""

    lo: int | None = None
    hi: int | None = None
    multiple_of: int | None = None

    def type(self) -> t.Type:
        return t.Int(self.lo, self.hi) if self.multiple_of is None else _schema(_numbers(self))

    def schema(self, definitions: Definitions) -> Data:
        return _numbers(self)

    def load(self, value: Any, path: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise expected(path, "an integer", value)
        _check_number(_numbers(self), value, path)
        return value

    def dump(self, value: Any, path: str) -> Any:
        return int(self.load(value, path))

    def bounded(self, bounds: Bounds, where: str) -> Codec:
        _check_numeric(bounds, where)
        lows = [self.lo, None if bounds.ge is None else math.ceil(bounds.ge)]
        highs = [self.hi, None if bounds.le is None else math.floor(bounds.le)]
        lows += [None if bounds.gt is None else math.floor(bounds.gt) + 1]
        highs += [None if bounds.lt is None else math.ceil(bounds.lt) - 1]
        lo = max((low for low in lows if low is not None), default=None)
        hi = min((high for high in highs if high is not None), default=None)
        if lo is not None and hi is not None and lo > hi:
            raise PythonTypeError(where, f"no integer is at least {lo} and at most {hi}")
        step = self.multiple_of if bounds.multiple_of is None else bounds.multiple_of
        return IntCodec(lo, hi, step)


@dataclass(frozen=True, slots=True)
class FloatCodec(Codec):
    """A finite number within bounds; integers are numbers too and load as floats."""

    bounds: Bounds = field(default_factory=Bounds)

    def type(self) -> t.Type:
        return _schema(self._data) if self.bounds.names else t.Number()

    def schema(self, definitions: Definitions) -> Data:
        return self._data

    @property
    def _data(self) -> Data:
        limits = {_NUMERIC[name]: getattr(self.bounds, name) for name in self.bounds.names}
        return {"type": "number"} | limits

    def load(self, value: Any, path: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise expected(path, "a number", value)
        try:
            number = float(value)
        except OverflowError:
            raise ConversionError(path, "is too large for a float") from None
        if not math.isfinite(number):
            raise expected(path, "a finite number", value)
        _check_number(self._data, number, path)
        return number

    def dump(self, value: Any, path: str) -> Any:
        return self.load(value, path)

    def bounded(self, bounds: Bounds, where: str) -> Codec:
        _check_numeric(bounds, where)
        new = {name: getattr(bounds, name) for name in bounds.names}
        old = {name: getattr(self.bounds, name) for name in self.bounds.names}
        return FloatCodec(Bounds(**(old | new)))


class BoolCodec(Codec):
    """``true`` or ``false``."""

    def type(self) -> t.Type:
        return t.Bool()

    def schema(self, definitions: Definitions) -> Data:
        return {"type": "boolean"}

    def load(self, value: Any, path: str) -> Any:
        if not isinstance(value, bool):
            raise expected(path, "true or false", value)
        return value

    def dump(self, value: Any, path: str) -> Any:
        return self.load(value, path)


class NoneCodec(Codec):
    """None alone, which a model writes as ``null``; unions with it are optional."""

    def type(self) -> t.Type:
        return _schema({"type": "null"})

    def schema(self, definitions: Definitions) -> Data:
        return {"type": "null"}

    def load(self, value: Any, path: str) -> Any:
        if value is not None:
            raise expected(path, "none", value)
        return None

    def dump(self, value: Any, path: str) -> Any:
        return self.load(value, path)


class AnyCodec(Codec):
    """Any value that JSON has."""

    def type(self) -> t.Type:
        return t.Json()

    def schema(self, definitions: Definitions) -> Data:
        return {}

    def load(self, value: Any, path: str) -> Any:
        return value

    def dump(self, value: Any, path: str) -> Any:
        from sglc.constraints.python.plain import plain_value

        made = plain_value(value)
        try:
            json.dumps(made, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ConversionError(path, f"is not JSON: {error}") from None
        return made


@dataclass(frozen=True, slots=True)
class TypeCodec(Codec):
    """A constraint itself, for values that Python keeps as they are."""

    given: t.Type
    where: str
    python: Codec | None = None

    def type(self) -> t.Type:
        return self.given

    def schema(self, definitions: Definitions) -> Data:
        from sglc.constraints.python.type_schemas import schema_of

        try:
            return schema_of(self.given)
        except ValueError as error:
            raise PythonTypeError(self.where, str(error)) from None

    def load(self, value: Any, path: str) -> Any:
        return value if self.python is None else self.python.load(value, path)

    def dump(self, value: Any, path: str) -> Any:
        return value if self.python is None else self.python.dump(value, path)


def lengths(bounds: Bounds, old: tuple[int, int | None], where: str) -> tuple[int, int | None]:
    """Return the least and the most length that bounds leave.

    Raises:
        PythonTypeError: no length is left.
    """
    low = max(old[0], bounds.min_length or 0)
    highs = [high for high in (old[1], bounds.max_length) if high is not None]
    high = min(highs, default=None)
    if high is not None and low > high:
        raise PythonTypeError(where, f"no length is at least {low} and at most {high}")
    return low, high


_NUMERIC = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}


def _schema(data: Data) -> t.Schema:
    return t.Schema(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def _numbers(codec: IntCodec) -> Data:
    data: Data = {"type": "integer"}
    data |= {} if codec.lo is None else {"minimum": codec.lo}
    data |= {} if codec.hi is None else {"maximum": codec.hi}
    return data | ({} if codec.multiple_of is None else {"multipleOf": codec.multiple_of})


def _check_numeric(bounds: Bounds, where: str) -> None:
    odd = [name for name in bounds.names if name not in _NUMERIC]
    if odd:
        raise PythonTypeError(where, f"{', '.join(odd)} does not bound a number")
    for name in bounds.names:
        value = getattr(bounds, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise PythonTypeError(where, f"{name} must be a number, not {shown(value)}")
    if bounds.multiple_of is not None and bounds.multiple_of <= 0:
        raise PythonTypeError(where, "multiple_of must be above 0")


def _check_number(schema: Data, value: int | float, path: str) -> None:
    step = schema.get("multipleOf")
    holds = {
        "minimum": operator.ge,
        "exclusiveMinimum": operator.gt,
        "maximum": operator.le,
        "exclusiveMaximum": operator.lt,
    }
    broken = [name for name in holds if name in schema and not holds[name](value, schema[name])]
    if broken:
        limits = ", ".join(f"{name} {schema[name]}" for name in broken)
        raise ConversionError(path, f"{shown(value)} is out of range ({limits})")
    if step is not None and not _divides(step, value):
        raise ConversionError(path, f"{shown(value)} is not a multiple of {step}")


def _divides(step: int | float, value: int | float) -> bool:
    from fractions import Fraction

    return (Fraction(repr(value)) % Fraction(repr(step))) == 0
