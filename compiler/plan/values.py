"""The values a program computes with, beyond those of JSON: branches and groups of branches.

Values are never changed once they exist. A list is a ``list``, a record a ``dict``, a group of
branches a ``tuple``; whoever holds one treats it as frozen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeGuard

MAX_NESTING = 200  # of lists and records whose size is looked at


class DataError(ValueError):
    """An operation on data has no result; the message says why in the program's terms."""


class Spoken:
    """Something that stands for text of a prompt: a branch, a stream. ``text`` is what it says."""

    __slots__ = ()

    text: str


class Branch(Spoken, Mapping[str, Any]):
    """One branch of a fork: what it captured, what it said, and where its stream ends.

    A mapping of its captures. Branches are equal when captures and text are.
    """

    __slots__ = ("fields", "logprob", "stream", "text")

    def __init__(
        self,
        fields: Mapping[str, Any],
        text: str = "",
        stream: object = None,
        logprob: float | None = None,
    ) -> None:
        self.fields = dict(fields)
        self.text = text
        self.stream = stream
        self.logprob = logprob

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Branch):
            return NotImplemented
        return self.fields == other.fields and self.text == other.text

    __hash__ = None  # type: ignore[assignment]  # captures may be lists

    def __repr__(self) -> str:
        return f"Branch({self.fields!r}, {self.text!r})"


Group = tuple[Branch, ...]

_BRANCH_PARTS = ("text", "stream", "logprob")


def size_of(value: object, most: int | None = None, *, texts: bool = False) -> int:
    """Return the characters of a text, or the items of a list, record or branch and of all in it;
    with ``texts`` also the characters in it.

    What stands in several places counts at each. Counting ends where there are more than ``most``.

    Raises:
        DataError: lists and records nest deeper than ``MAX_NESTING``.
    """
    if isinstance(value, str):
        return len(value)
    size, depth, level = 0, 0, [value]
    while level:
        depth += 1
        if depth > MAX_NESTING:
            raise DataError(f"lists and records nest deeper than {MAX_NESTING}")
        inner: list[object] = []
        for each in level:
            items: Collection[object] = ()
            if isinstance(each, list | tuple):
                items = each
            elif isinstance(each, dict | Branch):
                items = each.values()
                size += len(each.text) if texts and isinstance(each, Branch) else 0
            size += len(items)
            if texts:
                size += sum(len(item) for item in items if isinstance(item, str))
            if most is not None and size > most:
                return size
            inner += [item for item in items if isinstance(item, dict | list | tuple | Branch)]
        level = inner
    return size


def get_field(value: object, name: str) -> Any:
    """Return field ``name`` of a record or a branch; of a group or list, those of its items.

    A capture of a branch hides the branch's own ``text``, ``stream`` and ``logprob``.

    Raises:
        DataError: there is no such field.
    """
    if isinstance(value, list | tuple):
        return [get_field(item, name) for item in value]
    if isinstance(value, Mapping):
        if name in value:
            return value[name]
        if isinstance(value, Branch) and name in _BRANCH_PARTS:
            return getattr(value, name)
        known = ", ".join(f"`{key}`" for key in value)
        raise DataError(f"no field `{name}`" + (f" (there is {known})" if known else ""))
    raise DataError(f"{describe(value)} has no field `{name}`")


def get_item(value: object, index: object) -> Any:
    """Return item ``index`` of a list, group or text, negative from the end; of a record by name.

    Raises:
        DataError: there is no such item.
    """
    if isinstance(value, Mapping):
        if not isinstance(index, str):
            raise DataError(f"a record is indexed by name, not by {describe(index)}")
        return get_field(value, index)
    if not isinstance(value, list | tuple | str):
        raise DataError(f"{describe(value)} has no items")
    if not is_int(index):
        raise DataError(f"an index is an integer, not {describe(index)}")
    try:
        return value[index]
    except IndexError:
        raise DataError(f"index {index} is out of range: there are {len(value)} items") from None


def get_slice(value: object, lo: Any, hi: Any) -> Any:
    """Return the items ``lo`` to before ``hi``, as in Python; None leaves an end open.

    Raises:
        DataError: ``value`` has no items or an end is no integer.
    """
    if not isinstance(value, list | tuple | str):
        raise DataError(f"{describe(value)} has no items")
    if not all(end is None or is_int(end) for end in (lo, hi)):
        raise DataError(f"a slice goes from integer to integer, not {describe(lo)}:{describe(hi)}")
    return value[lo:hi]


def is_int(value: object) -> TypeGuard[int]:
    """Whether this is an integer of the language; truth values are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether this is an integer or a float; truth values are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def describe(value: object) -> str:
    """Name the kind of a value for an error message: ``the text "abc"``, ``a list``."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}" if abs(value) < 2**64 else "a very large number"
        case str():
            return f"the text {_short(value)}"
        case tuple():
            return "a group"
        case list():
            return "a list"
        case Branch():
            return "a branch"
        case Mapping():
            return "a record"
        case Spoken():
            return "a stream"
    return f"a host value of type {type(value).__name__}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 24 else text[:21] + "...")
