"""The types of the language: static type of a value, generator constraint and parser in one.

Plain frozen data: nothing here builds an automaton. ``str(t)`` is the language's own notation;
``to_data``/``from_data`` is the round trip through JSON that plans use.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(
    ("true", "false", "none", "and", "or", "not", "in", "if", "else", "for", "try", "include")
)
_TEXT_ESCAPES = {c: "\\" + c for c in '"\\{}'}
_TEXT_ESCAPES |= {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


class Missing(enum.Enum):
    """The default of a field that has none."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the language. Equal types have equal notation and equal data."""

    kind: ClassVar[str]

    def __str__(self) -> str:
        return self.kind


@dataclass(frozen=True, slots=True)
class Str(Type):
    """Text of ``min`` to ``max`` characters; ``chars`` is a regex that matches ONE character."""

    kind: ClassVar[str] = "str"
    min: int = 0
    max: int | None = None
    chars: str | None = None

    def __str__(self) -> str:
        parts = [f"min={self.min}"] if self.min else []
        if self.max is not None:
            parts.append(f"max={self.max}")
        if self.chars is not None:
            parts.append(f"chars={quote_regex(self.chars)}")
        return _call(self.kind, parts)


class Line(Type):
    """Text up to a newline, one character at least, exactly as written."""

    __slots__ = ()
    kind: ClassVar[str] = "line"


class Word(Type):
    """Text up to white space, one character at least."""

    __slots__ = ()
    kind: ClassVar[str] = "word"


@dataclass(frozen=True, slots=True)
class Int(Type):
    """A decimal integer from ``lo`` to ``hi``, both included, without leading zeros."""

    kind: ClassVar[str] = "int"
    lo: int | None = None
    hi: int | None = None

    def __str__(self) -> str:
        if self.lo is not None and self.hi is not None:
            return f"int({self.lo}..{self.hi})"
        parts = [f"min={self.lo}"] if self.lo is not None else []
        if self.hi is not None:
            parts.append(f"max={self.hi}")
        return _call(self.kind, parts)


@dataclass(frozen=True, slots=True)
class Number(Type):
    """A decimal number: at most ``digits`` digits before the point, ``decimals`` after it."""

    kind: ClassVar[str] = "number"
    digits: int | None = None
    decimals: int | None = None

    def __str__(self) -> str:
        parts = [f"digits={self.digits}"] if self.digits is not None else []
        if self.decimals is not None:
            parts.append(f"decimals={self.decimals}")
        return _call(self.kind, parts)


class Bool(Type):
    """``true`` or ``false``."""

    __slots__ = ()
    kind: ClassVar[str] = "bool"


@dataclass(frozen=True, slots=True)
class Literal(Type):
    """Exactly this text."""

    kind: ClassVar[str] = "literal"
    value: str

    def __str__(self) -> str:
        return quote_text(self.value)


@dataclass(frozen=True, slots=True)
class Union(Type):
    """Any of the options; a text is parsed by the first option that has it."""

    kind: ClassVar[str] = "union"
    options: tuple[Type, ...]

    def __str__(self) -> str:
        return " | ".join(_operand(option) for option in self.options)


@dataclass(frozen=True, slots=True)
class Regex(Type):
    """Text that ``re.fullmatch(pattern, text)`` accepts; the pattern must be regular."""

    kind: ClassVar[str] = "regex"
    pattern: str

    def __str__(self) -> str:
        return quote_regex(self.pattern)


