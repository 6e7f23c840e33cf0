"""The pure operations on data, and everything else that computes with a program's values.

One definition for the executor, the reference interpreter and constant folding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sglc.compiler.plan.builtins import BUILTINS, apply_builtin, select
from sglc.compiler.plan.formatting import format_value, plain
from sglc.compiler.plan.operators import (
    MAX_TEXT_LEN,
    arithmetic,
    compare,
    equal,
    make_range,
    negative,
)
from sglc.compiler.plan.values import (
    Branch,
    DataError,
    Group,
    Spoken,
    describe,
    get_field,
    get_item,
    get_slice,
)

__all__ = [
    "BUILTINS",
    "DATA_OPS",
    "Branch",
    "DataError",
    "Group",
    "Spoken",
    "apply_builtin",
    "describe",
    "equal",
    "evaluate",
    "format_value",
    "get_field",
    "plain",
    "select",
    "truth",
]

Args = Sequence[Any]
KwArgs = Mapping[str, Any]


def evaluate(op: str, args: Args, kwargs: KwArgs, attrs: Mapping[str, Any]) -> Any:
    """Return the result of a data op; the operands are values and are left as they are.

    Raises:
        DataError: the operation has no result for these operands.
        KeyError: ``op`` is no data op.
    """
    return DATA_OPS[op](args, kwargs, attrs)


def truth(value: object) -> bool:
    """Whether a condition holds: Python's truth; a branch is always true."""
    return bool(value)


def _const(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    return args[0]


def _concat(args: Args, kwargs: KwArgs, attrs: KwArgs) -> str:
    parts = [format_value(arg) for arg in args]
    if sum(map(len, parts)) > MAX_TEXT_LEN:
        raise DataError("the text is too long")
    return "".join(parts)


def _format(args: Args, kwargs: KwArgs, attrs: KwArgs) -> str:
    return format_value(args[0])


def _list(args: Args, kwargs: KwArgs, attrs: KwArgs) -> list[Any]:
    return list(args)


def _gather(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Group:
    return tuple(args)


def _record(args: Args, kwargs: KwArgs, attrs: KwArgs) -> dict[str, Any]:
    return dict(kwargs)


def _field(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    return get_field(args[0], attrs["name"])


def _index(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    return get_item(args[0], args[1])


def _slice(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    return get_slice(args[0], args[1], args[2])


def _cmp(args: Args, kwargs: KwArgs, attrs: KwArgs) -> bool:
    return compare(attrs["op"], args[0], args[1])


def _in(args: Args, kwargs: KwArgs, attrs: KwArgs) -> bool:
    return compare("in", args[0], args[1])


def _negate(args: Args, kwargs: KwArgs, attrs: KwArgs) -> bool:
    return not truth(args[0])


def _and(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    return args[1] if truth(args[0]) else args[0]


def _or(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    return args[0] if truth(args[0]) else args[1]


def _arith(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    return arithmetic(attrs["op"], args[0], args[1])


def _narrow(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    if args[0] is None:
        raise DataError("the value is none")
    return args[0]


def _neg(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    return negative(args[0])


def _range(args: Args, kwargs: KwArgs, attrs: KwArgs) -> list[int]:
    return make_range(args[0], args[1])


def _apply(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    return apply_builtin(attrs["fn"], args, kwargs, attrs.get("by"))


def _pick(args: Args, kwargs: KwArgs, attrs: KwArgs) -> Any:
    branch = get_item(args[0], args[1])
    if not isinstance(branch, Branch):
        raise DataError(f"expected a branch of a fork, not {describe(branch)}")
    return branch


DATA_OPS: Mapping[str, Callable[[Args, KwArgs, KwArgs], Any]] = {
    "and": _and,
    "apply": _apply,
    "arith": _arith,
    "cmp": _cmp,
    "concat": _concat,
    "const": _const,
    "field": _field,
    "format": _format,
    "gather": _gather,
    "in": _in,
    "index": _index,
    "list": _list,
    "narrow": _narrow,
    "neg": _neg,
    "negate": _negate,
    "or": _or,
    "pick": _pick,
    "range": _range,
    "record": _record,
    "slice.list": _slice,
}
