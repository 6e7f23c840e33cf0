"""Streams of the reference interpreter: tuples of segments, and the model they are for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from sglc.compiler.plan.data import DataError, Spoken
from sglc.compiler.plan.seeds import Lineage
from sglc.compiler.plan.segments import Segment, Text, messages_of

_FIRST: Final = Lineage()


class ReferenceModel(Protocol):
    """A tokenizer and a function from ids to logits."""

    vocab_size: int
    token_bytes: Sequence[bytes]
    eos_ids: Collection[int]

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a stream, tokenised from its start."""

    def encode_healed(self, segments: Sequence[Segment]) -> tuple[list[int], bytes]:
        """Return the ids but for those that more text may change, and the bytes of those."""

    def text(self, segments: Sequence[Segment]) -> str:
        """Return the stream as text, role markers included."""

    def logits(self, ids: Sequence[int]) -> Sequence[float]:
        """Return the logits of the token after ``ids``, which is not empty."""


class Stream(Spoken):
    """One version of a prompt: its segments. ``logprob`` is that of the tokens asked for."""

    __slots__ = ("lineage", "logprob", "model", "segments")

    def __init__(
        self,
        model: ReferenceModel,
        segments: tuple[Segment, ...] = (),
        logprob: float = 0.0,
        lineage: Lineage = _FIRST,
    ) -> None:
        self.model = model
        self.segments = segments
        self.logprob = logprob
        self.lineage = lineage

    def append(self, segment: Segment) -> Stream:
        """Return the next version."""
        return Stream(self.model, (*self.segments, segment), self.logprob, self.lineage)

    def decoded(self, text: str, logprob: float) -> Stream:
        """Return the version behind a decode."""
        segments = (*self.segments, Text(text))
        return Stream(self.model, segments, self.logprob + logprob, self.lineage.after_call())

    def with_lineage(self, lineage: Lineage) -> Stream:
        """Return a version of the same content."""
        return Stream(self.model, self.segments, self.logprob, lineage)

    @property
    def text(self) -> str:  # type: ignore[override]  # computed when it is asked for
        return self.model.text(self.segments)

    def since(self, start: Stream) -> str:
        """Return the plain text that was added after ``start``; role markers are not text."""
        added = self.segments[len(start.segments) :]
        if self.segments[: len(start.segments)] != start.segments:
            raise DataError("a slice needs an earlier version of the same stream")
        return "".join(segment.text for segment in added if isinstance(segment, Text))

    def messages(self) -> list[dict[str, str]]:
        """Return role and content of every message; text outside of messages is left out."""
        return messages_of(self.segments)
