"""The rows of an automaton as flat arrays: how they lie on disk, and how numpy reads them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate, chain
from typing import TypeAlias, overload

from sglc.constraints.rows import Row

Ints: TypeAlias = "memoryview[int] | array[int]"


class PackedRows(Sequence[Row]):
    """Rows over flat arrays, which may lie in a mapped file. Nothing may write into them.

    Attributes:
        num_classes: columns of a row.
        patterns: patterns of ``num_classes`` bytes each, one after the other.
        pattern_of: [N] int32, which pattern a state has.
        way_of: [N] int32, where the ways of a state begin.
        ways: int32, by state: 0, then its targets. Column ``c`` of state ``s`` leads to
            ``ways[way_of[s] + pattern[c]]``.
    """

    __slots__ = ("num_classes", "pattern_of", "patterns", "way_of", "ways")

    def __init__(
        self, num_classes: int, patterns: bytes, pattern_of: Ints, way_of: Ints, ways: Ints
    ) -> None:
        self.num_classes = num_classes
        self.patterns = patterns
        self.pattern_of = pattern_of
        self.way_of = way_of
        self.ways = ways

    @classmethod
    def of(cls, rows: Sequence[Row]) -> PackedRows:
        """Pack rows, unless they are packed."""
        if isinstance(rows, cls):
            return rows
        numbers: dict[bytes, int] = {}
        pattern_of = array("i", [numbers.setdefault(p, len(numbers)) for p, _ in rows])
        ends = accumulate((len(targets) + 1 for _, targets in rows), initial=0)
        way_of = array("i", list(ends)[:-1])
        ways = array("i", list(chain.from_iterable((0, *targets) for _, targets in rows)))
        return cls(len(rows[0][0]), b"".join(numbers), pattern_of, way_of, ways)

    def __len__(self) -> int:
        return len(self.way_of)

    @overload
    def __getitem__(self, state: int) -> Row: ...
    @overload
    def __getitem__(self, state: slice) -> Sequence[Row]: ...
    def __getitem__(self, state: int | slice) -> Row | Sequence[Row]:
        if isinstance(state, slice):
            return [self[i] for i in range(*state.indices(len(self)))]
        at, width = self.pattern_of[state], self.num_classes
        begin = self.way_of[state] + 1
        state %= len(self.way_of)
        end = self.way_of[state + 1] if state + 1 < len(self.way_of) else len(self.ways)
        return self.patterns[at * width : (at + 1) * width], tuple(self.ways[begin:end])
