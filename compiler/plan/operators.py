"""Comparison and arithmetic. Numbers are Python's; truth values are no numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from sglc.compiler.plan.values import DataError, describe, is_int, is_number

# What is larger is a mistake, not a program: refused before it takes the memory.
MAX_RANGE = 10_000_000
MAX_TEXT_LEN = 2**26
MAX_INT_BITS = 2**16


def equal(a: object, b: object) -> bool:
    """Whether two values are equal; a truth value equals truth values only."""
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    return bool(a == b)


def compare(op: str, a: Any, b: Any) -> bool:
    """Return ``a op b`` for ``== != < <= > >= in``.

    Raises:
        DataError: the operands have no order, or ``b`` holds no items.
    """
    match op:
        case "==":
            return equal(a, b)
        case "!=":
            return not equal(a, b)
        case "in":
            return _contains(a, b)
    if not _ordered(a, b):
        raise DataError(f"cannot compare {describe(a)} with {describe(b)}")
    return bool(_ORDER[op](a, b))


def arithmetic(op: str, a: Any, b: Any) -> Any:
    """Return ``a op b`` for ``+ - * / %``; ``+`` also joins texts and lists.

    Raises:
        DataError: not numbers, a division by zero, a result too large.
    """
    if not (is_number(a) and is_number(b)):
        if op == "+" and isinstance(a, str) and isinstance(b, str):
            if len(a) + len(b) > MAX_TEXT_LEN:
                raise DataError("the text is too long")
            return a + b
        if op == "+" and isinstance(a, list | tuple) and isinstance(b, list | tuple):
            return [*a, *b]
        raise DataError(f"`{op}` does not work on {describe(a)} and {describe(b)}")
    if op == "*" and is_int(a) and is_int(b) and a.bit_length() + b.bit_length() > MAX_INT_BITS:
        raise DataError("`*`: the result is too large")
    try:
        return _ARITHMETIC[op](a, b)
    except ZeroDivisionError:
        raise DataError("division by zero") from None
    except OverflowError:
        raise DataError(f"`{op}`: the result is too large") from None


def negative(value: Any) -> Any:
    """Return ``-value``.

    Raises:
        DataError: it is no number.
    """
    if not is_number(value):
        raise DataError(f"`-` does not work on {describe(value)}")
    return -value


def make_range(first: Any, last: Any) -> list[int]:
    """Return the integers from ``first`` to ``last``, both included.

    Raises:
        DataError: an end is no integer, or there are too many.
    """
    if not (is_int(first) and is_int(last)):
        raise DataError(
            f"a range goes from integer to integer, not {describe(first)}..{describe(last)}"
        )
    if last - first >= MAX_RANGE:
        raise DataError(f"the range {first}..{last} is too long")
    return list(range(first, last + 1))


def _contains(item: Any, container: Any) -> bool:
    if isinstance(container, str):
        if not isinstance(item, str):
            raise DataError(f"a text cannot contain {describe(item)}")
        return item in container
    if isinstance(container, list | tuple):
        return any(equal(item, other) for other in container)
    if isinstance(container, Mapping):
        return isinstance(item, str) and item in container
    raise DataError(f"{describe(container)} contains nothing")


def _ordered(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return all(_ordered(x, y) for x, y in zip(a, b, strict=False))
    return (is_number(a) and is_number(b)) or (isinstance(a, str) and isinstance(b, str))


_ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
