"""Prompts to token ids, one way for every prompt: the canonical seam.

Each maximal run of plain text between special tokens is encoded as one string, however it was
put together; special tokens are hard barriers. So a text that holds ``<|im_end|>`` stays text,
and the ids of a stream up to its last special token never change when more is appended.

The repaired seam is the other way: what a model wrote keeps its ids (``keep``), and only what
stands behind the last commit point is encoded again, together with the text that follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sglc.compiler.plan.segments import Media, RoleBegin, RoleEnd, Segment, Special, Text
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.byte import without_surrogates
from sglc.runtime.tokenizer.encoded import Encoded, Ends, Ids, OpenText, Written, num_spelled
from sglc.runtime.tokenizer.markup import bos_name, opened
from sglc.runtime.tokenizer.pieces import Piece
from sglc.runtime.tokenizer.template import ChatTemplate

_MAX_CHARS = 1 << 22  # of remembered texts
_CHUNK_CHARS = 256  # a text this long is encoded by itself, so that others that begin so find it


@dataclass(slots=True)
class EncodeCounts:
    """What an encoder has asked of its tokenizer: how often, and for how many characters."""

    tokenizer_calls: int = 0
    encoded_chars: int = 0


class PromptEncoder:
    """Encodes streams of segments; remembers the texts it has encoded, the latest 4 M characters.

    ``template`` None means a model without chat roles: a role is then an error. ``shown`` is the
    template of ``text``, where that is another one. ``start`` is the stream without content; a
    begin token that the tokenizer has is all that it holds.
    """

    def __init__(self, tokenizer: TokenizerLike, template: ChatTemplate | None) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.shown: ChatTemplate | None = None
        self.counts = EncodeCounts()
        self.start = Encoded(
            None, [tuple(tokenizer.bos_ids)], OpenText("", (), continues=False), has_begun=False
        )
        self._special_ids = tokenizer.special_ids
        self._texts: dict[tuple[str, bool], OpenText] = {}
        self._num_chars = 0
        self._bos_name = bos_name(tokenizer)

    @property
    def ends(self) -> Ends:
        """What ends an answer besides the end-of-sequence tokens, as the template says."""
        stop = () if self.template is None else self.template.stop
        ids = frozenset(self._special_ids[text] for text in stop if text in self._special_ids)
        return Ends(tuple(text for text in stop if text not in self._special_ids), ids)

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a stream from its start.

        A stream that begins with plain text begins with ``bos_ids``; one that begins with a role
        has the begin token that the template writes.

        Raises:
            ValueError: a role or special token that the model does not have.
        """
        return list(self.extend(self.start, segments).ids())

    def extend(self, encoded: Encoded, segments: Sequence[Segment]) -> Encoded:
        """Return a stream with more segments; what is settled of it is not encoded again.

        Raises:
            ValueError: a role or special token that the model does not have.
        """
        segments = [s for s in segments if not isinstance(s, Text) or s.text]
        if not segments:
            return encoded
        settled: list[Ids] = []
        end, text, size = encoded.end, list[str](), 0
        for piece in self._pieces(segments, encoded):
            if isinstance(piece, Text):
                text.append(piece.text)
                size += len(piece.text)
                if size < _CHUNK_CHARS:
                    continue
            end = self._longer(settled, end, text)
            text, size = [], 0
            if isinstance(piece, Special):
                settled += end.ids, (self._special(piece.name),)
                end = _AFTER_SPECIAL
        end = self._longer(settled, end, text)
        roles = [s.role for s in segments if isinstance(s, RoleBegin | RoleEnd)]
        return Encoded(
            self._before(encoded, segments[0]), settled, end, roles[-1] if roles else encoded.ahead
        )

    def keep(self, encoded: Encoded, text: str, written: Written) -> Encoded:
        """Return a stream behind a decode that wrote ``text``, with the ids that it wrote.

        They are kept as far as they spell the text, in whole characters and no special token
        between them; what is left of the text is encoded.
        """
        settled: list[Ids] = []
        end: OpenText | None = encoded.end
        if written.heal:
            end = encoded.end.without(written.heal, self.tokenizer)
        data = written.heal + text.encode("utf-8", "surrogatepass")
        count, size = num_spelled(data, written.ids, self.tokenizer)
        if end is None or not count or size < len(written.heal):
            return self.extend(encoded, [Text(text)])
        ids, end = end.cut(self.tokenizer)
        settled.append(ids)
        end = OpenText(
            end.text + data[:size].decode(), end.ids + written.ids[:count], continues=end.continues
        )
        rest = Text(data[size:].decode("utf-8", "surrogatepass"))
        made = Encoded(self._before(encoded, Text(text)), settled, end, encoded.ahead)
        return self.extend(made, [rest])

    def encode_healed(self, segments: Sequence[Segment]) -> tuple[list[int], bytes]:
        """Return ``encode`` without the last tokens, and the bytes of those; see ``withhold``."""
        ids, withheld = self.withhold(self.encode(segments), segments)
        return list(ids), withheld

    def withhold(self, ids: Sequence[int], segments: Sequence[Segment]) -> tuple[Ids, bytes]:
        """Return the ids of a stream without the last ones, and the bytes of those.

        They are the ones behind the last commit point of the text at the end, which might become
        longer tokens when more text follows; the last one, if the tokenizer has no commit points.
        A stream that ends with a special token keeps all, and at least one token stays.
        """
        text: list[str] = []
        for piece in self._pieces(segments, self.start):
            if isinstance(piece, Text):
                text.append(piece.text)
            else:
                text.clear()
        open_text = "".join(text)
        if not open_text:
            return tuple(ids), b""
        table = self.tokenizer.token_bytes
        settled = self.tokenizer.commit_points(open_text)[-1]
        rest = without_surrogates(open_text[settled:]).encode()
        size = len(rest) if settled else len(table[ids[-1]])
        keep = len(ids)
        while size > 0 and keep > 1:
            keep -= 1
            size -= len(table[ids[keep]])
        return tuple(ids[:keep]), b"".join(table[token] for token in ids[keep:])

    def pieces(self, segments: Sequence[Segment]) -> tuple[list[int], list[Piece]]:
        """Return the ids that a stream begins with, and its text and special tokens behind them.

        A text is the segment it was, so whoever asks may have texts that stand for others.

        Raises:
            ValueError: a role that the model does not have.
        """
        said = [s for s in segments if not isinstance(s, Text) or s.text]
        before = self._before(self.start, said[0]) if said else self.start
        opening = [] if before is None else list(before.ids())
        return opening, list(self._pieces(said, self.start))

    def text(self, segments: Sequence[Segment]) -> str:
        """Return the stream as text, special tokens by their names, ``bos_ids`` left out.

        Pictures are what stands for them.

        Raises:
            ValueError: a role that the model does not have.
        """
        pieces = self._pieces(segments, self.start, self.shown)
        return "".join(
            p.text if isinstance(p, Text) else p.shown if isinstance(p, Media) else p.name
            for p in pieces
        )

    def _before(self, encoded: Encoded, first: Segment) -> Encoded | None:
        """What a stream that goes on with ``first`` takes over: of an empty one the begin token,
        unless it begins with a role or with that very token."""
        if encoded.has_begun:
            return encoded
        is_own = isinstance(first, Special) and first.name == self._bos_name
        is_role = isinstance(first, RoleBegin | RoleEnd)
        begins = self.template is None or self.template.begins
        return None if is_own or (is_role and begins) else encoded

    def _pieces(
        self, segments: Sequence[Segment], behind: Encoded, written: ChatTemplate | None = None
    ) -> Iterator[Piece]:
        """Yield what stands in the prompt; messages as the model has them, unless ``written``."""
        ahead, has_begun = behind.ahead, behind.has_begun
        for segment in segments:
            if isinstance(segment, RoleBegin):
                template, bos = written or self._template(), self._bos_name
                yield from opened(template, bos, segment.role, ahead, has_begun=has_begun)
                ahead = segment.role
            elif isinstance(segment, RoleEnd):
                yield from (written or self._template()).closing(segment.role)
                ahead = segment.role
            elif isinstance(segment, Special) or segment.text:
                yield segment
            else:
                continue
            has_begun = True

    def _template(self) -> ChatTemplate:
        if self.template is None:
            raise ValueError("the model has no chat template, so a prompt for it has no roles")
        return self.template

    def _special(self, name: str) -> int:
        try:
            return self._special_ids[name]
        except KeyError:
            known = ", ".join(self._special_ids)
            raise ValueError(f"the model has no special token `{name}`; it has {known}") from None

    def _longer(self, settled: list[Ids], end: OpenText, text: Sequence[str]) -> OpenText:
        """Return the open text with more behind it; add what of it is settled to ``settled``."""
        if not text:
            return end
        ids, rest = end.cut(self.tokenizer)
        settled.append(ids)
        return self._encoded("".join((rest.text, *text)), continues=rest.continues)

    def _encoded(self, text: str, *, continues: bool) -> OpenText:
        key = (text, continues)
        made = self._texts.pop(key, None)
        if made is None:
            ids = self.tokenizer.encode(text, continues=continues)
            made = OpenText(text, tuple(ids), continues=continues)
            self.counts.tokenizer_calls += 1
            self.counts.encoded_chars += len(text)
            self._num_chars += len(text)
            while self._num_chars > _MAX_CHARS and self._texts:
                oldest = next(iter(self._texts))
                self._num_chars -= len(oldest[0])
                del self._texts[oldest]
        self._texts[key] = made  # the latest stands last
        return made


_AFTER_SPECIAL = OpenText("", (), continues=True)
