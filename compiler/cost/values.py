"""Abstract values: what is known of a value before a program runs.

A value is ``Known``, or it is told by its shape: a text by the bytes it may have, a list by the
number of its items. ``text_span`` says how many bytes a value has as text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.cost.interval import ANY, Interval
from sglc.compiler.ir.values import ValueType
from sglc.compiler.plan.data import DataError, format_value
from sglc.constraints import types as t

if TYPE_CHECKING:
    from sglc.compiler.cost.versions import Version

_MAX_OPTIONS: Final = 16
_ESCAPED: Final = 6  # bytes that a byte of a text may take inside of JSON: \u0001
_MAX_CHAR: Final = 4  # bytes of a character


@dataclass(frozen=True, slots=True)
class Known:
    """This very value, made of JSON's types."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A text of so many bytes; equal only to itself: the same object is the same text.

    ``max_tokens``: that it is cut into, if more is known than the number of bytes.
    """

    span: Interval = ANY
    max_tokens: float = math.inf


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few scalars."""

    options: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number from ``lo`` to ``hi``; ``is_int``: an integer."""

    lo: float = -math.inf
    hi: float = math.inf
    is_int: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """A list of these items; ``is_group``: of branches."""

    items: tuple[Abstract, ...]
    is_group: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """A list of so many items, each of which is like ``item``."""

    size: Interval
    item: Abstract
    is_group: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A record of these fields."""

    fields: Mapping[str, Abstract]


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A branch: captures, and the versions of the stream it lies between."""

    fields: Mapping[str, Abstract]
    start: Version
    end: Version


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A version of a stream."""

    version: Version


@dataclass(frozen=True, slots=True, eq=False)
class Top:
    """Any value at all; as a text it is always the same one."""

    text: Text = field(default_factory=Text)


Abstract = Known | Text | OneOf | Number | Items | Many | Record | Branch | Stream | Top
BOOLS: Final = OneOf((False, True))
NONE: Final = Known(None)


def text_span(value: Abstract, *, nested: bool = False) -> Interval:
    """How many bytes the value has as text; ``nested``: inside of a list or a record."""
    match value:
        case Known(known):
            return Interval.exactly(_size(known, nested))
        case OneOf(options):
            sizes = [_size(option, nested) for option in options]
            return Interval(min(sizes), max(sizes))
        case Text(span):
            return Interval(span.lo + 2, _ESCAPED * span.hi + 2) if nested else span
        case Number():
            return _number_span(value)
        case Items(items):
            return _joined([text_span(item, nested=True) for item in items])
        case Many(size, item):
            inner = text_span(item, nested=True)
            commas = Interval(2 * max(size.lo - 1, 0), 2 * max(size.hi - 1, 0))
            return inner.times(size).plus(commas).plus(Interval(2, 2))
        case Record(fields):
            keys = [Interval.exactly(_size(key, True) + 2) for key in fields]
            spans = [text_span(item, nested=True) for item in fields.values()]
            return _joined([k.plus(s) for k, s in zip(keys, spans, strict=True)])
        case Branch(start=start, end=end):
            return text_span(end.since(start), nested=nested)
    return ANY


def most_tokens(value: Abstract) -> float:
    """The most tokens that a value is cut into as text; infinite if only its bytes say that."""
    match value:
        case Text(max_tokens=most):
            return most
        case Top(text):
            return text.max_tokens
        case Known() | OneOf():
            return text_span(value).hi
        case Branch(start=start, end=end):
            return most_tokens(end.since(start))
    return math.inf


def _joined(spans: Sequence[Interval]) -> Interval:
    total = Interval.exactly(2 + 2 * max(len(spans) - 1, 0))
    for span in spans:
        total = total.plus(span)
    return total


def _size(value: Any, nested: bool) -> int:
    text = format_value([value])[1:-1] if nested else format_value(value)
    return len(text.encode("utf-8", "surrogatepass"))


def _number_span(value: Number) -> Interval:
    if not value.is_int:
        return Interval(1, 32 if math.isfinite(value.hi) and math.isfinite(value.lo) else math.inf)
    ends = [len(str(int(end))) for end in (value.lo, value.hi) if math.isfinite(end)]
    return Interval(1, max(ends) if len(ends) == 2 else math.inf)


def join(a: Abstract, b: Abstract) -> Abstract:
    """What is known of a value that is ``a`` or ``b``."""
    from sglc.compiler.cost.versions import join_versions

    if a is b or (isinstance(a, Known) and isinstance(b, Known) and _same(a.value, b.value)):
        return a
    match a, b:
        case Stream(one), Stream(other):
            return Stream(join_versions(one, other))
        case Branch(), Branch():
            fields = {k: join(v, b.fields[k]) for k, v in a.fields.items() if k in b.fields}
            return Branch(fields, join_versions(a.start, b.start), join_versions(a.end, b.end))
        case Record(fields), Record(others) if fields.keys() == others.keys():
            return Record({name: join(item, others[name]) for name, item in fields.items()})
    if is_listed(a) and is_listed(b):
        return _join_lists(a, b)
    options = (*_options(a), *_options(b))
    if _options(a) and _options(b):
        distinct: list[Any] = []
        for option in options:
            if not any(_same(option, other) for other in distinct):
                distinct.append(option)
        if len(distinct) <= _MAX_OPTIONS:
            return OneOf(tuple(distinct))
    if isinstance(a, Number) and isinstance(b, Number):
        return Number(min(a.lo, b.lo), max(a.hi, b.hi), a.is_int and b.is_int)
    text = Text(text_span(a).hull(text_span(b)), max(most_tokens(a), most_tokens(b)))
    if _is_text(a) and _is_text(b):
        return text
    scalar = Known | OneOf | Text | Number
    if isinstance(a, scalar) and isinstance(b, scalar):
        return Top(text)
    return Top()


