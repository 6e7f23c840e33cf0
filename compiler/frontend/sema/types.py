"""Relations between static types: what may be given where, what two paths have in common.

``ANY`` is the type of host values and of expressions that were already reported: it fits
everywhere, so one mistake gives one diagnostic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sglc.compiler.frontend.static_types import BranchType, GroupType, StreamType
from sglc.compiler.plan.arguments import mismatch
from sglc.constraints import types as t

ANY = t.AnyType()
BOOL = t.Bool()
INT = t.Int()
NONE = t.NoneType()
NUMBER = t.Number()
STR = t.Str()

_TEXT = (t.Str, t.Line, t.Word, t.Literal, t.Regex, t.Grammar, t.Concat, t.OneOf)
_UNKNOWN = (t.AnyType, t.Json, t.Schema)
_MAX_OPTIONS = 64
_MAX_SHOWN = 60


def options_of(type_: t.Type) -> tuple[t.Type, ...]:
    """Return the alternatives of a type, flat; a type without any is its own."""
    match type_:
        case t.Union(options=options):
            return tuple(o for option in options for o in options_of(option))
        case t.Optional(inner=inner):
            return (*options_of(inner), NONE)
    return (type_,)


def is_unknown(type_: t.Type) -> bool:
    return isinstance(type_, _UNKNOWN)


def is_text(type_: t.Type) -> bool:
    """Whether every value of the type is a text."""
    return all(isinstance(option, (*_TEXT, *_UNKNOWN)) for option in options_of(type_))


def is_number(type_: t.Type) -> bool:
    kinds = (t.Int, t.Number, *_UNKNOWN)
    return all(isinstance(option, kinds) for option in options_of(type_))


def is_int(type_: t.Type) -> bool:
    return all(isinstance(option, (t.Int, *_UNKNOWN)) for option in options_of(type_))


def is_optional(type_: t.Type) -> bool:
    return any(isinstance(option, t.NoneType) for option in options_of(type_))


def without_none(type_: t.Type) -> t.Type:
    """Return the type of the values that are not ``none``."""
    match type_:
        case t.Optional(inner=inner):
            return without_none(inner)
        case t.Union(options=options):
            return union(without_none(o) for o in options if not isinstance(o, t.NoneType))
    return type_


def optional(type_: t.Type) -> t.Type:
    return type_ if is_optional(type_) or is_unknown(type_) else t.Optional(type_)


def union(options: Iterable[t.Type]) -> t.Type:
    """Return the type of a value that is of any of ``options``."""
    flat = tuple(dict.fromkeys(o for option in options for o in options_of(option)))
    if len(flat) > 1 and any(is_unknown(o) for o in flat):
        return ANY
    if len(flat) > _MAX_OPTIONS:
        return STR if all(map(is_text, flat)) else ANY
    values = tuple(o for o in flat if not isinstance(o, t.NoneType))
    if not values:
        return NONE if flat else ANY
    whole = values[0] if len(values) == 1 else t.Union(values)
    return whole if len(values) == len(flat) else t.Optional(whole)


def join(a: t.Type, b: t.Type) -> t.Type:
    """Return the type of a value that is an ``a`` on one path and a ``b`` on another."""
    if a == b:
        return a
    if is_unknown(a) or is_unknown(b):
        return ANY
    if is_optional(a) or is_optional(b):
        rest = [without_none(o) for o in (a, b) if not isinstance(o, t.NoneType)]
        return optional(join(rest[0], rest[-1]))
    if all(isinstance(o, t.Literal) for o in (*options_of(a), *options_of(b))):
        return union((a, b))
    if is_text(a) and is_text(b):
        return STR
    match a, b:
        case t.Int(), t.Int():
            return _hull(a, b)
        case (t.Int() | t.Number(), t.Int() | t.Number()):
            return NUMBER
        case t.List(), t.List():
            return t.List(join(a.item, b.item))
        case GroupType(), GroupType():
            return GroupType(_join_branches(a.branch, b.branch))
        case BranchType(), BranchType():
            return _join_branches(a, b)
        case t.Record(), t.Record() if [f.name for f in a.fields] == [f.name for f in b.fields]:
            return t.Record(_join_fields(a.fields, b.fields))
    return union((a, b))


def _hull(a: t.Int, b: t.Int) -> t.Int:
    low = None if a.lo is None or b.lo is None else min(a.lo, b.lo)
    high = None if a.hi is None or b.hi is None else max(a.hi, b.hi)
    return t.Int(low, high)


def _join_branches(a: BranchType, b: BranchType) -> BranchType:
    names = {field.name for field in b.fields}
    mine = tuple(field for field in a.fields if field.name in names)
    theirs = {field.name: field for field in b.fields}
    return BranchType(_join_fields(mine, tuple(theirs[field.name] for field in mine)))


def _join_fields(a: Sequence[t.Field], b: Sequence[t.Field]) -> tuple[t.Field, ...]:
    return tuple(
        t.Field(x.name, join(x.type, y.type), x.default) for x, y in zip(a, b, strict=True)
    )


def join_all(types: Iterable[t.Type]) -> t.Type | None:
    """Return the join of the types, or None when there are none."""
    joined: t.Type | None = None
    for type_ in types:
        joined = type_ if joined is None else join(joined, type_)
    return joined


def widen(type_: t.Type) -> t.Type:
    """Return the type of a variable that is first given a constant of ``type_``."""
    match type_:
        case t.Literal():
            return STR
        case t.Int(lo=lo, hi=hi) if lo is not None and lo == hi:
            return INT
    return type_


def assignable(source: t.Type, target: t.Type) -> bool:
    """Whether a ``source`` may be given where a ``target`` is asked.

    Between texts of two lengths and numbers of two ranges this says yes unless no value fits: the
    bounds of a parameter are checked again when the program runs.
    """
    if source == target or is_unknown(source) or isinstance(target, t.AnyType):
        return True
    if isinstance(source, t.Union | t.Optional):
        return all(assignable(option, target) for option in options_of(source))
    if isinstance(target, t.Union | t.Optional):
        return any(assignable(source, option) for option in options_of(target))
    match source, target:
        case t.Literal(value=value), t.Str() | t.Line() | t.Word() | t.Literal() | t.Regex():
            return mismatch(target, value) is None
        case t.Str(), t.Str():
            return target.max is None or source.min <= target.max
        case _, t.Str():
            return isinstance(source, _TEXT)
        case (t.Word(), t.Line()) | (t.Literal(), t.OneOf()):
            return True
        case _, t.Image() | t.Video():  # named by the path of a file
            return isinstance(source, _TEXT)
        case t.Int(), t.Int():
            return not _apart(source, target)
        case (t.Int() | t.Number(), t.Number()):
            return True
        case t.List(), t.List():
            empty = source.max == 0
            return empty or assignable(source.item, target.item)
        case t.Record(), t.Record():
            return _record_fits(source, target)
        case BranchType(), BranchType():
            return True
        case _, t.Json():
            return not isinstance(source, t.Image | t.Video | StreamType | BranchType | GroupType)
        case GroupType(branch=branch), t.List(item=item):
            return assignable(branch, item)
    return False


def record_for(names: Sequence[str], expected: t.Type | None) -> t.Record | None:
    """Return the record that one written with fields of these ``names`` is meant to be.

    Of several, the first that has the fields, and defaults for all others; else the first.
    """
    records = [each for each in options_of(expected or ANY) if isinstance(each, t.Record)]
    for record in records:
        needed = {field.name for field in record.fields if field.default is t.MISSING}
        if needed <= set(names) <= {field.name for field in record.fields}:
            return record
    return records[0] if records else None


def _record_fits(source: t.Record, target: t.Record) -> bool:
    """Whether the fields are the same, and fit. Where one is written, defaults are filled in."""
    given = {field.name: field.type for field in source.fields}
    wanted = {field.name: field.type for field in target.fields}
    return given.keys() == wanted.keys() and all(assignable(given[n], wanted[n]) for n in wanted)


def disjoint(a: t.Type, b: t.Type) -> bool:
    """Whether no value is of both types, so that they are never equal."""
    return not any(_may_equal(x, y) for x in options_of(a) for y in options_of(b))


def _may_equal(a: t.Type, b: t.Type) -> bool:
    if is_unknown(a) or is_unknown(b) or a == b:
        return True
    match a, b:
        case t.Literal(), t.Literal():
            return a.value == b.value
        case t.Literal(value=value), t.Line() | t.Word() | t.Str() | t.Regex():
            return mismatch(b, value) is None
        case t.Line() | t.Word() | t.Str() | t.Regex(), t.Literal(value=value):
            return mismatch(a, value) is None
        case t.Int(), t.Int():
            return not _apart(a, b)
        case t.List(), t.List():
            return not disjoint(a.item, b.item) or not (a.min and b.min)
    kinds = (_TEXT, (t.Int, t.Number), (t.Record,), (BranchType,), (GroupType, t.List))
    return any(isinstance(a, kind) and isinstance(b, kind) for kind in kinds)


def _apart(a: t.Int, b: t.Int) -> bool:
    below = a.hi is not None and b.lo is not None and a.hi < b.lo
    return below or (b.hi is not None and a.lo is not None and b.hi < a.lo)


def show(type_: t.Type) -> str:
    """Return a type as messages name it: without the bounds that only a constant has, and short."""
    text = "list of branches" if isinstance(type_, GroupType) else str(_plain(type_))
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."


def _plain(type_: t.Type) -> t.Type:
    match type_:
        case t.Int(lo=lo, hi=hi) if lo == hi:
            return INT
        case t.List(item=item, min=low, max=high) if low == high:
            return t.List(_plain(item))
        case t.List(item=item, min=low, max=high):
            return t.List(_plain(item), low, high)
        case t.Optional(inner=inner):
            return t.Optional(_plain(inner))
        case t.Union(options=options):
            return t.Union(tuple(map(_plain, options)))
    return type_


def literal_values(type_: t.Type) -> tuple[str | bool | None, ...] | None:
    """Return every value of a type that has few: literals, ``bool``, ``none``; else None."""
    values: list[str | bool | None] = []
    for option in options_of(type_):
        match option:
            case t.Literal(value=value):
                values.append(value)
            case t.Bool():
                values += [True, False]
            case t.NoneType():
                values.append(None)
            case _:
                return None
    return tuple(values)


def element(type_: t.Type) -> t.Type | None:
    """Return what iterating over the type gives, or None when it cannot be iterated."""
    match type_:
        case t.List(item=item):
            return item
        case GroupType(branch=branch):
            return branch
    return ANY if is_unknown(type_) else None


def of_value(value: object) -> t.Type:
    """Return the most exact type of a constant."""
    match value:
        case None:
            return NONE
        case bool():
            return BOOL
        case int():
            return t.Int(value, value)
        case float():
            return NUMBER
        case str():
            return t.Literal(value)
        case list() | tuple():
            item = join_all(of_value(v) for v in value)
            return t.List(ANY if item is None else item, len(value), len(value))
        case dict():
            return t.Record(tuple(t.Field(str(k), of_value(v)) for k, v in value.items()))
    return ANY
