"""Codecs of standard types that are written as a text or a number: dates, UUIDs, Decimals."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
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
from sglc.constraints.python.scalars import FloatCodec
from sglc.constraints.python.spellings import (
    DATE,
    DURATION,
    TIME,
    UUID,
    at_least,
    at_most,
    read_duration,
    write_duration,
)
from sglc.constraints.python.type_schemas import merged, number_schema


@dataclass(frozen=True, slots=True)
class SpelledCodec(Codec):
    """Objects with one spelling that ``read`` takes; ``pattern`` None: any text.

    ``least`` and ``most``: of dates, the first and the last one.
    """

    python: type[Any]
    pattern: str | None
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    least: Any = None
    most: Any = None

    def type(self) -> t.Type:
        if self.pattern is None:
            return t.Str()
        all_of = tuple(map(t.Regex, (self.pattern, *self._limits())))
        return t.Both(all_of) if len(all_of) > 1 else all_of[0]

    def schema(self, definitions: Definitions) -> Data:
        data: Data = {"type": "string"}
        data |= {} if self.pattern is None else {"pattern": f"^(?:{self.pattern})$"}
        limits = [{"pattern": f"^{limit}$"} for limit in self._limits()]
        return data | ({"allOf": limits} if limits else {})

    def load(self, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            raise expected(path, "a text", value)
        try:
            made = self.read(value)
        except ValueError as error:
            raise ConversionError(path, f"{shown(value)}: {error}") from None
        self._check(made, path)
        return made

    def dump(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            value = self.load(value, path)
        if not isinstance(value, self.python):
            raise expected(path, f"a {self.python.__name__}", value)
        self._check(value, path)
        try:
            return self.write(value)
        except ValueError as error:
            raise ConversionError(path, str(error)) from None

    def bounded(self, bounds: Bounds, where: str) -> Codec:
        if self.python is not datetime.date or not {*bounds.names} <= {"ge", "gt", "le", "lt"}:
            return Codec.bounded(self, bounds, where)
        for name in bounds.names:
            limit = getattr(bounds, name)
            if not isinstance(limit, datetime.date) or isinstance(limit, datetime.datetime):
                raise PythonTypeError(where, f"{name} must be a date, not {shown(limit)}")
        day = datetime.timedelta(1)
        after = None if bounds.gt is None else bounds.gt + day
        before = None if bounds.lt is None else bounds.lt - day
        lows = [each for each in (self.least, bounds.ge, after) if each is not None]
        highs = [each for each in (self.most, bounds.le, before) if each is not None]
        made = replace(self, least=max(lows, default=None), most=min(highs, default=None))
        if lows and highs and made.least > made.most:
            raise PythonTypeError(where, f"no date is from {made.least} to {made.most}")
        return made

    def _limits(self) -> list[str]:
        low = [] if self.least is None else [at_least(self.write(self.least))]
        return low if self.most is None else [*low, at_most(self.write(self.most))]

    def _check(self, made: Any, path: str) -> None:
        if self.least is not None and made < self.least:
            raise ConversionError(path, f"{made} is before {self.least}")
        if self.most is not None and made > self.most:
            raise ConversionError(path, f"{made} is after {self.most}")


@dataclass(frozen=True, slots=True)
class DecimalCodec(Codec):
    """A Decimal, which programs hold as a number: only those with the digits of a float.

    ``digits`` before the point and ``decimals`` behind it, where they are bounded.
    """

    number: FloatCodec = field(default_factory=FloatCodec)
    digits: int | None = None
    decimals: int | None = None

    def type(self) -> t.Type:
        if self.digits is None and self.decimals is None:
            return self.number.type()
        spelled = t.Number(self.digits, self.decimals)
        return spelled if not self.number.bounds.names else t.Both((spelled, self.number.type()))

    def schema(self, definitions: Definitions) -> Data:
        limits = number_schema(self.digits, self.decimals)
        return merged([self.number.schema(definitions), limits])

    def load(self, value: Any, path: str) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            self.number.load(value, path)
            return Decimal(value)
        return Decimal(repr(self.number.load(value, path)))

    def dump(self, value: Any, path: str) -> Any:
        if not isinstance(value, Decimal):
            return self.number.load(value, path)
        if not value.is_finite():
            raise expected(path, "a finite number", str(value))
        number = int(value) if value == int(value) else float(value)
        if Decimal(repr(number)) != value:
            raise ConversionError(path, f"{value} has more digits than a float")
        self.number.load(number, path)
        return number

    def bounded(self, bounds: Bounds, where: str) -> Codec:
        places, most = bounds.decimal_places, bounds.max_digits
        rest = replace(bounds, decimal_places=None, max_digits=None)
        digits = self.digits
        if most is not None:
            digits = most - (places or 0)
            if places is None:
                raise PythonTypeError(where, "max_digits needs decimal_places beside it")
        limits = self.number.bounded(rest, where)
        assert isinstance(limits, FloatCodec)
        return DecimalCodec(limits, digits, self.decimals if places is None else places)


def _isoformat(value: Any) -> str:
    return str(value.isoformat())


SPELLED: Final[Mapping[type[Any], SpelledCodec]] = {
    datetime.date: SpelledCodec(datetime.date, DATE, datetime.date.fromisoformat, _isoformat),
    datetime.datetime: SpelledCodec(
        datetime.datetime, f"{DATE}T{TIME}", datetime.datetime.fromisoformat, _isoformat
    ),
    datetime.time: SpelledCodec(datetime.time, TIME, datetime.time.fromisoformat, _isoformat),
    datetime.timedelta: SpelledCodec(datetime.timedelta, DURATION, read_duration, write_duration),
    uuid.UUID: SpelledCodec(uuid.UUID, UUID, uuid.UUID, str),
    Path: SpelledCodec(Path, None, Path, str),
}
