"""Sets of characters as sorted ranges of code points, and their automata over UTF-8.

``\\w``, ``\\d`` and ``\\s`` are what the running Python's ``re`` matches: its own engine is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from sglc.constraints.automaton import Automaton

Ranges = tuple[tuple[int, int], ...]  # sorted, both ends included, apart from each other

MAX_CHAR: Final = 0x10FFFF
ASCII: Final[Ranges] = ((0, 0x7F),)
ANY_CHAR: Final[Ranges] = ((0, MAX_CHAR),)
ANY_TEXT: Final[Ranges] = ((0, 0xD7FF), (0xE000, MAX_CHAR))  # surrogates have no UTF-8


def merge(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort and join ranges."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        elif low <= high:
            out.append((low, high))
    return tuple(out)


def chars(text: Iterable[str]) -> Ranges:
    """The set of these characters."""
    return merge((ord(c), ord(c)) for c in text)


def invert(ranges: Ranges) -> Ranges:
    """All code points that are not in the set."""
    out, low = [], 0
    for start, end in ranges:
        if start > low:
            out.append((low, start - 1))
        low = end + 1
    if low <= MAX_CHAR:
        out.append((low, MAX_CHAR))
    return tuple(out)


def intersect(left: Ranges, right: Ranges) -> Ranges:
    """The characters of both sets."""
    return invert(merge(invert(left) + invert(right)))


def size(ranges: Ranges) -> int:
    """How many code points the set has."""
    return sum(high - low + 1 for low, high in ranges)


@lru_cache(maxsize=64)
def matched(pattern: re.Pattern[str], within: Ranges = ANY_CHAR) -> Ranges:
    """The characters of ``within`` that ``pattern``, which matches runs of them, matches."""
    text = all_chars()
    return tuple(
        (found.start(), found.end() - 1)
        for low, high in within
        for found in pattern.finditer(text, low, high + 1)
    )


@lru_cache(maxsize=256)
def char_automaton(ranges: Ranges) -> Automaton:
    """One character of the set, in UTF-8."""
    return _Utf8(intersect(ranges, ANY_TEXT)).automaton()


@lru_cache(maxsize=1)
def all_chars() -> str:
    """All code points in order, surrogates too."""
    plane = bytearray(4 << 16)  # UTF-32, the low two bytes of which are the same in every plane
    plane[0::4] = bytes(range(256)) * 256
    plane[1::4] = b"".join(bytes([high]) * 256 for high in range(256))
    planes: list[str] = []
    for number in range(17):
        plane[2::4] = bytes([number]) * (1 << 16)
        planes.append(plane.decode("utf-32-le", "surrogatepass"))
    return "".join(planes)


class _Utf8:
    """One state per distinct set of continuations, so the result is nearly minimal at once."""

    def __init__(self, ranges: Ranges) -> None:
        self._ranges = ranges
        self._rows: list[dict[int, int]] = [{}, {}, {}]  # dead, start, end
        self._known: dict[tuple[int, Ranges], int] = {}

    def automaton(self) -> Automaton:
        start = self._rows[1]
        for low, high in intersect(self._ranges, ((0, 0x7F),)):
            start |= dict.fromkeys(range(low, high + 1), 2)
        for level, lead, first, last in ((1, 0xC0, 2, 31), (2, 0xE0, 0, 15), (3, 0xF0, 0, 4)):
            block = 64**level
            shortest = (0x80, 0x800, 0x10000)[level - 1]
            for i in range(first, last + 1):
                low, high = max(i * block, shortest), min(i * block + block - 1, MAX_CHAR)
                inside = self._inside(self._ranges, low, high)
                if inside:
                    start[lead + i] = self._state(level, _shift(inside, i * block))
        return Automaton.from_rows(self._rows, (2,), 1)

    def _state(self, level: int, ranges: Ranges) -> int:
        """The state with ``level`` bytes to come, for code points relative to its block."""
        key = (level, ranges)
        if key in self._known:
            return self._known[key]
        row: dict[int, int] = {}
        block = 64 ** (level - 1)
        if level == 1:
            for low, high in ranges:
                row |= dict.fromkeys(range(0x80 + low, 0x81 + high), 2)
        else:
            for i in range(64):
                inside = self._inside(ranges, i * block, i * block + block - 1)
                if inside:
                    row[0x80 + i] = self._state(level - 1, _shift(inside, i * block))
        self._rows.append(row)
        self._known[key] = len(self._rows) - 1
        return self._known[key]

    @staticmethod
    def _inside(ranges: Ranges, low: int, high: int) -> Ranges:
        return tuple(
            (max(a, low), min(b, high)) for a, b in ranges if a <= high and b >= low and low <= high
        )


def _shift(ranges: Ranges, base: int) -> Ranges:
    return tuple((low - base, high - base) for low, high in ranges)
