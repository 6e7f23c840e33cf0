"""Decimal numerals: all integers of an interval, decimal fractions of a given size."""

from __future__ import annotations

from sglc.constraints.syntax import Chars, Node, Repeat, Text, alt, optional, seq


def digit(low: str = "0", high: str = "9") -> Node:
    """One digit from ``low`` to ``high``."""
    return Chars(((ord(low), ord(high)),))


def integer(low: int | None, high: int | None) -> Node:
    """The integers from ``low`` to ``high`` (None: without end), without leading zeros or -0.

    With neither bound ``-0`` is written too, as JSON has it.
    """
    if low is None and high is None:
        return seq(optional(Text("-")), whole(None))
    parts: list[Node] = []
    if low is None or low < 0:  # the same numerals with a sign, from the other end
        least = 1 if high is None or high >= 0 else -high
        parts.append(seq(Text("-"), _naturals(least, None if low is None else -low)))
    if high is None or high >= 0:
        parts.append(_naturals(max(low or 0, 0), high))
    return alt(*parts)


def whole(digits: int | None) -> Node:
    """0, or at most ``digits`` digits of which the first is not 0."""
    most = None if digits is None else max(digits - 1, 0)
    more = seq(digit("1"), Repeat(digit(), 0, most))
    return alt(Text("0"), more) if digits is None or digits > 0 else Text("0")


def number(digits: int | None, decimals: int | None) -> Node:
    """A number with at most ``digits`` digits before the point and ``decimals`` after it."""
    node = seq(optional(Text("-")), whole(digits))
    if decimals is not None and decimals < 1:
        return node
    return seq(node, optional(seq(Text("."), Repeat(digit(), 1, decimals))))


def _naturals(low: int, high: int | None) -> Node:
    """The numerals from ``low`` >= 0 to ``high``; none if there is no such number."""
    parts: list[Node] = []
    if high is None:
        width = len(str(low))
        parts.append(seq(digit("1"), Repeat(digit(), width, None)))
        high = 10**width - 1
    for width in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (width - 1) if width > 1 else 0)
        last = min(high, 10**width - 1)
        if first <= last:
            parts += _same_width(str(first), str(last))
    return alt(*parts)


def _same_width(low: str, high: str) -> list[Node]:
    """The numerals from ``low`` to ``high``, all of one width."""
    same = 0
    while same < len(low) and low[same] == high[same]:
        same += 1
    if same == len(low):
        return [Text(low)]
    head, rest = Text(low[:same]), len(low) - same - 1
    up, down = low[same + 1 :], high[same + 1 :]
    first, last = ord(low[same]), ord(high[same])
    parts: list[Node] = []
    if up.strip("0"):
        parts += _tails(seq(head, Text(chr(first))), up, "9" * rest)
        first += 1
    if down.strip("9"):
        last -= 1
    if first <= last:
        parts.append(seq(head, digit(chr(first), chr(last)), Repeat(digit(), rest, rest)))
    if down.strip("9"):
        parts += _tails(seq(head, Text(high[same])), "0" * rest, down)
    return parts


def _tails(head: Node, low: str, high: str) -> list[Node]:
    return [seq(head, tail) for tail in _same_width(low, high)]
