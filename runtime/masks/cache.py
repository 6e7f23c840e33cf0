"""Which tokens a constraint allows in a state, worked out when first asked for.

A mask is one walk of the vocabulary's trie over the machine. Masks are kept per machine, end rule
and state, so streams share them, and states that allow the same tokens share one mask; the least
recently used goes first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property

import numpy as np

from sglc.constraints.automaton import Automaton
from sglc.constraints.machine import Machine
from sglc.runtime.core.script import Constraint, EndRule
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.masks.closing import Needs, Spellings
from sglc.runtime.masks.endings import Endings
from sglc.runtime.masks.kept import Entry, KeptMasks
from sglc.runtime.masks.mask import Mask
from sglc.runtime.masks.store import MaskStore, StoredMasks
from sglc.runtime.masks.tables import Tables, distinct, tables_of
from sglc.runtime.masks.trie import TokenTrie
from sglc.runtime.masks.walk import walk

_MAX_MACHINES = 32


class _Known:
    """What is remembered of a machine besides its masks; made when first asked for."""

    def __init__(self, machine: Machine, spellings: Callable[[], Spellings]) -> None:
        self._machine = machine
        self._spellings = spellings
        self.stored: dict[EndRule, StoredMasks | None] = {}

    @cached_property
    def tables(self) -> Tables:
        """The steps of the machine."""
        return tables_of(self._machine)

    @cached_property
    def needs(self) -> Needs:
        """How many tokens its states need."""
        return Needs(self._machine, self._spellings())


class MaskCache:
    """Masks over one vocabulary, some of them found in ``store``.

    ``masks_built`` counts those worked out, ``masks_loaded`` those found.
    """

    def __init__(
        self, vocabulary: Vocabulary, max_mib: int, store: MaskStore | None = None
    ) -> None:
        self._vocabulary = vocabulary
        self._store = store
        self._lazy_trie: TokenTrie | None = None
        self._lazy_spellings: Spellings | None = None
        self._eos = np.array(sorted(vocabulary.eos_ids), dtype=np.int64)
        self._kept = KeptMasks(max_mib * 2**20)
        self._machines: OrderedDict[Hashable, _Known] = OrderedDict()
        self.masks_built = 0
        self.masks_loaded = 0

    @property
    def num_bytes(self) -> int:
        """Memory of the masks that are kept."""
        return self._kept.num_bytes

    def get(self, constraint: Constraint, state: int) -> Mask:
        """Return the mask of a live ``state``, whatever the budget."""
        return self._entry(constraint, state).mask

    def get_closing(self, constraint: Constraint, state: int, num_left: int) -> Mask:
        """Return the mask of a live ``state`` after which the text can still be finished.

        ``num_left`` tokens are left, the one to be chosen included. Where that is no concern, the
        mask is that of ``get``; ``masks.closing`` has the definition.
        """
        entry = self._entry(constraint, state)
        after = num_left - 1
        if entry.reach < 0:
            self._measure(constraint, state, entry)
        if after >= entry.reach:
            return entry.mask
        if not entry.needs:
            self._measure_exactly(constraint, state, entry)
            if after >= entry.reach:
                return entry.mask
        at = bisect_right(entry.needs, after)
        after = entry.needs[at - 1] if at else -1  # budgets between two needs allow the same
        key = (constraint.machine.key, constraint.end, state, after)
        closing = self._kept.get(key)
        if closing is None:
            closing = self._kept.put(key, self._build(constraint, state, after))
        return closing.mask

    def need(self, machine: Machine, state: int) -> int:
        """Return the fewest tokens that write the completion; ``NEVER`` if none can."""
        return self._known(machine).needs.of(state)

    def _entry(self, constraint: Constraint, state: int) -> Entry:
        key = (constraint.machine.key, constraint.end, state, None)
        entry = self._kept.get(key)
        if entry is None:
            entry = self._load(constraint, state) or self._build(constraint, state, None)
            self._kept.put(key, entry)
        return entry

    def _load(self, constraint: Constraint, state: int) -> Entry | None:
        """Take a mask from the store, if it is there."""
        if self._store is None or not isinstance(constraint.machine, Automaton):
            return None
        stored = self._known(constraint.machine).stored
        if constraint.end not in stored:
            stored[constraint.end] = self._store.load(constraint)
        masks = stored[constraint.end]
        found = None if masks is None else masks.get(state)
        if found is None:
            return None
        mask, reach = found
        self.masks_loaded += 1
        return Entry(mask, None, reach if self._spellings.has_every_byte else -1)

    def _build(self, constraint: Constraint, state: int, after: int | None) -> Entry:
        """Work out a mask; with ``after``, only tokens that need no more than that after them."""
        known = self._known(constraint.machine)
        starts = np.array([state], np.int32)
        ways = walk(self._trie, known.tables, starts, leave=constraint.end == "leave")
        self.masks_built += 1
        ids, num_states = ways.ids, int(ways.targets.max(initial=0)) + 1
        targets = distinct(ways.targets, num_states).astype(np.int32)
        if after is not None:
            needs = np.zeros(num_states, np.int64)
            needs[targets] = [known.needs.of(target) for target in targets.tolist()]
            ids = ids[needs.take(ways.targets) <= after]
        accepting = constraint.machine.is_accepting(state)
        endings = Endings(self._trie, self._eos, constraint.end).of(accepting)
        allowed = np.concatenate([ids, ways.left_ids, endings])
        return Entry(Mask.of(allowed, self._trie.vocab_size), targets)

    def _measure(self, constraint: Constraint, state: int, entry: Entry) -> None:
        """Bound what the tokens of a mask need after them, without looking at tokens."""
        if not self._spellings.has_every_byte:  # a need may be more than the bytes
            self._measure_exactly(constraint, state, entry)
        elif entry.targets is not None:
            distances = self._known(constraint.machine).tables.distances(entry.targets)
            entry.reach = int(distances.max(initial=0))

    def _measure_exactly(self, constraint: Constraint, state: int, entry: Entry) -> None:
        if entry.targets is None:  # the store has no targets
            entry.targets = self._build(constraint, state, None).targets
        assert entry.targets is not None
        needs = self._known(constraint.machine).needs
        entry.needs = sorted({needs.of(target) for target in entry.targets.tolist()})
        entry.reach = entry.needs[-1] if entry.needs else 0

    @property
    def _trie(self) -> TokenTrie:
        if self._lazy_trie is None:
            self._lazy_trie = TokenTrie(self._vocabulary.token_bytes)
        return self._lazy_trie

    @property
    def _spellings(self) -> Spellings:
        if self._lazy_spellings is None:
            self._lazy_spellings = Spellings(self._vocabulary)
        return self._lazy_spellings

    def _known(self, machine: Machine) -> _Known:
        known = self._machines.get(machine.key)
        if known is None:
            known = _Known(machine, lambda: self._spellings)
            self._machines[machine.key] = known
            if len(self._machines) > _MAX_MACHINES:
                self._machines.popitem(last=False)
        else:
            self._machines.move_to_end(machine.key)
        return known
