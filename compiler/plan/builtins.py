"""The built-in functions of the language: pure, total but for a DataError."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sglc.compiler.plan.formatting import format_value
from sglc.compiler.plan.operators import MAX_TEXT_LEN, compare, equal, make_range
from sglc.compiler.plan.values import (
    DataError,
    describe,
    get_field,
    is_int,
    is_number,
)

Selector = str | Sequence[str]

_MAX_COMPARED = 2_000_000  # of lists and records, one by one


def apply_builtin(
    fn: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    by: Selector | None = None,
) -> Any:
    """Call the built-in ``fn``. ``by`` is a path of fields, ``"judge.score"`` or its parts.

    Raises:
        DataError: no such built-in, wrong arguments, or no result for them.
    """
    function = BUILTINS.get(fn)
    if function is None:
        raise DataError(f"there is no built-in `{fn}`")
    named = dict(kwargs or {})
    if by is not None:
        named["by"] = by
    try:
        return function(*args, **named)
    except TypeError:
        _check_call(fn, function, args, named)
        raise


def select(value: Any, by: Selector | None) -> Any:
    """Follow a path of fields; a path written as text is split at its dots."""
    if by is None:
        return value
    path = by.strip(".").split(".") if isinstance(by, str) else by
    if not isinstance(path, list | tuple) or not all(isinstance(name, str) for name in path):
        raise DataError(f"`by` is a path of fields like `.judge.score`, not {describe(by)}")
    for name in path:
        value = get_field(value, name)
    return value


def _check_call(
    fn: str, function: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]
) -> None:
    try:
        inspect.signature(function).bind(*args, **named)
    except TypeError as error:
        raise DataError(f"`{fn}`: {error}") from None


def _len(value: Any) -> int:
    if not isinstance(value, str | list | tuple | Mapping):
        raise DataError(f"{describe(value)} has no length")
    return len(value)


def _best(items: Any, by: Selector | None = None) -> Any:
    """The item with the largest key; the first of equals."""
    return _extreme("best", (items,), ">", by)


def _max(*items: Any, by: Selector | None = None) -> Any:
    return _extreme("max", items, ">", by)


def _min(*items: Any, by: Selector | None = None) -> Any:
    return _extreme("min", items, "<", by)


def _extreme(fn: str, items: Sequence[Any], op: str, by: Selector | None) -> Any:
    candidates = _items(fn, items[0]) if len(items) == 1 else items
    if not candidates:
        raise DataError(f"`{fn}` of nothing")
    winner, winner_key = candidates[0], select(candidates[0], by)
    for item in candidates[1:]:
        key = select(item, by)
        if compare(op, key, winner_key):
            winner, winner_key = item, key
    return winner


def _majority(items: Any) -> Any:
    """The most common value, none aside; the first seen of equals; none if there is no value."""
    counts: list[list[Any]] = []
    known: dict[object, list[Any]] = {}  # texts and numbers; else n of them took n * n steps
    steps = 0
    for item in _items("majority", items):
        if item is None:
            continue
        is_plain = isinstance(item, str | int | float)
        key = (isinstance(item, bool), item) if is_plain else None
        others = counts if key is None else [known[key]] if key in known else []
        steps += len(others)
        if steps > _MAX_COMPARED:
            raise DataError("`majority`: too many different lists and records")
        entry = next((each for each in others if equal(each[0], item)), None)
        if entry is None:
            entry = [item, 0]
            counts.append(entry)
            if key is not None:
                known[key] = entry
        entry[1] += 1
    return max(counts, key=lambda entry: entry[1])[0] if counts else None


def _all(items: Any) -> bool:
    return all(_items("all", items))


def _any(items: Any) -> bool:
    return any(_items("any", items))


def _sum(items: Any) -> int | float:
    numbers = _items("sum", items)
    for item in numbers:
        if not is_number(item):
            raise DataError(f"`sum` adds numbers, not {describe(item)}")
    total: int | float = sum(numbers)
    return total


def _join(items: Any, sep: str = ", ") -> str:
    texts = [format_value(item) for item in _items("join", items)]
    _check_len(sum(map(len, texts)) + len(_text("join", sep)) * max(len(texts) - 1, 0))
    return sep.join(texts)


def _int(value: Any) -> int:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise DataError(f"{describe(value)} is not an integer")


def _float(value: Any) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise DataError(f"{describe(value)} is not a number")


def _round(value: Any, digits: int = 0) -> int | float:
    """Halves go to the even neighbour, as in Python; no digits give an integer."""
    if not is_number(value) or not is_int(digits):
        raise DataError(f"`round` takes a number and a number of digits, not {describe(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError(f"{describe(value)} cannot be rounded")
    return round(value, digits) if digits else round(value)


def _abs(value: Any) -> int | float:
    if not is_number(value):
        raise DataError(f"`abs` takes a number, not {describe(value)}")
    return abs(value)


def _sorted(items: Any, by: Selector | None = None) -> list[Any]:
    """Stable, smallest first."""
    keyed = [(select(item, by), item) for item in _items("sorted", items)]
    for (a, _), (b, _) in itertools.pairwise(keyed):
        compare("<", a, b)
    try:
        return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]
    except TypeError:  # neighbours have an order, but not all of them: [1], [], ["a"]
        raise DataError("`sorted`: the items have no order") from None


def _reversed(value: Any) -> Any:
    if isinstance(value, str):
        return value[::-1]
    return list(reversed(_items("reversed", value)))


def _strip(text: Any, chars: str | None = None) -> str:
    return _text("strip", text).strip(None if chars is None else _text("strip", chars))


def _split(text: Any, sep: str | None = None) -> list[str]:
    if sep == "":
        raise DataError("`split` needs a separator that is not empty")
    return _text("split", text).split(None if sep is None else _text("split", sep))


def _replace(text: Any, old: Any, new: Any) -> str:
    found, old, new = _text("replace", text), _text("replace", old), _text("replace", new)
    if len(new) > len(old):
        _check_len(len(found) + found.count(old) * (len(new) - len(old)))
    return found.replace(old, new)


def _contains(value: Any, item: Any) -> bool:
    return compare("in", item, value)


def _starts_with(text: Any, start: Any) -> bool:
    return _text("starts_with", text).startswith(_text("starts_with", start))


def _ends_with(text: Any, end: Any) -> bool:
    return _text("ends_with", text).endswith(_text("ends_with", end))


def _lower(text: Any) -> str:
    return _text("lower", text).lower()


def _upper(text: Any) -> str:
    return _text("upper", text).upper()


def _probs(value: Any) -> Any:
    """The probabilities of a select, which it hands over as a record."""
    if not isinstance(value, Mapping):
        raise DataError(f"`probs` takes what a select chose, not {describe(value)}")
    return value


def _check_len(size: int) -> None:
    """Refuse a text before it takes the memory."""
    if size > MAX_TEXT_LEN:
        raise DataError("the text is too long")


def _items(fn: str, value: Any) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    raise DataError(f"`{fn}` takes a list, not {describe(value)}")


def _text(fn: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise DataError(f"`{fn}` takes text, not {describe(value)}")


BUILTINS: Mapping[str, Callable[..., Any]] = {
    "abs": _abs,
    "all": _all,
    "any": _any,
    "best": _best,
    "contains": _contains,
    "ends_with": _ends_with,
    "float": _float,
    "int": _int,
    "join": _join,
    "len": _len,
    "lower": _lower,
    "majority": _majority,
    "max": _max,
    "min": _min,
    "probs": _probs,
    "range": make_range,
    "replace": _replace,
    "reversed": _reversed,
    "round": _round,
    "sorted": _sorted,
    "split": _split,
    "starts_with": _starts_with,
    "str": format_value,
    "strip": _strip,
    "sum": _sum,
    "upper": _upper,
}
