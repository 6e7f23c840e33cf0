"""The ids of a stream as links: what is settled, shared with earlier versions, and an open end.

An id is settled when no text that follows may change it: it stands before a special token, or
before a commit point of the text behind the last one. Only the rest of that text, the open end, is
encoded again when more text comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.byte import without_surrogates

Ids = tuple[int, ...]


class Written(NamedTuple):
    """The ids that a decode wrote, and the bytes of given text that the first of them spell.

    ``heal`` are the bytes that were withheld from the decode; see ``core.script.Decode.heal``.
    """

    ids: Ids
    heal: bytes = b""


class Ends(NamedTuple):
    """What ends an answer: texts, and ids of special tokens."""

    texts: tuple[str, ...]
    ids: frozenset[int]


class OpenText:
    """Text that no special token follows yet, and ids that spell it.

    ``continues``: other tokens stand before it. The ids need not be those that the tokenizer gives;
    a model may have written them.
    """

    __slots__ = ("_cut", "continues", "ids", "text")

    def __init__(self, text: str, ids: Ids, *, continues: bool) -> None:
        self.text = text
        self.ids = ids
        self.continues = continues
        self._cut: tuple[Ids, OpenText] | None = None

    def cut(self, tokenizer: TokenizerLike) -> tuple[Ids, OpenText]:
        """Return the ids that are settled, and the text behind them; worked out once."""
        if self._cut is None:
            self._cut = self._find(tokenizer)
        return self._cut

    def without(self, data: bytes, tokenizer: TokenizerLike) -> OpenText | None:
        """Return the text without the bytes ``data`` that its last ids spell; None if there is no
        such text."""
        table = tokenizer.token_bytes
        keep, size = len(self.ids), len(data)
        while size > 0 and keep:
            keep -= 1
            size -= len(table[self.ids[keep]])
        try:
            whole = self.text.encode()
            text = whole[: len(whole) - len(data)].decode()
        except UnicodeError:
            return None
        if size or not whole.endswith(data):
            return None
        return OpenText(text, self.ids[:keep], continues=self.continues)

    def _find(self, tokenizer: TokenizerLike) -> tuple[Ids, OpenText]:
        """Cut at the last border between ids at or before the last commit point."""
        point = tokenizer.commit_points(self.text)[-1] if self.text else 0
        if not point:
            return (), self
        table = tokenizer.token_bytes
        head, rest = self.text[:point].encode(), self.text[point:]
        keep, at = len(self.ids), len(head) + len(without_surrogates(rest).encode())
        while keep and (at > len(head) or _is_inside(head, at)):
            keep -= 1
            at -= len(table[self.ids[keep]])
        if not keep:
            return (), self
        tail = OpenText(head[at:].decode() + rest, self.ids[keep:], continues=True)
        return self.ids[:keep], tail


class Encoded:
    """The ids of one version of a stream.

    ``end`` is the text behind the last settled id. ``ahead`` is the role of the last message, and
    ``has_begun`` whether the stream has any content: until then it needs no begin token, or does.
    """

    __slots__ = ("_before", "_settled", "ahead", "end", "has_begun")

    def __init__(
        self,
        before: Encoded | None,
        settled: Sequence[Ids],
        end: OpenText,
        ahead: str | None = None,
        *,
        has_begun: bool = True,
    ) -> None:
        self._before = before
        self._settled = tuple(filter(None, settled))
        self.end = end
        self.ahead = ahead
        self.has_begun = has_begun

    def ids(self) -> Ids:
        """Return all ids from the start."""
        return tuple(chain.from_iterable((*self._settled_parts(), self.end.ids)))

    def _settled_parts(self) -> Iterator[Ids]:
        links: list[Encoded] = []
        link: Encoded | None = self
        while link is not None:
            links.append(link)
            link = link._before
        for link in reversed(links):
            yield from link._settled


def num_spelled(data: bytes, ids: Ids, tokenizer: TokenizerLike) -> tuple[int, int]:
    """Return how many of ``ids`` spell the begin of ``data``, and how many bytes they are.

    They end between two characters, and none of them is without bytes.
    """
    table = tokenizer.token_bytes
    found, at = (0, 0), 0
    for count, token in enumerate(ids, 1):
        piece = table[token]
        if not piece or not data.startswith(piece, at):
            break
        at += len(piece)
        if not _is_inside(data, at):
            found = (count, at)
    return found


def _is_inside(data: bytes, at: int) -> bool:
    """Whether ``at`` lies inside a character."""
    return at < len(data) and data[at] & 0xC0 == 0x80
