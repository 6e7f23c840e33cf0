"""The short members of an automaton, without the product with all lengths."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from sglc.constraints.automaton import Automaton
from sglc.constraints.network import Fragment, Network
from sglc.constraints.rows import Row, remap
from sglc.constraints.syntax import PLAIN, Encoding, Node, Span


@dataclass(frozen=True, slots=True, eq=False)
class Shortened(Node):
    """The members of at most ``max_bytes`` bytes. The most of ``span`` is a bound."""

    members: Automaton
    max_bytes: int

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        return net.leaf(ShortenedPart(self.members, self.max_bytes))

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        least = self.members.distances[self.members.start]
        if not self.members.start or least > self.max_bytes:
            return None
        longest = self.members.longest_len()
        most = self.max_bytes if longest is None else min(longest, self.max_bytes)
        return (least, most) if in_bytes else (-(-least // 4), most)


class ShortenedPart:
    """A part of a network whose rows are worked out when they are asked for.

    State ``1 + read * width + at`` is state ``at + 1`` of the members after ``read`` bytes; only
    those from which an end is near enough are led to.
    """

    def __init__(self, members: Automaton, max_bytes: int) -> None:
        self.classes = members.classes
        self.rows: Sequence[Row] = _Rows(members, max_bytes)
        self.accepting: Collection[int] = _Accepting(members, max_bytes)
        self.distances: Sequence[int] = _Distances(members, max_bytes)
        is_short = members.distances[members.start] <= max_bytes
        self.start = members.start if is_short else 0


class _Rows(Sequence[Row]):
    def __init__(self, members: Automaton, max_bytes: int) -> None:
        self._members = members
        self._max_bytes = max_bytes
        self._width = members.num_states - 1
        self._known: dict[int, Row] = {}

    def __len__(self) -> int:
        return 1 + self._width * (self._max_bytes + 1)

    @overload
    def __getitem__(self, state: int) -> Row: ...
    @overload
    def __getitem__(self, state: slice) -> Sequence[Row]: ...
    def __getitem__(self, state: int | slice) -> Row | Sequence[Row]:
        if isinstance(state, slice):
            return [self[each] for each in range(*state.indices(len(self)))]
        if not state:
            return self._members.rows[0]
        found = self._known.get(state)
        if found is None:
            read, at = divmod(state - 1, self._width)
            base, left = (read + 1) * self._width, self._max_bytes - read - 1
            distances = self._members.distances
            found = self._known[state] = remap(
                self._members.rows[at + 1], lambda t: base + t if distances[t] <= left else 0
            )
        return found


class _Accepting(Collection[int]):
    def __init__(self, members: Automaton, max_bytes: int) -> None:
        self._members = members
        self._width = members.num_states - 1
        self._max_bytes = max_bytes

    def __contains__(self, state: object) -> bool:
        return (
            isinstance(state, int)
            and state > 0
            and (state - 1) % self._width + 1 in self._members.accepting
        )

    def __iter__(self) -> Iterator[int]:
        for read in range(self._max_bytes + 1):
            for state in sorted(self._members.accepting):
                yield read * self._width + state

    def __len__(self) -> int:
        return len(self._members.accepting) * (self._max_bytes + 1)


class _Distances(Sequence[int]):
    """The fewest bytes to an end: where one is led to, an end is near enough."""

    def __init__(self, members: Automaton, max_bytes: int) -> None:
        self._known = members.distances
        self._width = members.num_states - 1
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return 1 + self._width * (self._max_bytes + 1)

    @overload
    def __getitem__(self, state: int) -> int: ...
    @overload
    def __getitem__(self, state: slice) -> Sequence[int]: ...
    def __getitem__(self, state: int | slice) -> int | Sequence[int]:
        if isinstance(state, slice):
            return [self[each] for each in range(*state.indices(len(self)))]
        return self._known[(state - 1) % self._width + 1] if state else 0
