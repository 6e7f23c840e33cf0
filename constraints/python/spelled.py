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


@dataclass(frozen=True, slots=True)
class SpelledCodec(Codec):
    """Objects with one spelling that ``read`` takes; ``pattern`` None: any text."""

    python: type[Any]
    pattern: str | None
    read: Callable[[str], Any]
    write: Callable[[Any], str]

    def type(self) -> t.Type:
        return t.Str() if self.pattern is None else t.Regex(self.pattern)

    def schema(self, definitions: Definitions) -> Data:
        pattern = {} if self.pattern is None else {"pattern": f"^(?:{self.pattern})$"}
        return {"type": "string"} | pattern

    def load(self, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            raise expected(path, "a text", value)
        try:
            return self.read(value)
        except ValueError as error:
            raise ConversionError(path, f"{shown(value)}: {error}") from None

    def dump(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            value = self.load(value, path)
        if not isinstance(value, self.python):
            raise expected(path, f"a {self.python.__name__}", value)
        return self.write(value)


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
        data = dict(self.number.schema(definitions))
        if self.decimals is not None:
            data["multipleOf"] = float(f"1e-{self.decimals}")
        if self.digits is not None:
            limit = 10**self.digits
            data["allOf"] = [{"exclusiveMinimum": -limit, "exclusiveMaximum": limit}]
        return data

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


_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_FOURS = "(?:0[48]|[2468][048]|[13579][26])"  # two digits that 4 divides, but for 00
_DATE = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|(?:[0-9][0-9]{_FOURS}|{_FOURS}00)-02-29)"
)
_HOUR = "(?:[01][0-9]|2[0-3])"
_TIME = rf"{_HOUR}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:Z|[+-]{_HOUR}:[0-5][0-9])?"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def _isoformat(value: Any) -> str:
    return str(value.isoformat())


SPELLED: Final[Mapping[type[Any], Codec]] = {
    datetime.date: SpelledCodec(datetime.date, _DATE, datetime.date.fromisoformat, _isoformat),
    datetime.datetime: SpelledCodec(
        datetime.datetime, f"{_DATE}T{_TIME}", datetime.datetime.fromisoformat, _isoformat
    ),
    datetime.time: SpelledCodec(datetime.time, _TIME, datetime.time.fromisoformat, _isoformat),
    uuid.UUID: SpelledCodec(uuid.UUID, _UUID, uuid.UUID, str),
    Path: SpelledCodec(Path, None, Path, str),
}
