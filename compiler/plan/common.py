"""What two texts have in common."""

from __future__ import annotations


def common_len(a: str, b: str) -> int:
    """Return the length of the common prefix of two texts."""
    low, high = 0, min(len(a), len(b))
    while low < high:  # the first ``low`` characters agree, and not more than ``high`` do
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
