"""What two texts or sequences have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

S = TypeVar("S", bound=Sequence[object])


def common_len(a: S, b: S) -> int:
    """Return the length of the common prefix of two texts, or of two sequences of one kind."""
    low, high = 0, min(len(a), len(b))
    while low < high:  # the first ``low`` items agree, and not more than ``high`` do
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
