"""What a backend reports. Each event names its stream; most also the op by its script index.

Events of one stream come in the order of its script: any number of Delta, then Decoded, for a
decode; one Scored for a score; one Embedded for an embed; at last exactly one Ended or Failed, or
Held, behind which come the events of the script that it is resumed with. A cancelled stream
reports nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sglc.runtime.core.stats import NOTHING, StreamStats

Finish = Literal["eos", "stop", "length", "constraint"]


@dataclass(frozen=True, slots=True)
class DecodeResult:
    """The outcome of a decode.

    ``ids`` are the tokens as sampled, the end-of-sequence or stop token included, and with them
    ``num_forced`` tokens of text that the constraint left no choice about; ``text`` is
    what the decode contributes: without that token, the stop string and what was cut off on
    leaving a constraint. The stream goes on after ``ids[:num_kept]``: the longest prefix whose
    bytes lie within the text; when the cut is inside a token, the text is longer than that.
    Bytes that are not UTF-8 read as U+FFFD. ``matched`` is the stop string or the id that ended
    the decode, if one did. ``logprobs`` has one entry for each of ``ids`` (none when not asked
    for), natural logarithms of the untempered, unmasked distribution; ``top_logprobs`` holds
    (id, logprob) pairs in descending order, ties by id.

    ``meta`` is what a server has said of the text in words of its own, as SGLang's ``meta_info``.
    ``num_tokens`` is how many tokens the model wrote where ``ids`` are none but bytes: then
    ``logprobs`` has one entry for each of those. None: as many as there are ids.
    """

    ids: tuple[int, ...]
    text: str
    finish: Finish
    matched: str | int | None = None
    logprobs: tuple[float, ...] = ()
    top_logprobs: tuple[tuple[tuple[int, float], ...], ...] | None = None
    num_kept: int = 0
    num_forced: int = 0
    num_tokens: int | None = None
    meta: Mapping[str, Any] | None = None

    @property
    def num_written(self) -> int:
        """How many tokens the model wrote."""
        return len(self.ids) if self.num_tokens is None else self.num_tokens


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """Log probabilities per choice and token, natural logarithms of the raw distribution.

    ``top_logprobs`` holds, per choice and token, the (id, logprob) pairs of the most probable
    tokens at its place, in descending order, ties by id; None when not asked for. ``alone`` are the
    log probabilities of the same tokens with nothing before them; None when not asked for.
    ``tokens`` are ids and texts of the tokens, where only a server knows them.
    """

    logprobs: tuple[tuple[float, ...], ...]
    top_logprobs: tuple[tuple[tuple[tuple[int, float], ...], ...], ...] | None = None
    alone: tuple[tuple[float, ...], ...] | None = None
    tokens: tuple[tuple[tuple[int, str], ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """More of a decode. The deltas of a decode, joined, are its result: text, ids, logprobs.

    ``ids`` are those that are certain by now, which may be fewer or more than those that wrote
    ``text``: bytes wait for the end of a character or of a stop string, ids for their log
    probability and until no forced text can change them. ``logprobs`` and ``top_logprobs`` have
    one entry for each of ``ids``, none when not asked for. Only the last delta may have no text.
    """

    stream: int
    op: int
    text: str
    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    top_logprobs: tuple[tuple[tuple[int, float], ...], ...] = ()

    @classmethod
    def whole(cls, stream: int, op: int, result: DecodeResult) -> Delta:
        """Return a result as a single delta."""
        tops = result.top_logprobs or ()
        return cls(stream, op, result.text, result.ids, result.logprobs, tops)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decode is complete."""

    stream: int
    op: int
    result: DecodeResult


@dataclass(frozen=True, slots=True)
class Scored:
    """A score is complete."""

    stream: int
    op: int
    result: ScoreResult


@dataclass(frozen=True, slots=True)
class Embedded:
    """An embedding is there: ``vector`` has length 1, or is 0 where the hidden state is."""

    stream: int
    op: int
    vector: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The script is complete."""

    stream: int
    stats: StreamStats


@dataclass(frozen=True, slots=True)
class Held:
    """The script is complete, and the stream waits to be resumed or cancelled.

    ``stats`` is what it counted since it was submitted or last held.
    """

    stream: int
    stats: StreamStats


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream cannot go on; nothing of it is left in the backend."""

    stream: int
    op: int
    message: str
    stats: StreamStats = NOTHING


Event = Delta | Decoded | Scored | Embedded | Ended | Held | Failed
