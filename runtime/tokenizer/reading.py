"""Prompts in which names of special tokens are those tokens: text as a server reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sglc.compiler.plan.segments import Segment, Text
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.encoded import Encoded
from sglc.runtime.tokenizer.markup import bos_name
from sglc.runtime.tokenizer.pieces import Cutter, Piece
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate


class ReadingEncoder(PromptEncoder):
    """Encodes a stream as ``/generate`` encodes its text.

    A name that two segments write together is text, as are the names in what ``PromptEncoder`` is
    given. What a model writes is read in the same way once it is part of a prompt.
    """

    def __init__(self, tokenizer: TokenizerLike, template: ChatTemplate | None) -> None:
        super().__init__(tokenizer, template)
        self._cutter = Cutter(tokenizer.special_ids)
        self._bos = bos_name(tokenizer)

    def _pieces(
        self, segments: Sequence[Segment], behind: Encoded, written: ChatTemplate | None = None
    ) -> Iterator[Piece]:
        for piece in super()._pieces(segments, behind, written):
            if isinstance(piece, Text):
                yield from self._cutter.cut(piece.text)
            else:
                yield piece

    def _before(self, encoded: Encoded, first: Segment) -> Encoded | None:
        begins = isinstance(first, Text) and self._bos and first.text.startswith(self._bos)
        return None if begins and not encoded.has_begun else super()._before(encoded, first)
