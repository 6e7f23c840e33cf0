"""The types of the language: static type of a value, generator constraint and parser in one.

Frozen data with the methods of ``Members``: what a model may write for a type, and how types are
combined. Nothing here builds a machine before it is asked for. ``str(t)`` is the language's own
notation where it has one.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final

from sglc.constraints.members import Members
from sglc.constraints.quoting import quote_regex, quote_text, quote_value

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(
    ("true", "false", "none", "and", "or", "not", "in", "if", "else", "for", "try", "include")
)


class Missing(enum.Enum):
    """The default of a field that has none."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Type(Members):
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


@dataclass(frozen=True, slots=True)
class Concat(Type):
    """A text of each part, in order; its value is the text."""

    kind: ClassVar[str] = "concat"
    parts: tuple[Type, ...]

    def __str__(self) -> str:
        return " + ".join(map(_operand, self.parts))


def only_part(t: Type) -> Type:
    """Return the part of a ``Concat`` of one, which has its texts and another value; else ``t``."""
    return t.parts[0] if isinstance(t, Concat) and len(t.parts) == 1 else t


@dataclass(frozen=True, slots=True)
class Both(Type):
    """A text that all parts have; its value is that of the first part."""

    kind: ClassVar[str] = "both"
    parts: tuple[Type, ...]

    def __str__(self) -> str:
        return " & ".join(map(_operand, self.parts))


@dataclass(frozen=True, slots=True)
class Without(Type):
    """An ``inner`` that contains none of ``texts``, such as stop strings."""

    kind: ClassVar[str] = "without"
    inner: Type
    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{_operand(self.inner)}.without({', '.join(map(quote_text, self.texts))})"


@dataclass(frozen=True, slots=True)
class Sized(Type):
    """An ``inner`` of a given length, in characters of its text and in tokens of the model.

    The bound in tokens limits what a model writes for it, as ``max_tokens`` of a ``gen`` does;
    which texts are members does not depend on it.
    """

    kind: ClassVar[str] = "sized"
    inner: Type
    min_chars: int = 0
    max_chars: int | None = None
    max_tokens: int | None = None

    def __str__(self) -> str:
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "inner"}
        parts = [f"{name}={value}" for name, value in given.items() if value]
        return f"{_operand(self.inner)}.sized({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class Schema(Type):
    """JSON that is valid against a JSON Schema, which is given as JSON text.

    ``order``, ``layout`` and ``formats``: see ``schema.options.SchemaOptions``. ``resources``: a
    JSON object of other documents, by URI, that references may lead to; nothing is fetched.
    """

    kind: ClassVar[str] = "schema"
    text: str
    order: str = "schema"
    layout: str | int = "spaced"
    formats: str = "enforce"
    resources: str = ""

    def __str__(self) -> str:
        return f"schema({_clip(self.text)})"


@dataclass(frozen=True, slots=True)
class Grammar(Type):
    """Text of a rule of a context-free grammar in lark's notation; its value is the text."""

    kind: ClassVar[str] = "grammar"
    text: str
    start: str = "start"

    def __str__(self) -> str:
        return f"grammar({_clip(quote_text(self.text))})"


@dataclass(frozen=True, slots=True)
class Stopped(Type):
    """An ``inner`` that one of ``stops`` may end; its value is what stands before that.

    What a decode with stop texts is held to (``language.until``); not a type of programs.
    """

    kind: ClassVar[str] = "stopped"
    inner: Type
    stops: tuple[str, ...]

    def __str__(self) -> str:
        return f"{_operand(self.inner)} up to {' or '.join(map(quote_text, self.stops))}"


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


def is_constraint(t: Type) -> bool:
    """Whether ``language(t)`` is defined. ``one_of`` is not: its choices are not known yet."""
    match t:
        case Union(options):
            return all(map(is_constraint, options))
        case Concat(parts) | Both(parts):
            return all(map(is_constraint, parts))
        case Record():
            return all(is_constraint(f.type) for f in t.fields)
        case List(item=inner) | Optional(inner=inner) | Without(inner=inner) | Sized(inner=inner):
            return is_constraint(inner)
        case Stopped(inner=inner):
            return is_constraint(inner)
    return isinstance(t, SCALARS)


def _call(name: str, parts: list[str]) -> str:
    return f"{name}({', '.join(parts)})" if parts else name


def _operand(t: Type) -> str:
    return f"({t})" if isinstance(t, Union | Concat | Both) else str(t)


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


SCALARS: Final[tuple[type[Type], ...]] = (
    Str, Line, Word, Int, Number, Bool, Literal, Regex, Json, Schema, Grammar,
)  # fmt: skip
