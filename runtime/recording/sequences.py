"""Sequences of tokens that begin alike, written once."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from sglc.compiler.plan.common import common_len

_CHUNK: Final = 16  # beginnings of so many tokens are looked for
_MAX_TOKENS: Final = 1 << 24  # of sequences that are remembered


class SharedPrefixes:
    """Finds for a sequence an earlier one that begins like it; forgets the oldest first.

    Sequences are known by their numbers. What two have in common is found from 16 tokens on.
    """

    def __init__(self, max_tokens: int = _MAX_TOKENS) -> None:
        self._max_tokens = max_tokens
        self._num_tokens = 0
        self._known: dict[int, array[int]] = {}
        self._order: deque[int] = deque()
        self._begin: dict[int, int] = {}  # hash of a beginning: the latest sequence that has it

    def find(self, ids: Sequence[int]) -> tuple[int, int]:
        """Return the number of a sequence and how much it has in common; (0, 0) if nothing."""
        found = 0
        for mark in _marks(ids):
            number = self._begin.get(mark, 0)
            if not number:
                break
            found = number
        if not found:
            return 0, 0
        size = common_len(self._known[found], array("q", ids))
        return (found, size) if size else (0, 0)

    def add(self, number: int, ids: Sequence[int]) -> None:
        """Remember a sequence under a number above 0 that is new."""
        self._known[number] = array("q", ids)
        self._order.append(number)
        self._num_tokens += len(ids)
        self._begin.update(dict.fromkeys(_marks(ids), number))
        while self._num_tokens > self._max_tokens and len(self._order) > 1:
            self._forget(self._order.popleft())

    def _forget(self, number: int) -> None:
        ids = self._known.pop(number)
        self._num_tokens -= len(ids)
        for mark in _marks(ids):
            if self._begin.get(mark) == number:
                del self._begin[mark]


def _marks(ids: Sequence[int]) -> Iterator[int]:
    """Yield a hash of every beginning of whole chunks."""
    mark = 0
    for end in range(_CHUNK, len(ids) + 1, _CHUNK):
        mark = hash((mark, *ids[end - _CHUNK : end]))
        yield mark
