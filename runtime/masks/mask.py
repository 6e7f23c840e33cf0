"""A set of tokens as bits, and the masks of a batch as one array."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sglc.runtime.masks.trie import Ints, Longs


class Mask:
    """Which tokens are allowed: bit ``id % 32`` of word ``id // 32``. Shared and read-only.

    Attributes:
        num_words: words of the whole mask, W.
        words: [W] int32; or only those that are not 0, if that is shorter.
        at: None, or which words those are.
    """

    __slots__ = ("at", "num_words", "words")

    def __init__(self, num_words: int, words: Ints, at: Ints | None) -> None:
        self.num_words = num_words
        self.words = words
        self.at = at
        words.flags.writeable = False
        if at is not None:
            at.flags.writeable = False

    @classmethod
    def of(cls, ids: NDArray[np.integer], vocab_size: int) -> Mask:
        """Allow the tokens ``ids``, in any order, repeated or not."""
        num_words = -(-vocab_size // 32)
        if len(ids) * 256 < vocab_size:
            ids = np.unique(ids)
            bits = np.left_shift(1, ids & 31, dtype=np.uint32, casting="unsafe")
            at = (ids >> 5).astype(np.int32)
            heads = np.flatnonzero(np.diff(at, prepend=-1))
            words = np.bitwise_or.reduceat(bits, heads) if len(ids) else bits
            return cls(num_words, words.view(np.int32), at[heads])
        allowed = np.zeros(num_words * 32, bool)
        allowed[ids] = True
        words = np.packbits(allowed, bitorder="little").view("<i4").astype(np.int32, copy=False)
        return cls(num_words, words, None)

    @property
    def num_bytes(self) -> int:
        """Size in memory."""
        return self.words.nbytes + (0 if self.at is None else self.at.nbytes)

    @property
    def digest(self) -> bytes:
        """Equal for masks that allow the same tokens."""
        sha = hashlib.sha256(self.words.data)
        if self.at is not None:
            sha.update(self.at.data)
        return sha.digest()

    def __contains__(self, token: int) -> bool:
        word = token >> 5
        if self.at is None:
            return bool(int(self.words[word]) >> (token & 31) & 1)
        at = int(self.at.searchsorted(word))
        if at == len(self.at) or self.at[at] != word:
            return False
        return bool(int(self.words[at]) >> (token & 31) & 1)

    def write(self, out: Ints) -> None:
        """Write all words, [W], into ``out``."""
        if self.at is None:
            out[:] = self.words
        else:
            out[:] = 0
            out[self.at] = self.words

    def ids(self) -> Longs:
        """Return the allowed tokens in order."""
        words = np.zeros(self.num_words, np.int32)
        self.write(words)
        return np.flatnonzero(np.unpackbits(words.astype("<i4").view(np.uint8), bitorder="little"))


def gather(masks: Sequence[Mask]) -> NDArray[np.int32]:
    """Return the words of masks over one vocabulary, [rows, W]."""
    out = np.empty((len(masks), masks[0].num_words), np.int32)
    for row, mask in zip(out, masks, strict=True):
        mask.write(row)
    return out