@dataclass(frozen=True, slots=True)
class List(Type):
    """A JSON array of ``min`` to ``max`` items."""

    kind: ClassVar[str] = "list"
    item: Type
    min: int = 0
    max: int | None = None

    def __str__(self) -> str:
        parts = [f"min={self.min}"] if self.min else []
        if self.max is not None:
            parts.append(f"max={self.max}")
        return _call(f"list[{self.item}]", parts)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record. ``default`` fills records that a caller writes; a model writes all."""

    name: str
    type: Type
    default: Any = field(default=MISSING, hash=False)  # may be a list, and types are dict keys

    def __str__(self) -> str:
        plain = _NAME.fullmatch(self.name) and self.name not in _RESERVED
        text = f"{self.name if plain else quote_text(self.name)}: {self.type}"
        return text if self.default is MISSING else f"{text} = {quote_value(self.default)}"


@dataclass(frozen=True, slots=True)
class Record(Type):
    """A JSON object with exactly these fields, in this order."""

    kind: ClassVar[str] = "record"
    fields: tuple[Field, ...]

    def __str__(self) -> str:
        return "{" + ", ".join(map(str, self.fields)) + "}"


@dataclass(frozen=True, slots=True)
class Optional(Type):
    """An ``inner`` or nothing: ``none`` as bare text, ``null`` inside JSON."""

    kind: ClassVar[str] = "optional"
    inner: Type

    def __str__(self) -> str:
        return _operand(self.inner) + "?"


class OneOf(Type):
    """One of several texts that are known only when the program runs."""

    __slots__ = ()
    kind: ClassVar[str] = "one_of"


@dataclass(frozen=True, slots=True)
class Json(Type):
    """Any JSON value whose arrays and objects nest at most ``depth`` deep."""

    kind: ClassVar[str] = "json"
    depth: int = 4

    def __str__(self) -> str:
        return _call(self.kind, [] if self.depth == 4 else [f"depth={self.depth}"])


class Image(Type):
    """A picture in a prompt; never generated."""

    __slots__ = ()
    kind: ClassVar[str] = "image"


class Video(Type):
    """A video in a prompt; never generated."""

    __slots__ = ()
    kind: ClassVar[str] = "video"


class NoneType(Type):
    """The type of ``none``."""

    __slots__ = ()
    kind: ClassVar[str] = "none"


class AnyType(Type):
    """A value of the host, or one of unknown type."""

    __slots__ = ()
    kind: ClassVar[str] = "any"


_SCALARS: tuple[type[Type], ...] = (Str, Line, Word, Int, Number, Bool, Literal, Regex, Json)
_OTHERS: tuple[type[Type], ...] = (Union, List, Record, Optional)
_OTHERS += (OneOf, Image, Video, NoneType, AnyType)
_CLASSES = {c.kind: c for c in _SCALARS + _OTHERS}


def is_constraint(t: Type) -> bool:
    """Whether ``language(t)`` is defined. ``one_of`` is not: its choices are not known yet."""
    match t:
        case Union(options):
            return all(map(is_constraint, options))
        case Record():
            return all(is_constraint(f.type) for f in t.fields)
        case List(item=inner) | Optional(inner=inner):
            return is_constraint(inner)
    return isinstance(t, _SCALARS)


def to_data(t: Type) -> dict[str, Any]:
    """``t`` as JSON-able data. Defaults of record fields are kept as they are."""
    data: dict[str, Any] = {"type": t.kind}
    for f in fields(t):
        data[f.name] = _PACK.get(f.name, _same)(getattr(t, f.name))
    return data


def from_data(data: Mapping[str, Any]) -> Type:
    """The type that ``to_data`` made ``data`` from.

    Raises:
        ValueError: ``data`` is not the data of a type.
    """
    cls = _CLASSES.get(data.get("type", ""))
    if cls is None:
        raise ValueError(f"not a type: {data!r} (known: {', '.join(_CLASSES)})")
    values = {k: _UNPACK.get(k, _same)(v) for k, v in data.items() if k != "type"}
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"not a type: {data!r}: {error}") from None


def quote_text(text: str) -> str:
    """``text`` as a string of the language, quotes included."""
    parts = (
        _TEXT_ESCAPES.get(c, c if c.isprintable() or ord(c) > 0xFFFF else f"\\u{ord(c):04x}")
        for c in text
    )
    return '"' + "".join(parts) + '"'


def quote_regex(pattern: str) -> str:
    """``pattern`` as a regex of the language: between slashes, on one line."""
    body = re.sub(r"\\.|[/\n]", _quote_regex_char, pattern, flags=re.DOTALL)
    if body.startswith(" "):
        body = "\\" + body
    return f"/{body or '(?:)'}/"


def quote_value(value: Any) -> str:
    """A constant as the language writes it: ``none``, ``true``, ``"text"``, ``[1, {a: 2}]``."""
    match value:
        case None | bool():
            return str(value).lower()
        case str():
            return quote_text(value)
        case list() | tuple():
            return "[" + ", ".join(map(quote_value, value)) + "]"
        case Mapping():
            pairs = (f"{quote_text(str(k))}: {quote_value(v)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
    return str(value)


def _quote_regex_char(found: re.Match[str]) -> str:
    return {"/": r"\/", "\n": r"\n", "\\\n": r"\n"}.get(found[0], found[0])


def _call(name: str, parts: list[str]) -> str:
    return f"{name}({', '.join(parts)})" if parts else name


def _operand(t: Type) -> str:
    return f"({t})" if isinstance(t, Union) else str(t)


def _same(value: Any) -> Any:
    return value


def _pack_fields(record: tuple[Field, ...]) -> list[dict[str, Any]]:
    return [
        {"name": f.name, "type": to_data(f.type)}
        | ({} if f.default is MISSING else {"default": f.default})
        for f in record
    ]


def _unpack_fields(data: list[dict[str, Any]]) -> tuple[Field, ...]:
    return tuple(Field(d["name"], from_data(d["type"]), d.get("default", MISSING)) for d in data)


_PACK: dict[str, Callable[[Any], Any]] = {
    "options": lambda options: [to_data(option) for option in options],
    "item": to_data,
    "inner": to_data,
    "fields": _pack_fields,
}
_UNPACK: dict[str, Callable[[Any], Any]] = {
    "options": lambda options: tuple(from_data(option) for option in options),
    "item": from_data,
    "inner": from_data,
    "fields": _unpack_fields,
}
