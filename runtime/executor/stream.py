"""Streams: immutable versions of a prompt, each a link to the one before plus a segment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sglc.compiler.plan.data import DataError, Spoken
from sglc.compiler.plan.segments import Segment, Text, messages_of
from sglc.runtime.tokenizer.base import TokenizerLike


class Encoder(Protocol):
    """Turns segments into token ids; ``tokenizer.prompt.PromptEncoder`` is one."""

    @property
    def tokenizer(self) -> TokenizerLike:
        """The tokenizer that makes the ids."""

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a stream from its start."""

    def encode_healed(self, segments: Sequence[Segment]) -> tuple[list[int], bytes]:
        """Return the ids but for those that more text may change, and the bytes of those."""

    def text(self, segments: Sequence[Segment]) -> str:
        """Return the stream as text, role markers included."""


class Stream(Spoken):
    """One version of a prompt. Two versions that share a past share the links of it.

    ``length`` counts segments. ``logprob`` is the sum over all generated tokens whose
    probabilities are known.
    """

    __slots__ = ("_ids", "_segments", "encoder", "length", "logprob", "parent", "segment")

    def __init__(
        self,
        encoder: Encoder,
        parent: Stream | None = None,
        segment: Segment | None = None,
        logprob: float = 0.0,
    ) -> None:
        self.encoder = encoder
        self.parent = parent
        self.segment = segment
        self.length: int = 0 if parent is None else parent.length + 1
        self.logprob = logprob
        self._segments: tuple[Segment, ...] | None = None
        self._ids: tuple[int, ...] | None = None

    def append(self, segment: Segment, logprob: float = 0.0) -> Stream:
        """Return the next version."""
        return Stream(self.encoder, self, segment, self.logprob + logprob)

    def segments(self) -> tuple[Segment, ...]:
        """Return all segments from the start; remembered, and begun from a version that was."""
        if self._segments is None:
            links: list[Segment] = []
            version: Stream = self
            while version.parent is not None and version._segments is None:
                if version.segment is not None:
                    links.append(version.segment)
                version = version.parent
            links.reverse()
            self._segments = (version._segments or ()) + tuple(links)
        return self._segments

    def ids(self) -> tuple[int, ...]:
        """Return the token ids; remembered.

        Raises:
            ValueError: a role or special token that the model does not have.
        """
        if self._ids is None:
            self._ids = tuple(self.encoder.encode(self.segments()))
        return self._ids

    def healed_ids(self) -> tuple[tuple[int, ...], bytes]:
        """Return the token ids before those that more text may change, and the bytes of those.

        Raises:
            ValueError: a role or special token that the model does not have.
        """
        ids, withheld = self.encoder.encode_healed(self.segments())
        return tuple(ids), withheld

    @property
    def text(self) -> str:  # type: ignore[override]  # computed when it is asked for
        """The whole prompt as text, role markers included."""
        return self.encoder.text(self.segments())

    def since(self, start: Stream) -> str:
        """Return the plain text that was added after ``start``; markers are not text.

        Raises:
            DataError: ``start`` is no earlier version of this stream.
        """
        texts: list[str] = []
        version: Stream | None = self
        while version is not None and version.length > start.length:
            if isinstance(version.segment, Text):
                texts.append(version.segment.text)
            version = version.parent
        texts.reverse()
        if version is not start and (version is None or version.segments() != start.segments()):
            raise DataError("a slice needs an earlier version of the same stream")
        return "".join(texts)

    def messages(self) -> list[dict[str, Any]]:
        """Return ``{role, content}`` of every message, the open one included."""
        return messages_of(self.segments())
