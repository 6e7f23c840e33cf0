"""Assembling the one ForwardBatch of a step, sequence by sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.runtime.core.batch import ForwardBatch
from sglc.runtime.kvcache.pool import Slots
from sglc.runtime.kvcache.table import SlotTable


class BatchBuilder:
    """Collects what a step computes, and hands out row numbers for the logits it wants.

    Rows of the slot table are read when the batch is built: they must be set by then.
    """

    def __init__(self) -> None:
        self.token_ids: list[int] = []
        self._positions: list[int] = []
        self._slots: list[int] = []
        self._query_lens: list[int] = []
        self._seq_lens: list[int] = []
        self._table_rows: list[int] = []  # of each sequence, -1 for one with its own slots
        self._own_slots: dict[int, Slots] = {}  # sequence -> slots [seq_len]
        self._written: dict[int, int] = {}  # slot -> index of the token that is written to it
        self._row_of: dict[int, int] = {}  # index of a token -> row of its logits

    @property
    def num_rows(self) -> int:
        """Number of rows of logits wanted so far."""
        return len(self._row_of)

    def add_single(self, tokens: Sequence[int], lens: Sequence[int], slots: Slots,
                   rows: Sequence[int]) -> range:  # fmt: skip
        """Add one new token for each of n sequences, and want all their logits.

        ``lens`` are the lengths including the new token, ``rows`` those of the slot table.
        Returns the n row numbers. Nobody else may ask for these logits.
        """
        begin, first = len(self.token_ids), len(self._row_of)
        count = len(tokens)
        self.token_ids.extend(tokens)
        self._positions.extend([n - 1 for n in lens])
        self._slots.extend(slots.tolist())
        self._query_lens.extend([1] * count)
        self._seq_lens.extend(lens)
        self._table_rows.extend(rows)
        self._row_of.update(
            zip(range(begin, begin + count), range(first, first + count), strict=False)
        )
        return range(first, first + count)

    def add(self, tokens: Sequence[int], start: int, slots: Sequence[int], row: int,
            own_slots: Slots | None = None) -> None:  # fmt: skip
        """Add ``tokens`` at positions from ``start`` of one sequence, stored at ``slots``.

        The slots of the sequence are row ``row`` of the table, or ``own_slots`` if given.
        """
        begin = len(self.token_ids)
        count = len(tokens)
        self.token_ids.extend(tokens)
        self._positions.extend(range(start, start + count))
        self._slots.extend(slots)
        self._written.update(zip(slots, range(begin, begin + count), strict=True))
        if own_slots is not None:
            self._own_slots[len(self._query_lens)] = own_slots
            row = -1
        self._query_lens.append(count)
        self._seq_lens.append(start + count)
        self._table_rows.append(row)

    def writes(self, slot: int) -> bool:
        """Whether a token added by ``add`` is stored at ``slot``: its logits can be had."""
        return slot in self._written

    def want_logits(self, slot: int) -> int:
        """Return the row number of the logits of the token stored at ``slot`` by ``add``."""
        at = self._written[slot]
        return self._row_of.setdefault(at, len(self._row_of))

    def build(self, table: SlotTable) -> ForwardBatch:
        """Return the batch."""
        width = max(self._seq_lens)
        rows = np.array(self._table_rows, dtype=np.int64)
        slot_table: NDArray[np.int64] = table.rows[rows, :width]
        for sequence, slots in self._own_slots.items():
            slot_table[sequence, : len(slots)] = slots
            slot_table[sequence, len(slots) :] = 0
        return ForwardBatch(
            token_ids=_tensor(self.token_ids),
            positions=_tensor(self._positions),
            slots=_tensor(self._slots),
            query_lens=tuple(self._query_lens),
            seq_lens=tuple(self._seq_lens),
            slot_table=torch.from_numpy(slot_table),
            logit_rows=_tensor(list(self._row_of)),
        )


def _tensor(values: list[int]) -> Tensor:
    """Return int64 values as a tensor; numpy reads lists faster than torch does."""
    return torch.from_numpy(np.array(values, dtype=np.int64))
