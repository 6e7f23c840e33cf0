"""The walk of a vocabulary's trie over a machine: which tokens lead where.

Level by level, in one of two forms. *Narrow*: only the children of nodes that are alive are
looked at, so a state with one way on costs a few numpy calls whatever the vocabulary. *Wide*: all
nodes of the level are, which is several times cheaper by the node.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sglc.runtime.masks.tables import Tables
from sglc.runtime.masks.trie import Ints, Level, Longs, TokenTrie, spread

_WIDE_GAIN = 8  # how many nodes the wide form does while the narrow one does one


class Ways(NamedTuple):
    """Where tokens lead from some states, ``starts``.

    Token ``ids[i]`` leads from state ``starts[owners[i]]`` to the live state ``targets[i]``, [n].
    Token ``left_ids[i]`` passes an accepting state on the way from ``starts[left_owners[i]]``, or
    begins in one, and dies after it, [m]; without end rule ``leave`` nobody asks, and m is 0.
    """

    owners: Longs
    ids: Ints
    targets: Ints
    left_owners: Longs
    left_ids: Ints


class _Front(NamedTuple):
    """Live nodes of a level, n of them: the number of each, whose it is, and where it is.

    ``passed`` [n]: whether an accepting state was met on the way; None if nobody asks.
    """

    nodes: Longs
    owners: Longs
    places: Longs
    passed: NDArray[np.bool_] | None


def walk(trie: TokenTrie, tables: Tables, starts: Ints, *, leave: bool) -> Ways:
    """Walk from every state of ``starts``, all of them live."""
    places = tables.begin(starts)
    passed = tables.accepting(places) if leave else None
    front = _Front(np.zeros(len(starts), np.int64), np.arange(len(starts)), places, passed)
    found = _Found(trie)
    depth = above = 0  # `above`: where the level of the front begins
    while depth < len(trie.levels):
        level = trie.levels[depth]
        counts = trie.num_children.take(front.nodes)
        total = int(counts.sum())
        if not total:
            break
        if len(starts) == 1 and total * _WIDE_GAIN > level.end - level.begin:
            depth, front = _walk_wide(trie, tables, depth, above, front, found)
        else:
            front = _walk_narrow(trie, tables, counts, front, found)
            depth += 1
        above = trie.levels[depth - 1].begin
    return found.ways(tables)


def _walk_narrow(
    trie: TokenTrie, tables: Tables, counts: Ints, front: _Front, found: _Found
) -> _Front:
    """Go down one level; ``counts`` are the children of the nodes."""
    nodes, _ = spread(trie.first_child.take(front.nodes), counts)
    places = tables.step(np.repeat(front.places, counts), trie.byte.take(nodes))
    owners = np.repeat(front.owners, counts)
    passed = front.passed
    live = np.flatnonzero(places > 0)
    if passed is not None:
        passed = np.repeat(passed, counts)
        left = np.flatnonzero(passed & (places == 0))
        found.leave(owners.take(left), nodes.take(left))
    nodes, owners, places = nodes.take(live), owners.take(live), places.take(live)
    if passed is not None:
        passed = passed.take(live) | tables.accepting(places)
    found.end_at(owners, nodes, places)
    return _Front(nodes, owners, places, passed)


def _walk_wide(
    trie: TokenTrie, tables: Tables, depth: int, above: int, front: _Front, found: _Found
) -> tuple[int, _Front]:
    """Go down level by level while many nodes are alive; return the depth and what is left."""
    level = trie.levels[depth]
    places = np.zeros(level.begin - above, np.int64)
    places[front.nodes - above] = front.places
    passed = None
    if front.passed is not None:
        passed = np.zeros(level.begin - above, bool)
        passed[front.nodes - above] = front.passed
    for level in trie.levels[depth:]:
        depth += 1
        places = tables.step(places.take(level.parent), trie.byte[level.begin : level.end])
        if passed is not None:
            passed = passed.take(level.parent)
            left = np.flatnonzero(passed & (places == 0))
            found.leave(np.zeros(len(left), np.int64), left + level.begin)
            passed = (passed | tables.accepting(places)) & (places != 0)
        found.end_level(level, places)
        if int(np.count_nonzero(places > 0)) * _WIDE_GAIN < len(places):
            break
    live = np.flatnonzero(places > 0)
    return depth, _Front(
        live + level.begin,
        np.zeros(len(live), np.int64),
        places.take(live),
        None if passed is None else passed.take(live),
    )


class _Found:
    """What a walk has found so far."""

    def __init__(self, trie: TokenTrie) -> None:
        self._trie = trie
        self._owners: list[Longs] = []
        self._ids: list[Ints] = []
        self._places: list[Longs] = []
        self._left_owners: list[Longs] = []
        self._left_nodes: list[Longs] = []

    def end_at(self, owners: Longs, nodes: Longs, places: Longs) -> None:
        """Note the tokens that end at live nodes."""
        counts = self._trie.num_ending.take(nodes)
        at, _ = spread(self._trie.first_place.take(nodes), counts)
        self._end(np.repeat(owners, counts), self._trie.ids.take(at), np.repeat(places, counts))

    def end_level(self, level: Level, places: Longs) -> None:
        """Note the tokens of a whole level of the only owner that end alive."""
        ends = places.take(level.ends)
        live = np.flatnonzero(ends > 0)
        self._end(np.zeros(len(live), np.int64), level.ids.take(live), ends.take(live))

    def _end(self, owners: Longs, ids: Ints, places: Longs) -> None:
        self._owners.append(owners)
        self._ids.append(ids)
        self._places.append(places)

    def leave(self, owners: Longs, nodes: Longs) -> None:
        """Note all tokens below nodes that died after an accepting state."""
        if len(nodes):
            self._left_owners.append(owners)
            self._left_nodes.append(nodes)

    def ways(self, tables: Tables) -> Ways:
        """Return all of it."""
        left_nodes = _joined(self._left_nodes)
        counts = self._trie.num_below.take(left_nodes)
        at, _ = spread(self._trie.first_place.take(left_nodes), counts)
        return Ways(
            owners=_joined(self._owners),
            ids=np.concatenate([*self._ids, np.zeros(0, np.int32)]),
            targets=tables.states(_joined(self._places)),
            left_owners=np.repeat(_joined(self._left_owners), counts),
            left_ids=self._trie.ids.take(at),
        )


def _joined(parts: list[Longs]) -> Longs:
    return np.concatenate([*parts, np.zeros(0, np.int64)])
