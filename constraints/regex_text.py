"""Types as regexes, for servers that hold a text to one: the language of a type, written out."""

from __future__ import annotations

import re
from typing import Final

from sglc.constraints import charset
from sglc.constraints.build import tree
from sglc.constraints.charset import Ranges
from sglc.constraints.json_text import ANY_ESCAPE, ESCAPED, FREE, RAW, must_escape
from sglc.constraints.syntax import (
    PLAIN,
    Alt,
    Chars,
    Encoded,
    Encoding,
    Joined,
    Node,
    Options,
    Repeat,
    Seq,
    Text,
)
from sglc.constraints.types import Regex, Type

MAX_CHARS: Final = 20_000
_ANY: Final = r"[\s\S]"


class _NoRegex(Exception):
    """A part has none of a reasonable size."""


def regex_of(t: Type) -> str | None:
    """Return a pattern that ``re.fullmatch`` finds in the members of ``t``, and in nothing else.

    None: it has rules that call each other, is made of automata, or its pattern would have more
    than ``MAX_CHARS`` characters.

    Raises:
        ValueError: ``t`` is no constraint.
    """
    if isinstance(t, Regex):
        return t.pattern
    node = tree(t)
    if node is None:
        return None
    try:
        pattern = _pattern(node, PLAIN)
    except _NoRegex:
        return None
    return pattern if len(pattern) <= MAX_CHARS else None


def _pattern(node: Node, encoding: Encoding) -> str:
    match node:
        case Text(text):
            return re.escape(encoding.spell(text))
        case Chars(ranges):
            return _chars(ranges, encoding)
        case Seq(parts):
            return "".join(_operand(part, encoding, in_sequence=True) for part in parts)
        case Alt(options) if options:
            return "|".join(_pattern(option, encoding) for option in options)
        case Repeat(inner, least, most):
            return _operand(inner, encoding) + _times(least, most)
        case Joined(item, between):
            one = _operand(item, encoding, in_sequence=True)
            return f"{one}(?:{_operand(between, encoding, in_sequence=True)}{one})*"
        case Encoded(inner, other):
            return _pattern(inner, other)
        case Options(parts):
            return "".join(f"(?:{_pattern(part, encoding)})?" for part in parts)
    raise _NoRegex


def _operand(node: Node, encoding: Encoding, *, in_sequence: bool = False) -> str:
    """Return a pattern that may stand beside others, or be repeated."""
    pattern = _pattern(node, encoding)
    if len(pattern) > MAX_CHARS:
        raise _NoRegex
    is_one = isinstance(node, Chars) and encoding is PLAIN
    is_safe = in_sequence and isinstance(node, Text | Seq | Repeat | Joined | Options)
    return pattern if is_one or is_safe else f"(?:{pattern})"


def _times(least: int, most: int | None) -> str:
    least = max(least, 0)
    if most is not None and most < least:
        raise _NoRegex  # the empty set
    known = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    if known is not None:
        return known
    return f"{{{least},{'' if most is None else most}}}" if least != most else f"{{{least}}}"


def _chars(ranges: Ranges, encoding: Encoding) -> str:
    if encoding is PLAIN:
        return _class(charset.intersect(ranges, charset.ANY_TEXT))
    if encoding is FREE:
        return f"(?:{_class(RAW)}|{ANY_ESCAPE})"
    if encoding is ESCAPED:
        raw = charset.intersect(ranges, RAW)
        options = [_class(raw)] if raw else []
        options += [re.escape(ESCAPED.spell(char)) for char in must_escape(ranges)]
        if not options:
            raise _NoRegex
        return f"(?:{'|'.join(options)})"
    raise _NoRegex


def _class(ranges: Ranges) -> str:
    """Return one character of a set; what has no UTF-8 may be in it or not."""
    if not ranges:
        raise _NoRegex
    left = charset.intersect(charset.invert(ranges), charset.ANY_TEXT)
    if not left:
        return _ANY
    is_inverse = len(left) < len(ranges)
    inside = "".join(
        _char(low) if low == high else f"{_char(low)}-{_char(high)}"
        for low, high in (left if is_inverse else ranges)
    )
    return f"[{'^' if is_inverse else ''}{inside}]"


def _char(code: int) -> str:
    char = chr(code)
    named = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}.get(char)
    if named is not None:
        return named
    if char in r"\]^-[&~|":
        return "\\" + char
    return f"\\x{code:02x}" if code < 0x20 or 0x7F <= code < 0xA0 else char
