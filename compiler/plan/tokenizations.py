"""All ways in which the tokens of a vocabulary spell a text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sglc.compiler.plan.select import SelectError

MAX_SCORED_TOKENS: Final = 20_000  # of all ways to spell the choices of one select, as one trie


class Pieces:
    """The tokens of a vocabulary by their bytes; special tokens and ends of sequence are none."""

    def __init__(self, token_bytes: Sequence[bytes], eos_ids: Collection[int]) -> None:
        self._ids: dict[bytes, list[int]] = {}
        for token, piece in enumerate(token_bytes):
            if piece and token not in eos_ids:
                self._ids.setdefault(piece, []).append(token)
        self._longest = max(map(len, self._ids), default=0)

    def count(self, data: bytes) -> int:
        """How many tokens a trie of all sequences that spell ``data`` holds."""
        ways = [1] + [0] * len(data)
        useful = self._useful(data)
        for at in range(len(data)):
            for end in self._ends(data, at) if ways[at] else ():
                if useful[end]:
                    ways[end] += ways[at] * len(self._ids[data[at:end]])
        return sum(ways) - 1

    def sequences(self, data: bytes) -> list[tuple[int, ...]]:
        """All sequences that spell ``data``. See ``count`` for what that may be."""
        useful = self._useful(data)
        found: list[tuple[int, ...]] = []
        todo: list[tuple[int, tuple[int, ...]]] = [(0, ())]
        while todo:
            at, ids = todo.pop()
            if at == len(data):
                found.append(ids)
                continue
            todo += [
                (end, (*ids, token))
                for end in self._ends(data, at)
                if useful[end]
                for token in self._ids[data[at:end]]
            ]
        return found

    def _useful(self, data: bytes) -> list[bool]:
        """By place, whether what follows it can be spelled."""
        useful = [False] * len(data) + [True]
        for at in range(len(data) - 1, -1, -1):
            useful[at] = any(useful[end] for end in self._ends(data, at))
        return useful

    def _ends(self, data: bytes, at: int) -> list[int]:
        last = min(len(data), at + self._longest)
        return [end for end in range(at + 1, last + 1) if data[at:end] in self._ids]


def spelled(
    stream: Sequence[int],
    full: Sequence[Sequence[int]],
    context: int,
    choices: Sequence[str],
    token_bytes: Sequence[bytes],
    pieces: Pieces,
) -> list[bytes]:
    """What the tokens of every choice have to spell after the context.

    Args:
        stream: the ids of the stream as it is.
        full: the ids of the stream with each choice.
        context: ``context_len`` of all of these.

    Raises:
        SelectError: the stream and the choices share no token, a choice cannot be spelled, or all
            ways to do so are too many.
    """
    if len({tuple(ids[:1]) for ids in (stream, *full)}) > 1:
        raise SelectError('`tokenizations="all"` needs a text before the choices')
    texts = [b"".join(token_bytes[token] for token in ids[context:]) for ids in full]
    counts = [pieces.count(text) for text in texts]
    if not all(counts):
        raise SelectError(f"no tokens spell the choice {choices[counts.index(0)]!r}")
    if sum(counts) > MAX_SCORED_TOKENS:
        worst = max(range(len(counts)), key=counts.__getitem__)
        raise SelectError(
            f"all tokenizations of the choices are {sum(counts)} tokens, {counts[worst]} of them "
            f"of {choices[worst]!r}: {MAX_SCORED_TOKENS} can be scored"
        )
    return texts