def join_all(values: Sequence[Abstract]) -> Abstract:
    """What is known of a value that is one of ``values``, of which there is one at least."""
    found = values[0]
    for value in values[1:]:
        found = join(found, value)
    return found


def _join_lists(a: Abstract, b: Abstract) -> Abstract:
    items_a, items_b = items_of(a), items_of(b)
    group = getattr(a, "is_group", False)
    if items_a is not None and items_b is not None and len(items_a) == len(items_b):
        return Items(tuple(map(join, items_a, items_b)), group)
    size = size_of(a).hull(size_of(b))
    inner = [*_each(a), *_each(b)]
    return Many(size, join_all(inner) if inner else Top(), group)


def _each(value: Abstract) -> Sequence[Abstract]:
    items = items_of(value)
    if items is not None:
        return items
    return [value.item] if isinstance(value, Many) else []


def is_listed(value: Abstract) -> bool:
    """Whether it is surely a list or a group."""
    is_list = isinstance(value, Known) and isinstance(value.value, list | tuple)
    return is_list or isinstance(value, Items | Many)


def items_of(value: Abstract) -> Sequence[Abstract] | None:
    """The items of a list whose number is known; None of anything else."""
    if isinstance(value, Items):
        return value.items
    if isinstance(value, Known) and isinstance(value.value, list | tuple):
        return [Known(item) for item in value.value]
    return None


def size_of(value: Abstract) -> Interval:
    """How many items a list has."""
    items = items_of(value)
    if items is not None:
        return Interval.exactly(len(items))
    return value.size if isinstance(value, Many) else ANY


def item_of(value: Abstract) -> Abstract:
    """What any item of a list is like."""
    each = _each(value)
    return join_all(list(each)) if each else Top()


def _options(value: Abstract) -> tuple[Any, ...]:
    if isinstance(value, OneOf):
        return value.options
    is_scalar = isinstance(value, Known) and isinstance(value.value, str | int | float | None)
    return (value.value,) if is_scalar and isinstance(value, Known) else ()


def _is_text(value: Abstract) -> bool:
    if isinstance(value, Text):
        return True
    options = _options(value)
    return bool(options) and all(isinstance(option, str) for option in options)


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def as_text(value: Abstract) -> Abstract:
    """The value as text."""
    match value:
        case Known(known):
            try:
                return Known(format_value(known))
            except DataError:
                return Text()
        case OneOf(options):
            return OneOf(tuple(dict.fromkeys(map(format_value, options))))
        case Text():
            return value
        case Top(text):
            return text
        case Branch(start=start, end=end):
            return end.since(start)
    return Text(text_span(value))


def pure(value: Abstract) -> Any:
    """The value itself, if all of it is known.

    Raises:
        LookupError: it is not.
    """
    match value:
        case Known(known):
            return known
        case Items(items, is_group=False):
            return [pure(item) for item in items]
        case Record(fields):
            return {name: pure(item) for name, item in fields.items()}
    raise LookupError


def of_type(type_: t.Type) -> Abstract:
    """What is known of any value of a type."""
    match type_:
        case t.Literal(value):
            return Known(value)
        case t.Bool():
            return BOOLS
        case t.NoneType():
            return NONE
        case t.Int(lo=lo, hi=hi):
            return Number(-math.inf if lo is None else lo, math.inf if hi is None else hi)
        case t.Number():
            return Number(is_int=False)
        case t.Union(options=options):
            return join_all([of_type(option) for option in options])
        case t.Optional(inner=inner):
            return join(NONE, of_type(inner))
        case t.Record(fields=fields):
            return Record({field.name: of_type(field.type) for field in fields})
        case t.List(item=item, min=least, max=most):
            return Many(Interval(least, math.inf if most is None else most), of_type(item))
        case t.Str(min=least, max=most, chars=None):
            return Text(Interval(least, math.inf if most is None else _MAX_CHAR * most))
        case t.Line() | t.Word():
            return Text(Interval(1, math.inf))
        case t.Sized(inner=inner) if not isinstance(inner, t.Str):
            return of_type(inner)
        case t.Str() | t.Regex() | t.Grammar() | t.Concat() | t.Without() | t.Sized():
            return Text(byte_span(type_))
    return Top()


@lru_cache(maxsize=256)
def byte_span(type_: t.Type) -> Interval:
    """How many bytes the texts of a constraint have."""
    from sglc.constraints.language import bounds

    try:
        found = bounds(type_)
    except ValueError:  # no texts, or a wrong part: that is told when the program is checked
        return ANY
    return Interval(found.min_bytes, math.inf if found.max_bytes is None else found.max_bytes)


def of_value_type(type_: ValueType) -> Abstract:
    """What is known of any value of a static type of the graph."""
    found: Abstract
    match type_.name:
        case "str":
            found = Text()
        case "int":
            found = Number()
        case "number":
            found = Number(is_int=False)
        case "bool":
            found = BOOLS
        case "literals":
            found = join_all([Known(text) for text in type_.literals])
        case "none" | "effect":
            return NONE
        case "list":
            found = Many(ANY, of_value_type(type_.args[0]) if type_.args else Top())
        case "record":
            found = Record({name: of_value_type(inner) for name, inner in type_.fields})
        case _:
            return Top()
    return join(NONE, found) if type_.optional else found
