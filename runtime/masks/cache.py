"""Which tokens a constraint allows in a state, worked out when first asked for.

A mask is one vectorised walk of the vocabulary's trie over the automaton's table. Masks are
kept per (automaton, end rule, state), so streams share them; the least recently used goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sglc.constraints.automaton import Automaton
from sglc.runtime.core.script import Constraint, EndRule
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.masks.trie import TokenTrie

_MAX_TABLES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """``forbidden`` [V] bool, shared and read-only."""

    forbidden: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """``step`` [states, classes] int32, 0 is dead; ``classes`` [256]; ``accepting`` [states]."""

    step: NDArray[np.int32]
    classes: NDArray[np.uint8]
    accepting: NDArray[np.bool_]


class MaskCache:
    """Masks over one vocabulary; ``masks_built`` counts those worked out so far."""

    def __init__(self, vocabulary: Vocabulary, max_mib: int) -> None:
        self._vocabulary = vocabulary
        self._lazy_trie: TokenTrie | None = None
        self._eos = np.array(sorted(vocabulary.eos_ids), dtype=np.int64)
        self._max_masks = max(16, max_mib * 2**20 // max(1, len(vocabulary.token_bytes)))
        self._masks: OrderedDict[tuple[str, EndRule, int], Mask] = OrderedDict()
        self._tables: OrderedDict[str, _Tables] = OrderedDict()
        self.masks_built = 0

    def get(self, constraint: Constraint, state: int) -> Mask:
        """Return the mask of a live ``state``."""
        key = (constraint.machine.digest, constraint.end, state)
        mask = self._masks.get(key)
        if mask is not None:
            self._masks.move_to_end(key)
            return mask
        mask = self._build(constraint, state)
        self._masks[key] = mask
        if len(self._masks) > self._max_masks:
            self._masks.popitem(last=False)
        self.masks_built += 1
        return mask

    @property
    def _trie(self) -> TokenTrie:
        if self._lazy_trie is None:
            self._lazy_trie = TokenTrie(self._vocabulary.token_bytes)
        return self._lazy_trie

    def _build(self, constraint: Constraint, state: int) -> Mask:
        machine = constraint.machine
        assert isinstance(machine, Automaton)
        tables = self._tables_of(machine)
        trie = self._trie
        leave = constraint.end == "leave"
        accepting = bool(tables.accepting[state])
        allowed = np.zeros(trie.vocab_size, dtype=bool)
        at = np.array([state], dtype=np.int32)
        passed = np.array([leave and accepting])  # the walk was in an accepting state before
        for level in trie.levels:
            at = tables.step[at[level.parent], tables.classes[level.byte]]
            alive = at != 0
            if leave:
                passed = passed[level.parent] | tables.accepting[at]
                alive |= passed
            allowed[level.ids] = alive[level.ends]
            if not alive.any():
                break
        if accepting and leave:
            allowed[trie.special] = True
        if accepting and constraint.end != "closed":
            allowed[self._eos] = True
        forbidden = ~allowed
        forbidden.flags.writeable = False
        return Mask(forbidden)

    def _tables_of(self, automaton: Automaton) -> _Tables:
        tables = self._tables.get(automaton.digest)
        if tables is None:
            tables = _tables(automaton)
            self._tables[automaton.digest] = tables
            if len(self._tables) > _MAX_TABLES:
                self._tables.popitem(last=False)
        else:
            self._tables.move_to_end(automaton.digest)
        return tables


def _tables(automaton: Automaton) -> _Tables:
    shape = (automaton.num_states, automaton.num_classes)
    accepting = np.zeros(automaton.num_states, dtype=bool)
    accepting[list(automaton.accepting)] = True
    return _Tables(
        step=np.frombuffer(automaton.table, dtype="i4").reshape(shape),
        classes=np.frombuffer(automaton.classes, dtype="u1"),
        accepting=accepting,
    )
