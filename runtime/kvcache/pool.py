"""The KV slots: which are free. A slot holds the K/V of one token in every layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]


class SlotPool:
    """Slots 1 .. num_slots - 1 (0 is a dummy, never handed out), last freed first handed out."""

    def __init__(self, num_slots: int) -> None:
        if num_slots < 2:
            raise ValueError(f"num_slots must be at least 2 (slot 0 is a dummy), not {num_slots}")
        self.capacity = num_slots - 1
        self._stack: Slots = np.arange(num_slots - 1, 0, -1, dtype=np.int64)
        self._num_free = self.capacity
        self._used = np.zeros(num_slots, dtype=bool)

    @property
    def num_free(self) -> int:
        """Number of slots that can be allocated."""
        return self._num_free

    def alloc(self, count: int) -> Slots:
        """Take ``count`` distinct free slots.

        Raises:
            ValueError: fewer than ``count`` are free.
        """
        if not 0 <= count <= self._num_free:
            raise ValueError(f"cannot allocate {count} slots, {self._num_free} are free")
        self._num_free -= count
        slots = self._stack[self._num_free : self._num_free + count][::-1].copy()
        self._used[slots] = True
        return slots

    def free(self, slots: Slots) -> None:
        """Give slots back.

        Raises:
            ValueError: one of them is not in use, or occurs twice.
        """
        count = len(slots)
        if count == 0:
            return
        if not self._used[slots].all():
            raise ValueError(f"slots {slots[~self._used[slots]].tolist()} are not in use")
        if count > 1 and len(set(slots.tolist())) != count:
            raise ValueError(f"slots {slots.tolist()} hold one slot twice")
        self._used[slots] = False
        self._stack[self._num_free : self._num_free + count] = slots
        self._num_free += count
