"""Minimal canonical form of a deterministic automaton given as rows over byte classes.

Strongly connected components are settled successors first: a state on no cycle is looked up by
its row, a component is refined on its own and then compared with those already settled. Nearly
all of a constraint's states lie on no cycle, so the cost is about one pass over the table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from sglc.constraints.rows import Row, cells, remap
from sglc.constraints.work import Work

Outline = tuple[bool, Row]  # whether a state accepts, and its row with targets of its kind as -1
Sign = tuple[
    bool, Row
]  # the same for equal states: a row of ranks, which are the same for them too


class Canonical(NamedTuple):
    """Byte classes, rows and accepting states; state 0 is dead, 1 is the start."""

    classes: bytes
    rows: Sequence[Row]
    accepting: frozenset[int]


def canonical(
    classes: bytes,
    rows: Sequence[Row],
    accepting: Container[int],
    start: int,
    work: Work | None = None,
) -> Canonical:
    """The minimal automaton of the same language, with states and classes in canonical order.

    A row has a column per class; classes are numbered by their first byte. Two automata of one
    language give equal results. The empty language has state 0 only.

    Raises:
        AutomatonTooLarge: telling the states apart is more than the ``work`` that is left, or that
            of an automaton of the largest size.
    """
    work = work or Work()
    work.spend(2 * len(rows))
    merged = _Merge(rows, accepting, work)
    for component in components(rows, start):
        merged.settle(component)
    return number(classes, merged.rows, merged.accepting, merged.new[start])


def number(classes: bytes, rows: Sequence[Row], accepting: Container[int], start: int) -> Canonical:
    """Number the states of a minimal automaton breadth first, and join equal byte classes."""
    numbers = [0] * len(rows)
    order = [start] if start else []
    numbers[start] = 1 if start else 0
    for state in order:
        for target in rows[state][1]:
            if not numbers[target]:
                order.append(target)
                numbers[target] = len(order)
    new = numbers.__getitem__
    ordered = [(rows[q][0], tuple(map(new, rows[q][1]))) for q in order]
    accepted = frozenset(i for i, state in enumerate(order, 1) if state in accepting)
    return _join_columns(classes, [(bytes(len(rows[0][0])), ()), *ordered], accepted)


def components(rows: Sequence[Row], start: int) -> Iterator[list[int]]:
    """Strongly connected components that ``start`` reaches, successors first (Gabow's method)."""
    if not start:
        return
    order = [0] * len(rows)  # 0 unseen, else the time of discovery; settled states get _SETTLED
    order[0] = _SETTLED
    order[start] = clock = 1
    path, roots = [start], [start]
    work = [(start, iter(rows[start][1]))]
    while work:
        state, targets = work[-1]
        for target in targets:
            seen = order[target]
            if not seen:
                clock += 1
                order[target] = clock
                path.append(target)
                roots.append(target)
                work.append((target, iter(rows[target][1])))
                break
            if seen != _SETTLED:
                while order[roots[-1]] > seen:
                    roots.pop()
        else:
            work.pop()
            if roots[-1] == state:
                roots.pop()
                at = len(path) - 1
                while path[at] != state:
                    at -= 1
                component = path[at:]
                del path[at:]
                for member in component:
                    order[member] = _SETTLED
                yield component


_SETTLED = 1 << 60
_READS = bytes((0, *[1] * 255))


class _Merge:
    """Settled states: ``new[old]`` is the state that stands for ``old``, 0 if it is dead."""

    def __init__(self, rows: Sequence[Row], accepting: Container[int], work: Work) -> None:
        self._work = work
        self._old_rows = rows
        self._old_accepting = accepting
        self.new = [0] * len(rows)
        self.rows: list[Row] = [(bytes(len(rows[0][0])), ())]
        self.accepting: set[int] = set()
        self._known: tuple[dict[Row, int], dict[Row, int]] = ({}, {})  # by (accepting, row)
        self._ranks: dict[tuple[bool, bytes], int] = {}  # by what a state accepts and reads
        self._rank: dict[int, int] = {}  # by settled state
        # Settled states on cycles, by sign: all by each target, and those that nothing leaves.
        self._cyclic_into: dict[int, dict[Sign, list[int]]] = defaultdict(dict)
        self._sinks: dict[tuple[Sign, int], list[int]] = {}  # and by size of the component

    def settle(self, component: list[int]) -> None:
        state = component[0]
        if len(component) > 1 or state in self._old_rows[state][1]:
            self._settle_cycle(component)
            return
        row = remap(self._old_rows[state], self.new.__getitem__)
        accepts = state in self._old_accepting
        if not accepts and not row[1]:
            return
        found = self._known[accepts].get(row)
        self.new[state] = self._add(row, accepts) if found is None else found

    def _add(self, row: Row, accepts: bool) -> int:
        state = len(self.rows)
        self.rows.append(row)
        self._known[accepts][row] = state
        if accepts:
            self.accepting.add(state)
        return state

    def _settle_cycle(self, component: list[int]) -> None:
        new, rows = self.new, self._old_rows
        for state in component:
            new[state] = -1
        outline = {
            q: (q in self._old_accepting, remap(rows[q], new.__getitem__)) for q in component
        }
        if not any(accepts or any(t > 0 for t in row[1]) for accepts, row in outline.values()):
            for state in component:
                new[state] = 0
            return
        blocks = self._refine(component, outline)
        leaders = {block: members[0] for block, members in blocks.items()}
        is_sink = not any(t > 0 for q in leaders.values() for t in outline[q][1][1])
        same = self._find_same(leaders, is_sink)
        fresh = len(self.rows)
        for at, (block, members) in enumerate(blocks.items()):
            for state in members:
                new[state] = same[block] if same else fresh + at
        if same:
            return
        for leader in leaders.values():
            self._add(remap(rows[leader], new.__getitem__), outline[leader][0])
        for state in range(fresh, len(self.rows)):
            self._register(state, is_sink * len(leaders))

    def _register(self, state: int, sink_size: int) -> None:
        """Let a settled state on a cycle be found by the equal states of later components."""
        row = self.rows[state]
        sign = state in self.accepting, remap(row, self._settled_rank)
        for target in row[1]:
            self._cyclic_into[target].setdefault(sign, []).append(state)
        if sink_size:
            self._sinks.setdefault((sign, sink_size), []).append(state)

    def _settled_rank(self, state: int) -> int:
        rank = self._rank.get(state)
        if rank is None:
            rank = self._rank_of(state in self.accepting, self.rows[state])
            self._rank[state] = rank
        return rank

    def _rank_of(self, accepts: bool, row: Row) -> int:
        return self._ranks.setdefault((accepts, row[0].translate(_READS)), len(self._ranks) + 1)

    def _refine(self, component: list[int], outline: dict[int, Outline]) -> dict[int, list[int]]:
        """Blocks of equivalent states of one component, by block number; numbers are negative.

        Each round signs anew only the states with a moved successor, and the largest part of a
        block keeps its number, so that a state moves at most log(n) times.
        """
        self._work.spend(5 * len(component))
        new, rows = self.new, self._old_rows
        sources: dict[int, list[int]] = {state: [] for state in component}
        for state in component:
            for target in rows[state][1]:
                if target in sources:
                    sources[target].append(state)
        first: dict[Outline, int] = {}
        blocks: dict[int, set[int]] = defaultdict(set)
        for state in component:
            new[state] = -1 - first.setdefault(outline[state], len(first))
            blocks[new[state]].add(state)
        dirty = set(component)
        while dirty:
            self._work.spend(5 * len(dirty))
            parts: dict[tuple[int, Row], list[int]] = defaultdict(list)
            for state in dirty:
                parts[new[state], remap(rows[state], new.__getitem__)].append(state)
            by_block: dict[int, list[list[int]]] = defaultdict(list)
            for (block, _), part in parts.items():
                by_block[block].append(part)
            moved: list[int] = []
            for block, split in by_block.items():
                rest = len(blocks[block]) - sum(map(len, split))
                split.sort(key=len)
                if rest < len(split[-1]):  # the largest dirty part keeps the number
                    keep = split.pop()
                    if rest:
                        split.append(list(blocks[block].difference(keep, *split)))
                for part in split:
                    number = -1 - len(blocks)
                    blocks[block].difference_update(part)
                    blocks[number] = set(part)
                    for state in part:
                        new[state] = number
                    moved += part
            dirty = {source for state in moved for source in sources[state]}
        return {block: sorted(members) for block, members in blocks.items()}

    def _find_same(self, leaders: dict[int, int], is_sink: bool) -> dict[int, int]:
        """Settled states equal to the blocks (all blocks or none), by block number.

        Whatever equals a state with a settled target has that target too.
        """
        new = self.new
        mine = {b: remap(self._old_rows[q], new.__getitem__) for b, q in leaders.items()}
        accepts = {b: q in self._old_accepting for b, q in leaders.items()}
        ranks = {b: self._rank_of(accepts[b], row) for b, row in mine.items()}
        rank_of = {
            t: ranks.get(t) or self._settled_rank(t) for row in mine.values() for t in row[1]
        }
        signs = {b: (accepts[b], remap(row, rank_of.__getitem__)) for b, row in mine.items()}
        if is_sink:
            found = [(self._sinks.get((sign, len(mine)), []), b) for b, sign in signs.items()]
        else:
            found = [
                (self._cyclic_into[target].get(signs[block], []), block)
                for block, row in mine.items()
                for target in row[1]
                if target > 0
            ]
        candidates, begin = min(found, key=lambda choice: len(choice[0]))
        for candidate in candidates:
            same, todo = {begin: candidate}, [begin]
            while todo:
                block = todo.pop()
                self._work.spend(10)
                pairs = set(zip(cells(mine[block]), cells(self.rows[same[block]]), strict=True))
                met = {m: t for m, t in pairs if m < 0}
                agree = all(m == t if m >= 0 else t and same.get(m, t) == t for m, t in pairs)
                if not agree or len(met) < sum(m < 0 for m, _ in pairs):
                    break
                if accepts[block] != (same[block] in self.accepting):
                    break
                todo += [m for m in met if m not in same]
                same |= met
            else:
                return same
        return {}


def _join_columns(classes: bytes, rows: list[Row], accepting: frozenset[int]) -> Canonical:
    patterns = {row[0] for row in rows}
    columns: dict[tuple[int, ...], int] = {}
    joined = bytes([columns.setdefault(c, len(columns)) for c in zip(*patterns, strict=True)])
    if len(columns) == len(joined):
        return Canonical(classes, rows, accepting)
    kept = [joined.index(column) for column in range(len(columns))]
    narrow = {pattern: bytes([pattern[c] for c in kept]) for pattern in patterns}
    return Canonical(
        classes.translate(joined.ljust(256, b"\0")),
        [(narrow[pattern], targets) for pattern, targets in rows],
        accepting,
    )
