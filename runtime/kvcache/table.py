"""The slot table: for each running stream, the slot of each of its positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class SlotTable:
    """``rows`` [max_rows, max_context] int64, 0 wherever no slot is set."""

    def __init__(self, max_rows: int, max_context: int) -> None:
        self.rows: NDArray[np.int64] = np.zeros((max_rows, max_context), dtype=np.int64)
        self._free = list(range(max_rows - 1, -1, -1))

    @property
    def num_free(self) -> int:
        """Number of rows that can be taken."""
        return len(self._free)

    def take(self) -> int:
        """Hand out an empty row."""
        return self._free.pop()

    def release(self, row: int, used: int) -> None:
        """Take a row back of which ``[0, used)`` was set."""
        self.rows[row, :used] = 0
        self._free.append(row)
