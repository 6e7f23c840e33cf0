"""How values become text: in prompts, in ``str()``, in joins."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sglc.compiler.plan.values import DataError, Spoken, describe, size_of

MAX_ITEMS = 1_000_000  # of a list that becomes text, those inside of it included


def format_value(value: object) -> str:
    """Return ``value`` as a prompt shows it.

    Text as it is; ``none``, ``true``, ``false``; numbers in their shortest form; lists and records
    as JSON with ``", "`` and ``": "``; a branch or a stream as its text.

    Raises:
        DataError: it is a value of the host that has no text.
    """
    match value:
        case str():
            return value
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case Spoken():
            return value.text
        case list() | tuple() | Mapping():
            if size_of(value, MAX_ITEMS) > MAX_ITEMS:
                raise DataError(f"more than {MAX_ITEMS} items are too many for a text")
            return json.dumps(plain(value), ensure_ascii=False)
    raise DataError(f"{describe(value)} has no text")


def plain(value: object) -> object:
    """Return ``value`` made of JSON's types only; branches and streams become their text.

    Raises:
        DataError: it holds a value of the host.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Spoken():
            return value.text
        case list() | tuple():
            return [plain(item) for item in value]
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
    raise DataError(f"{describe(value)} has no text")


def _number(value: int | float) -> str:
    try:
        return repr(value)
    except ValueError:  # Python limits the digits of an integer it prints
        raise DataError("the number is too long to be text") from None
