"""Constants as the language writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TEXT_ESCAPES = {c: "\\" + c for c in '"\\{}'}
_TEXT_ESCAPES |= {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def quote_text(text: str) -> str:
    """``text`` as a string of the language, quotes included."""
    parts = (
        _TEXT_ESCAPES.get(c, c if c.isprintable() or ord(c) > 0xFFFF else f"\\u{ord(c):04x}")
        for c in text
    )
    return '"' + "".join(parts) + '"'


def quote_regex(pattern: str) -> str:
    """``pattern`` as a regex of the language: between slashes, on one line."""
    body = re.sub(r"\\.|[/\n]", _quote_regex_char, pattern, flags=re.DOTALL)
    if body.startswith(" "):
        body = "\\" + body
    return f"/{body or '(?:)'}/"


def quote_value(value: Any) -> str:
    """A constant as the language writes it: ``none``, ``true``, ``"text"``, ``[1, {a: 2}]``."""
    match value:
        case None | bool():
            return str(value).lower()
        case str():
            return quote_text(value)
        case list() | tuple():
            return "[" + ", ".join(map(quote_value, value)) + "]"
        case Mapping():
            pairs = (f"{quote_text(str(k))}: {quote_value(v)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
    return str(value)


def _quote_regex_char(found: re.Match[str]) -> str:
    return {"/": r"\/", "\n": r"\n", "\\\n": r"\n"}.get(found[0], found[0])
