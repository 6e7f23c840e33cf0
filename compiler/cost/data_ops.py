"""Ops on data, on abstract values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sglc.compiler.cost.interval import ANY, ZERO, Interval
from sglc.compiler.cost.values import (
    BOOLS,
    NONE,
    Abstract,
    Branch,
    Items,
    Known,
    Many,
    Number,
    OneOf,
    Record,
    Stream,
    Text,
    as_text,
    is_listed,
    item_of,
    items_of,
    join,
    join_all,
    most_tokens,
    of_value_type,
    pure,
    size_of,
    text_span,
)
from sglc.compiler.cost.versions import merged
from sglc.compiler.ir.op import Op
from sglc.compiler.plan.data import DataError, evaluate

MAX_ITEMS: Final = 4096  # of a list that is made item by item
_CHAR: Final = Interval(1, 4)  # bytes


def result_of(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    """What is known of the only result of a data op."""
    try:
        known = [pure(arg) for arg in args]
        named = {key: pure(arg) for key, arg in kwargs.items()}
        if op.name != "range" or _is_short(known):
            return Known(evaluate(op.name, known, named, op.attrs))
    except (LookupError, DataError, TypeError, ValueError, OverflowError, RecursionError):
        pass
    rule = _RULES.get(op.name)
    found = rule(op, args, kwargs) if rule is not None else None
    return of_value_type(op.result.type) if found is None else found


def _is_short(bounds: Sequence[Any]) -> bool:
    return all(isinstance(end, int) for end in bounds) and bounds[1] - bounds[0] < MAX_ITEMS


def fresh(value: Abstract) -> Abstract:
    """A value like this one, but maybe another: for items that are told by one of them."""
    match value:
        case Text(span, most):
            return Text(span, most)
        case Record(fields):
            return Record({name: fresh(item) for name, item in fields.items()})
        case Items(items, is_group):
            return Items(tuple(map(fresh, items)), is_group)
        case Many(size, item, is_group):
            return Many(size, fresh(item), is_group)
        case Branch(fields, start, end):
            other = merged(start, (end,))
            return Branch({name: fresh(item) for name, item in fields.items()}, start, other)
    return value


def _const(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    return args[0]


def _gather(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    return Items(tuple(args), is_group=True)


def _format(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    return as_text(args[0])


def _concat(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    texts = [text for text in map(as_text, args) if text != Known("")]
    if len(texts) == 1:
        return texts[0]
    return _sum_of(texts)


def _sum_of(texts: Sequence[Abstract]) -> Text:
    total = ZERO
    for text in texts:
        total = total.plus(text_span(text))
    return Text(total, sum(map(most_tokens, texts)))


def _list(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    return Items(tuple(args))


def _record(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    return Record(dict(kwargs))


def _field(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract | None:
    return field_of(args[0], str(op.attrs["name"]))


def field_of(value: Abstract, name: str) -> Abstract | None:
    """A field of a record or a branch; of a list, the list of it; None where nothing is known."""
    match value:
        case Record(fields) if name in fields:
            return fields[name]
        case Branch(fields) if name in fields:
            return fields[name]
        case Branch(start=start, end=end) if name == "text":
            return end.since(start)
        case Branch(end=end) if name == "stream":
            return Stream(end)
        case Known(known) if isinstance(known, Mapping) and name in known:
            return Known(known[name])
        case Many(size, item):
            inner = field_of(item, name)
            return None if inner is None else Many(size, inner)
    items = items_of(value)
    if items is None:
        return None
    found = [field_of(item, name) for item in items]
    return Items(tuple(f for f in found if f is not None)) if None not in found else None


def _index(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract | None:
    value, at = args
    if isinstance(at, Known) and isinstance(at.value, str):
        return field_of(value, at.value)
    if not is_listed(value):
        return Text(_CHAR) if isinstance(value, Text) else None
    items = items_of(value)
    if items is not None and isinstance(at, Known) and isinstance(at.value, int):
        return items[at.value] if -len(items) <= at.value < len(items) else None
    return fresh(item_of(value))


def _slice(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract | None:
    value, low, high = args
    most = _width(low, high)
    if is_listed(value):
        items = items_of(value)
        if items is not None and isinstance(low, Known) and isinstance(high, Known):
            return Items(tuple(items[low.value : high.value]))
        return Many(size_of(value).maybe().at_most(most), fresh(item_of(value)))
    span = text_span(value)
    return Text(Interval(0, min(span.hi, most * _CHAR.hi)), most_tokens(value))


def _width(low: Abstract, high: Abstract) -> float:
    """The most items of a slice."""
    start = 0 if low == NONE else low.value if isinstance(low, Known) else None
    top = bound_of(high).hi if high != NONE else math.inf
    is_plain = isinstance(start, int) and start >= 0 and bound_of(high).lo >= 0
    return max(top - start, 0) if is_plain and isinstance(start, int) else math.inf


def bound_of(value: Abstract) -> Interval:
    """From where to where a number lies; of anything else nothing is known."""
    match value:
        case Known(int() | float() as number):
            return Interval(number, number)
        case Number(lo=lo, hi=hi):
            return Interval(lo, hi)
        case OneOf(options) if all(isinstance(o, int | float) for o in options):
            return Interval(min(options), max(options))
    return Interval(-math.inf, math.inf)


def _pick(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract | None:
    return _index(op, args, kwargs)


def _narrow(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    value = args[0]
    if isinstance(value, OneOf):
        options = tuple(option for option in value.options if option is not None)
        return Known(options[0]) if len(options) == 1 else OneOf(options)
    known = of_value_type(op.result.type)
    return known if type(value).__name__ == "Top" else value


def _either(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    return join(args[0], args[1])


def _bool(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    return BOOLS


def _arith(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract | None:
    a, b = args
    if op.attrs["op"] == "+" and (isinstance(a, Text | OneOf) or isinstance(b, Text | OneOf)):
        texts = [as_text(arg) for arg in args]
        if not any(isinstance(arg, Number) for arg in args):
            return _sum_of(texts)
    if not all(isinstance(arg, Known | Number | OneOf) for arg in args):
        return None
    one, two = bound_of(a), bound_of(b)
    is_int = all(getattr(arg, "is_int", isinstance(_value(arg), int)) for arg in args)
    match op.attrs["op"]:
        case "+":
            return Number(one.lo + two.lo, one.hi + two.hi, is_int)
        case "-":
            return Number(one.lo - two.hi, one.hi - two.lo, is_int)
    return Number(is_int=False)


def _value(arg: Abstract) -> object:
    return arg.value if isinstance(arg, Known) else None


def _range(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract:
    low, high = bound_of(args[0]), bound_of(args[1])
    size = Interval(max(high.lo - low.hi + 1, 0), max(high.hi - low.lo + 1, 0))
    return Many(size, Number(low.lo, high.hi))


def _apply(op: Op, args: Sequence[Abstract], kwargs: Mapping[str, Abstract]) -> Abstract | None:
    name, first = op.attrs["fn"], args[0] if args else NONE
    match name:
        case "len" if is_listed(first):
            size = size_of(first)
            return Known(int(size.lo)) if size.is_exact else Number(size.lo, size.hi)
        case "len":
            span = text_span(first) if isinstance(first, Text | OneOf) else ANY
            return Number(math.ceil(span.lo / _CHAR.hi) if math.isfinite(span.lo) else 0, span.hi)
        case "best" | "majority" if is_listed(first) and size_of(first) != ZERO:
            items = items_of(first)
            return fresh(item_of(first)) if items is None else join_all(list(items))
        case "strip" if isinstance(first, Text):
            return Text(first.span.maybe(), first.max_tokens)
        case "str":
            return as_text(first)
        case "join" if is_listed(first):
            between = text_span(args[1]) if len(args) > 1 else ZERO
            return _joined(first, between)
    return None


def _joined(value: Abstract, between: Interval) -> Abstract:
    items = items_of(value)
    size = size_of(value)
    gaps = Interval(max(size.lo - 1, 0), max(size.hi - 1, 0)).times(between)
    if items is None:
        return Text(text_span(item_of(value)).times(size).plus(gaps))
    total = gaps
    for item in items:
        total = total.plus(text_span(item))
    return Text(total)


_RULES: Final = {
    "and": _either,
    "apply": _apply,
    "arith": _arith,
    "cmp": _bool,
    "concat": _concat,
    "const": _const,
    "field": _field,
    "format": _format,
    "gather": _gather,
    "in": _bool,
    "index": _index,
    "list": _list,
    "narrow": _narrow,
    "negate": _bool,
    "or": _either,
    "pick": _pick,
    "range": _range,
    "record": _record,
    "slice.list": _slice,
}
