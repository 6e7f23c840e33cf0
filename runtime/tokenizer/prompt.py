"""Prompts to token ids, one way for every prompt: the canonical seam.

Each maximal run of plain text between special tokens is encoded as one string, however it was
put together; special tokens are hard barriers. So a text that holds ``<|im_end|>`` stays text,
and the ids of a stream up to its last special token never change when more is appended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special, Text
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.byte import without_surrogates
from sglc.runtime.tokenizer.pieces import Piece
from sglc.runtime.tokenizer.template import ChatTemplate

_MAX_CHARS = 1 << 22  # of remembered runs


class PromptEncoder:
    """Encodes streams of segments; remembers the runs it has encoded, the latest 4 M characters.

    ``template`` None means a model without chat roles: a role is then an error.
    """

    def __init__(self, tokenizer: TokenizerLike, template: ChatTemplate | None) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self._special_ids = tokenizer.special_ids
        self._runs: dict[tuple[str, bool], list[int]] = {}
        self._num_chars = 0
        bos = tokenizer.bos_ids[0] if tokenizer.bos_ids else None
        self._bos_name = next((n for n, i in self._special_ids.items() if i == bos), None)

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a stream from its start.

        A stream that begins with plain text begins with ``bos_ids``; one that begins with a role
        has the begin token that the template writes.

        Raises:
            ValueError: a role or special token that the model does not have.
        """
        ids = list(self.tokenizer.bos_ids) if self._is_plain(segments) else []
        text: list[str] = []
        after_special = False
        for piece in self._pieces(segments):
            if isinstance(piece, Text):
                text.append(piece.text)
                continue
            if text:
                ids += self._run("".join(text), after_special)
                text.clear()
            ids.append(self._special(piece.name))
            after_special = True
        if text:
            ids += self._run("".join(text), after_special)
        return ids

    def encode_healed(self, segments: Sequence[Segment]) -> tuple[list[int], bytes]:
        """Return ``encode`` without the last tokens, and the bytes of those.

        They are the ones behind the last commit point of the text at the end, which might become
        longer tokens when more text follows; the last one, if the tokenizer has no commit points.
        A stream that ends with a special token keeps all, and at least one token stays.
        """
        ids = self.encode(segments)
        text = ""
        for piece in self._pieces(segments):
            text = text + piece.text if isinstance(piece, Text) else ""
        if not text:
            return ids, b""
        table = self.tokenizer.token_bytes
        settled = self.tokenizer.commit_points(text)[-1]
        size = len(without_surrogates(text[settled:]).encode()) if settled else len(table[ids[-1]])
        keep = len(ids)
        while size > 0 and keep > 1:
            keep -= 1
            size -= len(table[ids[keep]])
        return ids[:keep], b"".join(table[token] for token in ids[keep:])

    def text(self, segments: Sequence[Segment]) -> str:
        """Return the stream as text, special tokens by their names, ``bos_ids`` left out.

        Raises:
            ValueError: a role that the model does not have.
        """
        return "".join(p.text if isinstance(p, Text) else p.name for p in self._pieces(segments))

    def _is_plain(self, segments: Sequence[Segment]) -> bool:
        """Whether the stream needs ``bos_ids``: it does not begin with a role or with them."""
        for segment in segments:
            if isinstance(segment, Text):
                if segment.text:
                    return True
            elif isinstance(segment, Special):
                return segment.name != self._bos_name
            else:
                return False
        return True

    def _pieces(self, segments: Sequence[Segment]) -> Iterator[Piece]:
        ahead: str | None = None
        has_begun = False
        for segment in segments:
            if isinstance(segment, RoleBegin):
                opening = self._template().opening(segment.role, ahead)
                if has_begun and opening and opening[0] == Special(self._bos_name or ""):
                    opening = opening[1:] if ahead is None else opening
                yield from opening
                ahead = segment.role
            elif isinstance(segment, RoleEnd):
                yield from self._template().closing(segment.role)
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

    def _run(self, text: str, continues: bool) -> list[int]:
        key = (text, continues)
        ids = self._runs.pop(key, None)
        if ids is None:
            ids = self.tokenizer.encode(text, continues=continues)
            self._num_chars += len(text)
            while self._num_chars > _MAX_CHARS and self._runs:
                oldest = next(iter(self._runs))
                self._num_chars -= len(oldest[0])
                del self._runs[oldest]
        self._runs[key] = ids  # the latest stands last
        return ids
