"""Jump-forward: tokens for text that a constraint forces, cut as the tokenizer would cut them.

Let B be the text of a decode so far and F what its constraint forces behind it. The ids are kept
up to the last border between them that is a commit point of B + F; from there B + F is cut anew.
The new ids are taken up to the commit point of B + F, so that they are the tokens of every text
that the constraint lets follow; all of them when F completes it. What is left of F waits for the
mask of the next token. A jump is made only if the text gets longer by it, and if more ids are
gained than given up.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import NamedTuple

from sglc.runtime.core.text_encoder import TextEncoder
from sglc.runtime.tokenizer.commit import byte_offsets

_MAX_BYTES = 1 << 20  # of remembered texts


class Jump(NamedTuple):
    """Keep the first ``keep`` ids, then ``ids``; they end ``added`` bytes past the text so far."""

    keep: int
    ids: tuple[int, ...]
    added: int


class Cut(NamedTuple):
    """A text in tokens: ``ids``, where each ``ends``, and the commit points; offsets in bytes."""

    ids: tuple[int, ...]
    ends: tuple[int, ...]
    points: tuple[int, ...]


class TextCutter:
    """Cuts the ends of decodes into tokens; remembers what it cut, as forced texts come again."""

    def __init__(self, encoder: TextEncoder, token_bytes: Sequence[bytes]) -> None:
        self._encoder = encoder
        self.token_bytes = token_bytes
        self._cuts: dict[tuple[bytes, frozenset[int] | None], Cut | None] = {}
        self._num_bytes = 0

    def cut(self, data: bytes, following: frozenset[int] | None) -> Cut | None:
        """Cut the characters of ``data``, a last one that is not complete left out.

        ``following``: what the text behind ``data`` may begin with, None for anything. None if it
        is not UTF-8, or if its tokens do not give back the text.
        """
        key = (data, following)
        if key in self._cuts:
            return self._cuts[key]
        self._num_bytes += len(data)
        if self._num_bytes > _MAX_BYTES:
            self._cuts.clear()
            self._num_bytes = len(data)
        found = self._cuts[key] = self._cut(data, following)
        return found

    def _cut(self, data: bytes, following: frozenset[int] | None) -> Cut | None:
        try:
            text, size = codecs.utf_8_decode(data, "strict", False)
        except UnicodeDecodeError:
            return None
        ids = tuple(self._encoder.encode(text, continues=True))
        pieces = [self.token_bytes[token] for token in ids]
        if b"".join(pieces) != data[:size]:
            return None
        if size < len(data):
            following = None  # half a character does
        points = byte_offsets(text, self._encoder.commit_points(text, following))
        return Cut(ids, tuple(accumulate(map(len, pieces))), tuple(points))


class Tail:
    """The end of one decode's ids that a jump may change: those from ``begin`` on."""

    __slots__ = ("_cutter", "begin")

    def __init__(self, cutter: TextCutter) -> None:
        self._cutter = cutter
        self.begin = 0

    def jump(
        self,
        ids: Sequence[int],
        forced: bytes,
        *,
        following: frozenset[int] | None,
        max_ids: int,
        ends: Collection[int],
    ) -> Jump | None:
        """Find the jump over ``forced``, which is not empty, behind all of ``ids``.

        ``following``: the bytes that may come behind it, empty if it completes the value, None if
        all may. The jump leads to at most ``max_ids`` ids in all, and
        stops before the first id that is one of ``ends``.
        """
        table = self._cutter.token_bytes
        pieces = [table[token] for token in ids[self.begin :]]
        tail = b"".join(pieces)
        text = tail + forced
        cut = self._cutter.cut(text, following)
        if cut is None:
            return None
        points = set(cut.points)
        offset = 0
        for count, end in enumerate(accumulate(map(len, pieces)), 1):
            if end in points:
                offset, moved = end, count
        if offset:
            self.begin += moved
            tail, text = tail[offset:], text[offset:]
            cut = self._cutter.cut(text, following)
            if cut is None:
                return None
        is_whole = not following and following is not None and cut.ends[-1:] == (len(text),)
        limit = len(text) if is_whole else cut.points[-1]
        room = max_ids - self.begin
        count = 0
        while count < min(room, len(cut.ids)) and cut.ends[count] <= limit:
            if cut.ids[count] in ends:
                break
            count += 1
        added = cut.ends[count - 1] - len(tail) if count else 0
        same = _common(ids, self.begin, cut.ids[:count])
        if added <= 0 or count - same <= len(ids) - self.begin - same:
            return None
        return Jump(self.begin + same, cut.ids[same:count], added)


def _common(ids: Sequence[int], begin: int, others: Sequence[int]) -> int:
    """How many of ``others`` are what stands in ``ids`` from ``begin`` on."""
    count = 0
    for mine, other in zip(ids[begin:], others, strict=False):
        if mine != other:
            break
        count += 1
    return count
