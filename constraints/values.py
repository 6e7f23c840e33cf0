"""Between texts of a type's language and the values they stand for.

Laws: for every member ``w`` of L(t), ``parse(t, w)`` succeeds and ``render(t, parse(t, w))`` is a
member. Numbers too large for a float become the largest one. Python reads no integers of more
than ``sys.get_int_max_str_digits()`` digits; neither does this.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from sglc.constraints.build import is_unconstrained, language
from sglc.constraints.checks import fault, has_checks
from sglc.constraints.machine import Machine
from sglc.constraints.schemas import text_of
from sglc.constraints.types import (
    MISSING,
    Bool,
    Both,
    Concat,
    Int,
    Json,
    List,
    Literal,
    Number,
    Optional,
    Record,
    Schema,
    Sized,
    Stopped,
    Type,
    Union,
    Without,
)

Find = Callable[[Type], Machine]


def parse(t: Type, text: str, find: Find = language) -> Any:
    """The value ``text`` stands for: str, int, float, bool, None, list or dict.

    ``find`` gives the machines of ``asked_of(t)``, for callers that have them ready.

    Raises:
        ValueError: ``text`` is not in L(t); says where it goes wrong.
    """
    if isinstance(t, Stopped):
        return parse(t.inner, text, find)
    if not _is_spelled(t, text, find):
        raise ValueError(_reason(find(t), t, text))
    try:
        return _parse(t, text, find)
    except _Fault as error:
        raise ValueError(f"not a {t}: {error}") from None


def asked_of(t: Type) -> list[Type]:
    """The types whose machines ``parse`` may ask for: ``t``, and the options it chooses from."""
    found: dict[Type, None] = {t: None}
    todo = [t]
    for each in todo:  # grows while it is read
        inner: tuple[Type, ...] = ()
        match each:
            case Union(options):
                inner = options
            case Optional(one) | Without(one) | Sized(one) | Stopped(one):
                inner = (one,)
            case Both(parts):
                inner = parts
        new = [i for i in inner if i not in found and not isinstance(i, Literal)]
        found |= dict.fromkeys(new)
        todo += new
    return list(found)


def is_member(t: Type, text: str | bytes) -> bool:
    """Whether ``text`` is in L(t), what is checked after generation included."""
    try:
        text = text.decode() if isinstance(text, bytes) else text
        if not _is_spelled(t, text):
            return False
        if has_checks(t):
            _parse(t, text, language)
    except (UnicodeDecodeError, _Fault):
        return False
    return True


def render(t: Type, value: Any) -> str:
    """The text a ``value`` of type ``t`` is written as: one member of L(t) for each value.

    Fields a record lacks are filled from their defaults. Floats are rounded to the decimals of
    their type.

    Raises:
        ValueError: ``value`` is not a ``t``.
    """
    for text in _renderings(t, value, False):
        if _is_spelled(t, text):
            return text
    raise ValueError(f"{_clip(repr(value))} is not a {t}")


def renderings_in_json(t: Type, value: Any) -> list[str]:
    """The texts in L(t) that stand for ``value`` inside of JSON; none if it is not a ``t``."""
    try:
        return _fitting(t, value, True)
    except ValueError:
        return []


def _is_spelled(t: Type, text: str, find: Find = language) -> bool:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return False
    if isinstance(t, Literal):
        return text == t.value
    return is_unconstrained(t) or find(t).accepts(data)


class _Fault(ValueError):
    """A text that the machine accepts breaks what is checked after generation."""


def _parse(t: Type, text: str, find: Find) -> Any:
    """The value of a text that the machine of ``t`` accepts.

    Raises:
        _Fault: it is not a member after all.
    """
    match t:
        case Optional(inner):
            return None if text == "none" else _parse(inner, text, find)
        case Union(options):
            return _parse_option(options, text, find)
        case Both(parts):
            value, *_ = [_parse(part, text, find) for part in parts]
            return value
        case Without(inner) | Sized(inner):
            return _parse(inner, text, find)
        case Int() | Number() | Bool() | List() | Record() | Json() | Schema():
            return _parse_json(t, text)
        case Concat() if has_checks(t):
            found = fault(t, text)
            if found is not None:
                raise _Fault(found)
    return text


def _parse_option(options: Iterable[Type], text: str, find: Find) -> Any:
    """The value by the first option that has the text."""
    first: _Fault | None = None
    for option in options:
        if _is_spelled(option, text, find):
            try:
                return _parse(option, text, find)
            except _Fault as error:
                first = first or error
    assert first is not None
    raise first


def _parse_json(t: Type, text: str) -> Any:
    try:
        value = json.loads(text, parse_float=finite_float)
    except RecursionError:
        raise _Fault("it is nested too deeply to be read") from None
    found = fault(t, value) if has_checks(t) else None
    if found is not None:
        raise _Fault(found)
    return value


def finite_float(text: str) -> float:
    """Read a JSON number with a fraction or an exponent; one that is too large is the largest."""
    value = float(text)
    return math.copysign(sys.float_info.max, value) if math.isinf(value) else value


def _renderings(t: Type, value: Any, in_json: bool) -> list[str]:
    """Texts that stand for ``value`` if it is a ``t`` at all, the best first."""
    match t:
        case Optional(inner):
            if value is None:
                return ["null" if in_json else "none"]
            return _renderings(inner, value, in_json)
        case Union(options):
            return [text for option in options for text in _of_option(option, value, in_json)]
        case Bool() if isinstance(value, bool):
            return ["true" if value else "false"]
        case Int() if isinstance(value, int) and not isinstance(value, bool):
            return [str(value)]
        case Number(digits, decimals) if _is_number(value):
            return _numerals(value, digits, decimals)
        case List(item) if isinstance(value, list | tuple):
            texts = [_first(item, v) for v in value]
            return ["[" + ", ".join(texts) + "]"]
        case Record() if isinstance(value, Mapping):
            return _record(t, value)
        case Json():
            return [_dump(value)]
        case Schema():
            return [text_of(t, value)]
        case Without(inner) | Sized(inner) | Both((inner, *_)):
            return _renderings(inner, value, in_json)
        case Bool() | Int() | Number() | List() | Record():
            return []
    if not isinstance(value, str):
        return []
    return [json.dumps(value, ensure_ascii=False) if in_json else value]


def _of_option(t: Type, value: Any, in_json: bool) -> list[str]:
    """The renderings by an option of a union; none if the value is of another one."""
    try:
        return _fitting(t, value, in_json)
    except ValueError:
        return []


def _fitting(t: Type, value: Any, in_json: bool) -> list[str]:
    """The renderings that are members; in JSON, of a list of just that item."""
    texts = _renderings(t, value, in_json)
    if not in_json:
        return [text for text in texts if _is_spelled(t, text)]
    return [text for text in texts if _is_spelled(List(t, 1, 1), f"[{text}]")]


def _first(t: Type, value: Any) -> str:
    texts = _renderings(t, value, True)
    if len(texts) > 1:
        texts = _fitting(t, value, True)
    if not texts:
        raise ValueError(f"{_clip(repr(value))} is not a {t}")
    return texts[0]


def _record(t: Record, value: Mapping[str, Any]) -> list[str]:
    unknown = [name for name in value if name not in {field.name for field in t.fields}]
    if unknown:
        raise ValueError(f"{t} has no field {unknown[0]!r}")
    parts = []
    for field in t.fields:
        inner = value.get(field.name, field.default)
        if inner is MISSING:
            raise ValueError(f"field {field.name!r} of {t} is missing")
        name = json.dumps(field.name, ensure_ascii=False)
        parts.append(f"{name}: {_first(field.type, inner)}")
    return ["{" + ", ".join(parts) + "}"]


def _dump(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{_clip(repr(value))} is not JSON: {error}") from None


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _numerals(value: int | float | Decimal, digits: int | None, decimals: int | None) -> list[str]:
    """``value`` without exponent, rounded; for floats at the limit, the largest member too."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    text = format(exact, "f")
    if decimals is not None and len(text.partition(".")[2]) > decimals:
        text = _rounded(text, max(decimals, 0))
    texts = [text]
    if isinstance(value, float) and digits is not None:
        point = f".{'9' * decimals}" if decimals else ""
        limit = ("-" if value < 0 else "") + ("9" * digits or "0") + point
        if abs(finite_float(limit)) >= abs(value):
            texts.append(limit)
    return texts


def _rounded(text: str, decimals: int) -> str:
    """A decimal numeral with fewer decimals, half away from zero."""
    sign = "-" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("-").partition(".")
    scaled = str(int(whole + fraction[:decimals]) + (fraction[decimals] >= "5"))
    scaled = scaled.rjust(decimals + 1, "0")
    if not decimals:
        return sign + scaled
    return f"{sign}{scaled[:-decimals]}.{scaled[-decimals:]}"


def _reason(machine: Machine, t: Type, text: str) -> str:
    state = machine.start
    for at, char in enumerate(text):
        before, state = state, machine.run(state, char.encode("utf-8", "surrogatepass"))
        if not state:
            # the mistake of JSON that another program has made short
            blank = ", a blank can" if machine.run(before, b" ") else ""
            return f"not a {t}: {_clip(repr(text[at:]))} at position {at} cannot follow{blank}"
    return f"not a {t}: {_clip(repr(text))} ends too early"


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
