"""The vocabulary as a prefix trie, level by level, so that numpy can walk all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Level(NamedTuple):
    """The trie nodes at one depth, n of them.

    ``parent`` [n] indexes the level above (for the first level: 0, the root); ``byte`` [n] is
    the byte that leads here; ``ends`` [m] and ``ids`` [m] say at which nodes which tokens end.
    """

    parent: NDArray[np.int64]
    byte: NDArray[np.int64]
    ends: NDArray[np.int64]
    ids: NDArray[np.int64]


class TokenTrie:
    """All tokens with bytes; ``special`` [k] are the ids of those without."""

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        self.vocab_size = len(token_bytes)
        self.special = np.array([i for i, t in enumerate(token_bytes) if not t], dtype=np.int64)
        self.levels: list[Level] = []
        above: dict[bytes, int] = {b"": 0}
        rest = [(token, i) for i, token in enumerate(token_bytes) if token]
        depth = 1
        while rest:
            nodes: dict[bytes, int] = {}
            parent: list[int] = []
            byte: list[int] = []
            ends: list[int] = []
            ids: list[int] = []
            for token, i in rest:
                prefix = token[:depth]
                node = nodes.setdefault(prefix, len(nodes))
                if node == len(parent):
                    parent.append(above[token[: depth - 1]])
                    byte.append(token[depth - 1])
                if len(token) == depth:
                    ends.append(node)
                    ids.append(i)
            arrays = (np.array(column, dtype=np.int64) for column in (parent, byte, ends, ids))
            self.levels.append(Level(*arrays))
            above = nodes
            rest = [item for item in rest if len(item[0]) > depth]
            depth += 1
