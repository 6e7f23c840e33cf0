"""Streams: immutable versions of a prompt, each a link to the one before plus a segment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

from sglc.compiler.plan.data import DataError, Spoken
from sglc.compiler.plan.seeds import Lineage
from sglc.compiler.plan.segments import Segment, Text, messages_of
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.encoded import Encoded, Ends, OpenText, Written
from sglc.runtime.tokenizer.prompt import EncodeCounts

_FIRST: Final = Lineage()


class Encoder(Protocol):
    """Turns segments into token ids; ``tokenizer.prompt.PromptEncoder`` is one."""

    @property
    def tokenizer(self) -> TokenizerLike:
        """The tokenizer that makes the ids."""

    @property
    def counts(self) -> EncodeCounts:
        """What the tokenizer was asked so far."""

    @property
    def start(self) -> Encoded:
        """The stream without content."""

    @property
    def ends(self) -> Ends:
        """What ends an answer besides the end-of-sequence tokens."""

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a stream from its start."""

    def extend(self, encoded: Encoded, segments: Sequence[Segment]) -> Encoded:
        """Return a stream with more segments."""

    def keep(self, encoded: Encoded, text: str, written: Written) -> Encoded:
        """Return a stream behind a decode that wrote ``text``, with the ids that it wrote."""

    def withhold(
        self, ids: Sequence[int], segments: Sequence[Segment]
    ) -> tuple[tuple[int, ...], bytes]:
        """Return the ids but for those that more text may change, and the bytes of those."""

    def text(self, segments: Sequence[Segment]) -> str:
        """Return the stream as text, role markers included."""


class Stream(Spoken):
    """One version of a prompt. Two versions that share a past share the links of it.

    ``length`` counts segments. ``lineage`` is what decodes draw by
    whose ``rng`` is the stream. ``logprob`` is the sum over all generated tokens whose
    probabilities are known. ``written`` are the ids of a segment that a model wrote, where they are
    to stay. Ids are made from those of the nearest earlier version that has been encoded. ``held``
    is the backend's stream that can go on from here. ``num_chars`` counts the characters of texts;
    of more than ``most_chars`` no ids are made, since no model would take them.
    """

    __slots__ = (
        "_encoded",
        "_is_shared",
        "_segments",
        "encoder",
        "held",
        "length",
        "lineage",
        "logprob",
        "most_chars",
        "num_chars",
        "parent",
        "segment",
        "written",
    )

    def __init__(
        self,
        encoder: Encoder,
        parent: Stream | None = None,
        segment: Segment | None = None,
        logprob: float = 0.0,
        written: Written | None = None,
        most_chars: int | None = None,
    ) -> None:
        self.encoder = encoder
        self.most_chars = most_chars
        self.num_chars: int = 0 if parent is None else parent.num_chars
        if isinstance(segment, Text):
            self.num_chars += len(segment.text)
        self.parent = parent
        self.segment = segment
        self.length: int = 0 if parent is None else parent.length + 1
        self.logprob = logprob
        self.lineage: Lineage = _FIRST if parent is None else parent.lineage
        self.written = written
        self.held: int | None = None
        self._segments: tuple[Segment, ...] | None = None
        self._encoded: Encoded | None = None
        self._is_shared: bool | None = None  # None: nothing was appended, True: more than once

    @classmethod
    def of_ids(cls, encoder: Encoder, ids: Sequence[int], text: str) -> Stream:
        """Return a stream that begins with token ids, which ``text`` shows."""
        made = cls(encoder).append(Text(text))
        made._encoded = Encoded(None, (tuple(ids),), OpenText("", (), continues=True))
        return made

    def append(
        self, segment: Segment, logprob: float = 0.0, written: Written | None = None
    ) -> Stream:
        """Return the next version."""
        self._is_shared = self._is_shared is not None
        return Stream(self.encoder, self, segment, self.logprob + logprob, written, self.most_chars)

    def decoded(self, text: str, logprob: float, written: Written | None) -> Stream:
        """Return the version behind a decode."""
        after = self.append(Text(text), logprob, written)
        after.lineage = self.lineage.after_call()
        return after

    def with_lineage(self, lineage: Lineage) -> Stream:
        """Return a version of the same content."""
        self._is_shared = self._is_shared is not None
        made = Stream(self.encoder, self, None, self.logprob, None, self.most_chars)
        made.length = self.length
        made.lineage = lineage
        return made

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

    def encoded(self) -> Encoded:
        """Return the encoded stream; remembered here and where versions part.

        Raises:
            ValueError: a role or special token that the model does not have; too many characters.
        """
        if self.most_chars is not None and self.num_chars > self.most_chars:
            raise ValueError(
                f"the prompt has {self.num_chars} characters; the model's context has room for "
                f"{self.most_chars} at most"
            )
        links: list[Stream] = []
        version: Stream | None = self
        while version is not None and version._encoded is None:
            links.append(version)
            version = version.parent
        encoder = self.encoder
        made = encoder.start if version is None or version._encoded is None else version._encoded
        waiting: list[Segment] = []
        for link in reversed(links):
            if isinstance(link.segment, Text) and link.written is not None:
                made = encoder.keep(encoder.extend(made, waiting), link.segment.text, link.written)
                waiting.clear()
            elif link.segment is not None:
                waiting.append(link.segment)
            if link._is_shared or link is self:
                made = encoder.extend(made, waiting)
                link._encoded = made
                waiting.clear()
        return made

    def ids(self) -> tuple[int, ...]:
        """Return the token ids.

        Raises:
            ValueError: a role or special token that the model does not have.
        """
        return self.encoded().ids()

    def ids_with(self, text: str) -> tuple[int, ...]:
        """Return the token ids of the version that has ``text`` behind this one."""
        return self.encoder.extend(self.encoded(), (Text(text),)).ids()

    def healed_ids(self) -> tuple[tuple[int, ...], bytes]:
        """Return the token ids before those that more text may change, and the bytes of those.

        Raises:
            ValueError: a role or special token that the model does not have.
        """
        return self.encoder.withhold(self.ids(), self.segments())

    @property
    def text(self) -> str:  # type: ignore[override]  # computed when it is asked for
        """The whole prompt as text, role markers included."""
        return self.encoder.text(self.segments())

    def since(self, start: Stream, *, is_marked: bool = False) -> str:
        """Return the plain text that was added after ``start``; markers are not text, unless it
        ``is_marked``.

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
        return self.text[len(start.text) :] if is_marked else "".join(texts)

    def messages(self) -> list[dict[str, Any]]:
        """Return ``{role, content}`` of every message, the open one included."""
        return messages_of(self.segments())
