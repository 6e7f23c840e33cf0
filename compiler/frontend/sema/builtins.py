"""The built-in functions of expressions: what they take and what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sglc.compiler.frontend.sema.types import (
    ANY,
    BOOL,
    INT,
    NUMBER,
    STR,
    element,
    is_int,
    is_number,
    is_text,
    is_unknown,
    join_all,
    widen,
)
from sglc.compiler.frontend.static_types import GroupType
from sglc.constraints import types as t

Check = Callable[[t.Type], bool]
Result = Callable[[tuple[t.Type, ...]], t.Type]

FORMS = ("gen", "select", "special", "probs")


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters are (what is wanted in words, whether a type is that); the last may repeat.

    ``by`` says whether a selector is taken.
    """

    params: tuple[tuple[str, Check], ...]
    result: Result
    required: int
    by: bool = False
    repeats: bool = False


def _is_list(type_: t.Type) -> bool:
    return element(type_) is not None


def _items(check: Check) -> Check:
    return lambda type_: (item := element(type_)) is not None and check(item)


def _is_bool(type_: t.Type) -> bool:
    return isinstance(type_, t.Bool) or is_unknown(type_)


def _has_length(type_: t.Type) -> bool:
    return is_text(type_) or _is_list(type_) or isinstance(type_, t.Record)


def _is_scalar(type_: t.Type) -> bool:
    return is_text(type_) or is_number(type_) or isinstance(type_, t.Bool)


def _is_value(type_: t.Type) -> bool:
    return not isinstance(type_, GroupType | t.Image | t.Video)


def _anything(_: t.Type) -> bool:
    return True


TEXT: tuple[str, Check] = ("a text", is_text)
LIST: tuple[str, Check] = ("a list", _is_list)
INTEGER: tuple[str, Check] = ("an integer", is_int)
NUMERIC: tuple[str, Check] = ("a number", is_number)


def _gives(type_: t.Type) -> Result:
    return lambda _: type_


def _item(args: tuple[t.Type, ...]) -> t.Type:
    return element(args[0]) or ANY


def _extreme(args: tuple[t.Type, ...]) -> t.Type:
    joined = _item(args) if len(args) == 1 else join_all(args)
    return ANY if joined is None else widen(joined)


def _sum(args: tuple[t.Type, ...]) -> t.Type:
    item = element(args[0]) or ANY
    return INT if is_int(item) and not is_unknown(item) else NUMBER


def _same_list(args: tuple[t.Type, ...]) -> t.Type:
    item = element(args[0]) or ANY
    return t.List(item)


def _has_order(type_: t.Type) -> bool:
    return is_text(type_) or _is_list(type_)


def _turned(args: tuple[t.Type, ...]) -> t.Type:
    return STR if is_text(args[0]) and not is_unknown(args[0]) else _same_list(args)


def _magnitude(args: tuple[t.Type, ...]) -> t.Type:
    return t.Int(0, None) if isinstance(args[0], t.Int) else NUMBER


def _round(args: tuple[t.Type, ...]) -> t.Type:
    return INT if len(args) == 1 else NUMBER


def _signature(*params: tuple[str, Check], gives: t.Type, required: int | None = None) -> Signature:
    return Signature(params, _gives(gives), len(params) if required is None else required)


SIGNATURES: Mapping[str, Signature] = {
    "len": _signature(("a text, a list or a group", _has_length), gives=t.Int(0, None)),
    "best": Signature((LIST,), _item, 1, by=True),
    "majority": Signature((LIST,), _item, 1),
    "all": _signature(("a list of truth values", _items(_is_bool)), gives=BOOL),
    "any": _signature(("a list of truth values", _items(_is_bool)), gives=BOOL),
    "sum": Signature((("a list of numbers", _items(is_number)),), _sum, 1),
    "min": Signature(
        (("numbers, texts or a list", _anything),), _extreme, 1, by=True, repeats=True
    ),
    "max": Signature(
        (("numbers, texts or a list", _anything),), _extreme, 1, by=True, repeats=True
    ),
    "join": _signature(LIST, TEXT, gives=STR, required=1),
    "str": _signature(("a value", _is_value), gives=STR),
    "int": _signature(("a text or a number", _is_scalar), gives=INT),
    "float": _signature(("a text or a number", _is_scalar), gives=NUMBER),
    "round": Signature((NUMERIC, INTEGER), _round, 1),
    "sorted": Signature((LIST,), _same_list, 1, by=True),
    "reversed": Signature((("a list or a text", _has_order),), _turned, 1),
    "range": _signature(INTEGER, INTEGER, gives=t.List(INT)),
    "strip": _signature(TEXT, TEXT, gives=STR, required=1),
    "lower": _signature(TEXT, gives=STR),
    "upper": _signature(TEXT, gives=STR),
    "split": _signature(TEXT, TEXT, gives=t.List(STR), required=1),
    "replace": _signature(TEXT, TEXT, TEXT, gives=STR),
    "contains": _signature(
        ("a text, a list or a record", _has_length), ("a value", _is_value), gives=BOOL
    ),
    "starts_with": _signature(TEXT, TEXT, gives=BOOL),
    "ends_with": _signature(TEXT, TEXT, gives=BOOL),
    "abs": Signature((NUMERIC,), _magnitude, 1),
}
