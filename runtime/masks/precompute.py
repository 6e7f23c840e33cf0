"""The masks of all states of an automaton that tokens lead to, worked out together."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sglc.constraints.automaton import Automaton
from sglc.runtime.core.script import Constraint
from sglc.runtime.masks.endings import Endings
from sglc.runtime.masks.mask import Mask
from sglc.runtime.masks.tables import Tables, tables_of
from sglc.runtime.masks.trie import Ints, Longs, TokenTrie
from sglc.runtime.masks.walk import Ways, walk

_WIDE_TOKENS = 4096  # from so many on a state is walked alone
_MANY_STATES = 1024
_MANY_TOKENS = 2**20


class StateMasks(NamedTuple):
    """The masks of an automaton with N states, each different one once.

    ``mask_of`` [N]: the number of a state's mask, -1 for those that no token leads to and those
    left out. ``reach`` [N]: the most bytes that may be missing after a token of the mask.
    ``num_left_out``: states that tokens lead to and that were one too many.
    """

    masks: list[Mask]
    mask_of: Ints
    reach: Ints
    num_left_out: int


def precompute(trie: TokenTrie, constraint: Constraint, eos: Longs, max_states: int) -> StateMasks:
    """Work out the masks of the first ``max_states`` states, those near the start first."""
    machine = constraint.machine
    assert isinstance(machine, Automaton)
    tables = tables_of(machine)
    leave = constraint.end == "leave"
    mask_of = np.full(machine.num_states, -1, np.int32)
    reach = np.zeros(machine.num_states, np.int32)
    found = _Distinct(trie, Endings(trie, eos, constraint.end))
    seen = np.zeros(machine.num_states, bool)
    front = np.array([machine.start] if machine.start else [], np.int32)
    num_left_out = 0
    num_done = 0
    while len(front):
        seen[front] = True
        room = max_states - num_done
        num_left_out += max(0, len(front) - room)
        front = front[: max(room, 0)]
        num_done += len(front)
        is_next = np.zeros(machine.num_states, bool)
        for states in _portions(trie, tables, front):
            ways = walk(trie, tables, states, leave=leave)
            is_next[ways.targets] = True
            np.maximum.at(reach, states[ways.owners], tables.distances(ways.targets))
            for state, ids in _by_owner(states, ways):
                mask_of[state] = found.number(ids, machine.is_accepting(state))
        front = np.flatnonzero(is_next & ~seen).astype(np.int32)
    return StateMasks(found.masks, mask_of, reach, num_left_out)


class _Distinct:
    """Masks, each different one once."""

    def __init__(self, trie: TokenTrie, endings: Endings) -> None:
        self.masks: list[Mask] = []
        self._vocab_size = trie.vocab_size
        self._endings = endings
        self._numbers: dict[bytes, int] = {}
        self._known: dict[tuple[bytes, bool], int] = {}

    def number(self, ids: Ints, is_accepting: bool) -> int:
        """Return the number of the mask of an allowed set, in the order of a walk."""
        key = (hashlib.sha256(ids.data).digest(), is_accepting)
        known = self._known.get(key)
        if known is not None:
            return known
        allowed = np.concatenate((ids.astype(np.int64), self._endings.of(is_accepting)))
        mask = Mask.of(allowed, self._vocab_size)
        number = self._numbers.setdefault(mask.digest, len(self.masks))
        if number == len(self.masks):
            self.masks.append(mask)
        self._known[key] = number
        return number


def _portions(trie: TokenTrie, tables: Tables, states: Ints) -> Iterator[Ints]:
    """Cut states into groups that are worth walking together; wide ones alone."""
    if not trie.levels:
        yield states
        return
    level = trie.levels[0]
    below = trie.num_below[level.begin : level.end]
    byte = trie.byte[level.begin : level.end]
    for begin in range(0, len(states), _MANY_STATES):
        some = states[begin : begin + _MANY_STATES]
        places = np.repeat(tables.begin(some), len(byte))
        live = tables.step(places, np.tile(byte, len(some))).reshape(len(some), -1) != 0
        weights = live @ below
        wide = weights > _WIDE_TOKENS
        for state in some[wide]:
            yield np.array([state], np.int32)
        narrow, total = some[~wide], np.cumsum(weights[~wide])
        for _, group in _groups(narrow, total // _MANY_TOKENS):
            yield group


def _groups(items: Ints, labels: Longs) -> Iterator[tuple[int, Ints]]:
    """Cut items where their labels, in ascending order, change."""
    heads = np.flatnonzero(np.diff(labels, prepend=-1)).tolist()
    for head, end in itertools.pairwise([*heads, len(items)]):
        yield int(labels[head]), items[head:end]


def _by_owner(states: Ints, ways: Ways) -> Iterator[tuple[int, Ints]]:
    """The allowed tokens of every state, none for those that have none."""
    owners = np.concatenate((ways.owners, ways.left_owners))
    ids = np.concatenate((ways.ids, ways.left_ids))
    order = np.argsort(owners, kind="stable")
    found = dict(_groups(ids[order], owners[order]))
    for owner, state in enumerate(states.tolist()):
        yield state, found.get(owner, ids[:0])
