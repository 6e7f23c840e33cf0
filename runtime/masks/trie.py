"""The vocabulary as a prefix trie in flat arrays, so that numpy can walk it level by level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]  # what numpy indexes with, so that it need not convert


class Level(NamedTuple):
    """The nodes ``begin`` to ``end`` of a trie, n of them, and the m tokens that end at them.

    ``parent`` [n] counts from the beginning of the level above, ``ends`` [m] from that of this
    one; ``ids`` [m] are the tokens.
    """

    begin: int
    end: int
    parent: Longs
    ends: Longs
    ids: Ints


class TokenTrie:
    """All tokens with bytes. Nodes are numbered by level, by bytes within a level; 0 is the root.

    A token's place is its rank in the order of bytes: the tokens at and below a node are a range
    of places, and those that end at it are the first of them.

    Attributes:
        vocab_size: how many ids there are.
        special: ids of the tokens without bytes.
        ids: [T] by place, the token's id.
        levels: the levels below the root.
        byte: [N] the byte that leads to a node.
        first_child, num_children: [N] the children of a node follow each other.
        first_place, num_ending, num_below: [N] a node's places; those below include its own.
    """

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        self.vocab_size = len(token_bytes)
        self.special = np.array([i for i, t in enumerate(token_bytes) if not t], dtype=np.int64)
        order = [i for i, token in enumerate(token_bytes) if token]
        order.sort(key=token_bytes.__getitem__)
        self.ids = np.array(order, dtype=np.int32)
        text = np.frombuffer(b"".join([token_bytes[i] for i in order]), dtype=np.uint8)
        lens = np.fromiter((len(token_bytes[i]) for i in order), np.int64, len(order))
        begins = np.cumsum(lens) - lens
        nodes = _Nodes(len(order))
        places = np.arange(len(order))
        while len(places):
            places = places[lens[places] > nodes.depth]
            ends = lens[places] == nodes.depth + 1
            nodes.add_level(places, text[begins[places] + nodes.depth], ends)
        self.byte = np.concatenate(nodes.byte).astype(np.int64)
        self.first_place = np.concatenate(nodes.first_place).astype(np.int32)
        self.num_ending = np.concatenate(nodes.num_ending).astype(np.int32)
        self.num_below = np.concatenate(nodes.num_below).astype(np.int32)
        self.num_children = np.concatenate(nodes.num_children).astype(np.int32)
        self.first_child = np.cumsum(self.num_children, dtype=np.int32) - self.num_children + 1
        self.levels = [self._level(*sizes) for sizes in nodes.borders()]

    def _level(self, above: int, begin: int, end: int) -> Level:
        children = self.num_children[above:begin]
        parent = np.repeat(np.arange(begin - above), children)
        ending = self.num_ending[begin:end]
        ends = np.repeat(np.arange(end - begin), ending)
        places, _ = spread(self.first_place[begin:end], ending)
        return Level(begin, end, parent, ends, self.ids.take(places))


class _Nodes:
    """The levels built so far, the root's first. Tokens that share a prefix lie side by side."""

    def __init__(self, num_tokens: int) -> None:
        self.depth = 0
        self.byte: list[NDArray[np.uint8]] = [np.zeros(1, np.uint8)]
        self.first_place: list[Longs] = [np.zeros(1, np.int64)]
        self.num_ending: list[Longs] = [np.zeros(1, np.int64)]
        self.num_below: list[Longs] = [np.array([num_tokens])]
        self.num_children: list[Longs] = [] if num_tokens else [np.zeros(1, np.int64)]
        self._node = np.zeros(num_tokens, np.int64)  # by place, its node within the last level

    def add_level(self, places: Longs, byte: NDArray[np.uint8], ends: NDArray[np.bool_]) -> None:
        """Add the tokens at ``places``, that reach this deep: their bytes here, who ends here."""
        above = self._node[places]
        is_new = np.ones(len(places), dtype=bool)
        is_new[1:] = (above[1:] != above[:-1]) | (byte[1:] != byte[:-1])
        heads = np.flatnonzero(is_new)
        self.num_children.append(np.bincount(above[heads], minlength=len(self.byte[-1])))
        if not len(places):
            return
        node = np.cumsum(is_new) - 1
        self._node[places] = node
        self.byte.append(byte[heads])
        self.first_place.append(places[heads])
        self.num_below.append(np.diff(heads, append=len(places)))
        self.num_ending.append(np.bincount(node[ends], minlength=len(heads)))
        self.depth += 1

    def borders(self) -> list[tuple[int, int, int]]:
        """By level below the root: where the level above it, itself, and the next one begin."""
        begins = np.cumsum([0, *map(len, self.byte)]).tolist()
        return list(zip(begins, begins[1:], begins[2:], strict=False))


def spread(first: NDArray[np.integer], counts: NDArray[np.integer]) -> tuple[Longs, Longs]:
    """Return ``first[i] … first[i] + counts[i] - 1`` for all i in a row, and where each i ends."""
    last = np.cumsum(counts, dtype=np.int64)
    total = int(last[-1]) if len(last) else 0
    return np.repeat(first - last + counts, counts) + np.arange(total), last
