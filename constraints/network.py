"""Subset construction over a network of automata: the one way to concatenate, unite and repeat.

A network has parts. A part that has read one of its members may hand over to the parts that
follow it. A copied part costs nothing here: copies are the same table under another number.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sglc.constraints.minimize import Canonical, canonical
from sglc.constraints.rows import Row, overlay, regroup, remap

MAX_STATES = 100_000
WORK_PER_STATE = 400  # table entries looked at per allowed state before giving up
_SHIFT = 32
_LOCAL = (1 << _SHIFT) - 1


class AutomatonTooLarge(ValueError):
    """An automaton needs more states, or more work, than allowed."""

    def __init__(self, max_states: int) -> None:
        super().__init__(
            f"the automaton needs more than {max_states} states: bound the text (`max=`), lower "
            "the counts of repetitions, or use ASCII classes such as [a-z0-9_] for \\w"
        )
        self.max_states = max_states


class Part(Protocol):
    """What the construction reads of an automaton."""

    @property
    def classes(self) -> bytes: ...
    @property
    def rows(self) -> Sequence[Row]: ...
    @property
    def accepting(self) -> Container[int]: ...
    @property
    def start(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Network:
    """Parts by number; ``follow[i]`` may start when part ``i`` is complete, ``last`` may end."""

    parts: Sequence[Part]
    first: Sequence[int]
    follow: Sequence[Sequence[int]]
    last: frozenset[int]
    empty: bool = False


def joint_classes(maps: Iterable[bytes]) -> tuple[bytes, list[int]]:
    """The coarsest classes that refine all ``maps``, and the first byte of each class."""
    seen: dict[tuple[int, ...], int] = {}
    distinct = list(dict.fromkeys(maps))
    if len(distinct) == 1:
        joint = distinct[0]
    else:
        joint = bytes([seen.setdefault(key, len(seen)) for key in zip(*distinct, strict=True)])
    first = list(map(joint.index, range(max(joint) + 1)))
    return joint, first


def solve(network: Network, max_states: int = MAX_STATES) -> Canonical:
    """The minimal canonical automaton of all texts that lead through ``network``.

    Raises:
        AutomatonTooLarge: more than ``max_states`` states, or the work for as many.
    """
    return _Subsets(network, max_states).run()


class _Single(dict[int, int]):
    """Subset number by the next state of a lone member of one part."""

    def __init__(self, subsets: _Subsets, part: int) -> None:
        super().__init__()
        self._subsets = subsets
        self._part = part

    def __missing__(self, state: int) -> int:
        found = self[state] = self._subsets.number(((self._part << _SHIFT) + state,))
        return found


class _Subsets:
    """A subset is a frozen set of (part, state) numbers, and whether it accepts.

    States that are complete and lead nowhere are left out of the set, so that a chain of parts
    that end by themselves stays a chain of lone members.
    """

    def __init__(self, network: Network, max_states: int) -> None:
        self._network = network
        self._max_states = max_states
        self._classes, first = joint_classes(part.classes for part in network.parts)
        self._width = len(first)
        self._wide: dict[bytes, dict[bytes, bytes]] = {}  # patterns over all classes, by their own
        self._first = bytes(first)
        self._overlays: dict[tuple[bytes, ...], tuple[bytes, list[tuple[int, ...]]]] = {}
        self._after: dict[int, tuple[frozenset[int], bool]] = {}
        self._numbers: dict[tuple[frozenset[int], bool], int] = {(frozenset(), False): 0}
        self._todo: list[frozenset[int]] = [frozenset()]
        self._accepting: set[int] = set()
        self._singles = [_Single(self, part) for part in range(len(network.parts))]

    def run(self) -> Canonical:
        members, accepts = self._begin(self._network.first)
        start = self._intern(members, accepts or self._network.empty)
        rows: list[Row] = []
        budget = self._max_states * WORK_PER_STATE
        for subset in self._todo:
            rows.append(self._row(subset))
            budget -= self._width * len(subset)
            if len(self._todo) > self._max_states + 1 or budget < 0:
                raise AutomatonTooLarge(self._max_states)
        return canonical(self._classes, rows, self._accepting, start)

    def number(self, members: Iterable[int]) -> int:
        """The number of the subset that ``members`` and all they hand over to form."""
        live: set[int] = set()
        accepts = False
        for member in members:
            at, state = member >> _SHIFT, member & _LOCAL
            part = self._network.parts[at]
            if state not in part.accepting:
                live.add(member)
                continue
            after, ends = self._follow(at)
            live |= after
            accepts = accepts or ends or at in self._network.last
            if part.rows[state][1]:
                live.add(member)
        return self._intern(frozenset(live), accepts)

    def _intern(self, subset: frozenset[int], accepts: bool) -> int:
        number = self._numbers.setdefault((subset, accepts), len(self._todo))
        if number == len(self._todo):
            self._todo.append(subset)
            if accepts:
                self._accepting.add(number)
        return number

    def _row(self, subset: frozenset[int]) -> Row:
        if not subset:
            return bytes(self._width), ()
        if len(subset) == 1:
            (member,) = subset
            row = self._part_row(member)
            return remap(row, self._singles[member >> _SHIFT].__getitem__)
        members = sorted(subset)
        rows = [self._part_row(member) for member in members]
        patterns = tuple(row[0] for row in rows)
        if patterns not in self._overlays:
            self._overlays[patterns] = overlay(patterns)
        pattern, groups = self._overlays[patterns]
        bases = [member >> _SHIFT << _SHIFT for member in members]
        targets = [
            self.number(
                base + row[1][slot - 1]
                for base, row, slot in zip(bases, rows, group, strict=True)
                if slot
            )
            for group in groups
        ]
        return regroup(pattern, targets)

    def _part_row(self, member: int) -> Row:
        part = self._network.parts[member >> _SHIFT]
        pattern, targets = part.rows[member & _LOCAL]
        wide = self._wide.setdefault(part.classes, {})
        found = wide.get(pattern)
        if found is None:
            columns = self._first.translate(part.classes)
            found = wide[pattern] = columns.translate(pattern.ljust(256, b"\0"))
        return found, targets

    def _follow(self, part: int) -> tuple[frozenset[int], bool]:
        if part not in self._after:
            self._after[part] = self._begin(self._network.follow[part])
        return self._after[part]

    def _begin(self, parts: Iterable[int]) -> tuple[frozenset[int], bool]:
        """The live start states of ``parts`` and of what follows those that may be empty."""
        live: set[int] = set()
        seen: set[int] = set()
        accepts = False
        todo = list(parts)
        while todo:
            at = todo.pop()
            part = self._network.parts[at]
            if at in seen or not part.start:
                continue
            seen.add(at)
            if part.rows[part.start][1]:
                live.add((at << _SHIFT) + part.start)
            if part.start in part.accepting:
                accepts = accepts or at in self._network.last
                todo += self._network.follow[at]
        return frozenset(live), accepts
