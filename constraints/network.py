"""Subset construction over a network of automata: the one way to concatenate, unite and repeat.

A network has parts. A part that has read one of its members may hand over to the parts that
follow it. A whole regex or record becomes one network, solved once. A copied part costs nothing
here: copies are the same rows under another number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

from sglc.constraints.minimize import Canonical, canonical, components
from sglc.constraints.rows import Row, overlay, regroup, remap
from sglc.constraints.work import Work

_SHIFT = 32
_LOCAL = (1 << _SHIFT) - 1


class NotRegularError(ValueError):
    """A language that nests without end was asked for its automaton."""


class Part(Protocol):
    """What the construction reads of an automaton."""

    @property
    def classes(self) -> bytes: ...
    @property
    def rows(self) -> Sequence[Row]: ...
    @property
    def accepting(self) -> Collection[int]: ...
    @property
    def start(self) -> int: ...


class Copies(NamedTuple):
    """A plain part: see ``chain``."""

    classes: bytes
    rows: list[Row]
    accepting: range
    start: int


_CALLED = Copies(bytes(256), [(b"\0", ())], range(0), 0)
_GATE = Copies(bytes(256), [(b"\0", ()), (b"\0", ())], range(1, 2), 1)  # the empty text
_FEW = 8  # parts that may be joined each with each, or listed one by one


class Fragment(NamedTuple):
    """A stretch of a network: where it begins and ends, and whether it may be skipped."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    empty: bool = False


class Network:
    """Parts by number; ``follow[i]`` are those that may begin where part ``i`` is complete.

    A part in ``calls`` stands for the texts of a rule by that name: see ``pushdown``.
    """

    def __init__(self, work: Work | None = None) -> None:
        self.work = work or Work()
        self.max_states = self.work.max_states
        self.parts: list[Part] = []
        self.follow: list[tuple[int, ...]] = []
        self.calls: dict[int, str] = {}

    def call(self, rule: str) -> Fragment:
        """A text of another network, known by its name."""
        fragment = self.leaf(_CALLED)
        self.calls[fragment.first[0]] = rule
        return fragment

    def leaf(self, part: Part) -> Fragment:
        """One part, once."""
        self.parts.append(part)
        self.follow.append(())
        return Fragment((len(self.parts) - 1,), (len(self.parts) - 1,))

    def sequence(self, fragments: Iterable[Fragment]) -> Fragment:
        """The fragments in order."""
        whole = Fragment((), (), True)
        for fragment in fragments:
            if max(len(whole.last), len(whole.first) * whole.empty) > _FEW:
                whole = self._gated(whole)
            self.connect(whole.last, fragment.first)
            whole = Fragment(
                whole.first + fragment.first if whole.empty else whole.first,
                fragment.last + whole.last if fragment.empty else fragment.last,
                whole.empty and fragment.empty,
            )
        return whole

    def _gated(self, whole: Fragment) -> Fragment:
        """The same stretch with one end, and one beginning if it may be skipped.

        A long row of stretches that may be skipped would list all of them at each.
        """
        end = self.leaf(_GATE)
        self.connect(whole.last, end.first)
        if not whole.empty:
            return Fragment(whole.first, end.last)
        begin = self.leaf(_GATE)
        self.connect(begin.last, (*whole.first, *end.first))
        return Fragment(begin.first, end.last)

    def any_of(self, fragments: Sequence[Fragment]) -> Fragment:
        """Any of the fragments."""
        first = tuple(part for fragment in fragments for part in fragment.first)
        last = tuple(part for fragment in fragments for part in fragment.last)
        return Fragment(first, last, any(fragment.empty for fragment in fragments))

    def copies(self, part: Part, least: int, most: int | None) -> Fragment:
        """``least`` to ``most`` copies in a row, without end if ``most`` is None."""
        count = max(least, 1) if most is None else most
        self.work.check_states(count)
        run = [self.leaf(part).first for _ in range(count)]
        for one, other in pairwise(run):
            self.connect(one, other)
        if most is None:
            self.connect(run[-1], run[-1])
        return Fragment(run[0], tuple(i for (i,) in run[max(least, 1) - 1 :]), least < 1)

    def connect(self, last: tuple[int, ...], first: tuple[int, ...]) -> None:
        """Let every part of ``first`` begin where one of ``last`` is complete."""
        if min(len(last), len(first)) > _FEW:
            gate = self.leaf(_GATE).first
            self.connect(gate, first)
            first = gate
        for part in last:
            self.follow[part] += first

    def solve(self, fragment: Fragment) -> Canonical:
        """The minimal canonical automaton of all texts that lead through ``fragment``.

        Raises:
            AutomatonTooLarge: more than ``max_states`` states, or the work for as many.
            NotRegularError: a part is a call.
        """
        if self.calls:
            raise NotRegularError("what calls rules has no finite automaton")
        return _Subsets(self, fragment).run()


