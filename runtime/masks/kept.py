"""Masks that are kept: bounded in bytes, equal ones only once, the oldest use goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from sglc.runtime.masks.mask import Mask
from sglc.runtime.masks.trie import Ints

_MIN_ENTRIES = 16
_ENTRY_BYTES = 1000  # what an entry takes besides its mask, about


@dataclass(slots=True)
class Entry:
    """A mask, and what follows its tokens.

    ``targets``: the live states they lead to, each once; None if not known. ``reach``: the most
    tokens that any of them needs to be finished, or an upper bound as long as ``needs`` is empty;
    -1 if not looked at. ``needs``: how many each needs, in order, each number once.
    """

    mask: Mask
    targets: Ints | None
    reach: int = -1
    needs: list[int] = field(default_factory=list)


class KeptMasks:
    """Entries by key, at least ``_MIN_ENTRIES`` of them however large they are."""

    def __init__(self, max_bytes: int) -> None:
        self.num_bytes = 0
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._shared: dict[Hashable, Mask] = {}
        self._uses: dict[Mask, int] = {}

    def get(self, key: Hashable) -> Entry | None:
        """Return the entry of a key, and make it the most recently used."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Hashable, entry: Entry) -> Entry:
        """Keep an entry under a new key and return it, its mask replaced by an equal one."""
        content = entry.mask.digest
        mask = self._shared.setdefault(content, entry.mask)
        entry.mask = mask
        self._uses[mask] = self._uses.get(mask, 0) + 1
        if self._uses[mask] == 1:
            self.num_bytes += mask.num_bytes
        self.num_bytes += _ENTRY_BYTES
        self._entries[key] = entry
        while self.num_bytes > self._max_bytes and len(self._entries) > _MIN_ENTRIES:
            self._drop(self._entries.popitem(last=False)[1])
        return entry

    def _drop(self, entry: Entry) -> None:
        mask = entry.mask
        self.num_bytes -= _ENTRY_BYTES
        self._uses[mask] -= 1
        if not self._uses[mask]:
            self.num_bytes -= mask.num_bytes
            del self._uses[mask], self._shared[mask.digest]