def chain(part: Part, least: int, most: int, work: Work) -> Copies | None:
    """``least`` to ``most`` copies in a row of a minimal ``part``, minimal as they are.

    None unless the part is finite and prefix-free. Prefix-free sets factor uniquely, so a state
    of one copy equals no state of another, and a finite set is too short to equal one that is
    followed by more copies of it.
    """
    final = next(iter(part.accepting), 0)
    if part.rows[final][1] or len(part.accepting) != 1 or len(part.rows) < 3:
        return None
    if any(len(c) > 1 or c[0] in part.rows[c[0]][1] for c in components(part.rows, part.start)):
        return None
    size = len(part.rows) - 2
    work.check_states(most * size + 1)
    places = [state - (state > final) for state in range(len(part.rows))]
    places[final] = size + 1  # the start of the next copy
    copy = [
        (pattern, [places[target] for target in targets])
        for state, (pattern, targets) in enumerate(part.rows)
        if state not in (0, final)
    ]
    dead = part.rows[0]
    rows: list[Row] = [dead]
    for base in range(0, most * size, size):
        rows += [(pattern, tuple([t + base for t in targets])) for pattern, targets in copy]
    rows.append(dead)
    return Copies(part.classes, rows, range(least * size + 1, most * size + 2, size), 1)


def joint_classes(maps: Iterable[bytes]) -> tuple[bytes, list[int]]:
    """The coarsest classes that refine all ``maps``, and the first byte of each class."""
    seen: dict[tuple[int, ...], int] = {}
    distinct = list(dict.fromkeys(maps)) or [bytes(256)]
    if len(distinct) == 1:
        joint = distinct[0]
    else:
        joint = bytes([seen.setdefault(key, len(seen)) for key in zip(*distinct, strict=True)])
    first = list(map(joint.index, range(max(joint) + 1)))
    return joint, first


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

    def __init__(self, network: Network, fragment: Fragment) -> None:
        self._network = network
        self._work = network.work
        self._fragment = fragment
        self._last = frozenset(fragment.last)
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
        members, accepts = self._begin(self._fragment.first)
        start = self._intern(members, accepts or self._fragment.empty)
        rows: list[Row] = []
        for subset in self._todo:
            rows.append(self._row(subset))
            self._work.check_states(len(self._todo) - 1)
        return canonical(self._classes, rows, self._accepting, start, self._work)

    def number(self, members: Iterable[int]) -> int:
        """The number of the subset that ``members`` and all they hand over to form."""
        live: set[int] = set()
        accepts = False
        cost = 3
        for member in members:
            cost += 1
            at, state = member >> _SHIFT, member & _LOCAL
            part = self._network.parts[at]
            if state not in part.accepting:
                live.add(member)
                continue
            after, ends = self._follow(at)
            live |= after
            cost += len(after) >> 4
            accepts = accepts or ends or at in self._last
            if part.rows[state][1]:
                live.add(member)
        self._work.spend(cost)
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
        self._work.spend(2 * len(subset))
        members = sorted(subset)
        rows = [self._part_row(member) for member in members]
        patterns = tuple(row[0] for row in rows)
        if patterns not in self._overlays:
            self._work.spend(len(patterns) * self._width >> 4)
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
        self._work.spend(len(todo) >> 2)
        while todo:
            at = todo.pop()
            part = self._network.parts[at]
            if at in seen or not part.start:
                continue
            seen.add(at)
            if part.rows[part.start][1]:
                live.add((at << _SHIFT) + part.start)
            if part.start in part.accepting:
                accepts = accepts or at in self._last
                todo += self._network.follow[at]
                self._work.spend(1 + (len(self._network.follow[at]) >> 2))
        self._work.spend(len(live))  # they are kept
        return frozenset(live), accepts
