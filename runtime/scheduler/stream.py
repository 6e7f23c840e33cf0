"""A stream: a token sequence, where its K/V is, and how far its script has come."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sglc.runtime.core.events import DecodeResult, Delta, Finish
from sglc.runtime.core.script import Decode, Embed, StreamRequest
from sglc.runtime.core.stats import StreamStats
from sglc.runtime.engine.logprobs import TopLogprobs
from sglc.runtime.kvcache.radix import Node
from sglc.runtime.scheduler.choices import ChoiceTrie
from sglc.runtime.scheduler.guide import Guide
from sglc.runtime.scheduler.jump import Tail
from sglc.runtime.scheduler.text import DecodeText

if TYPE_CHECKING:
    from sglc.runtime.scheduler.queue import Entry

# A step samples one token of a stream, so its steps are not counted by themselves.
_COUNTED: Final = tuple(f.name for f in fields(StreamStats) if f.name != "decode_steps")


class Ending(NamedTuple):
    """What ended a decode."""

    finish: Finish
    matched: str | int | None


@dataclass(slots=True, eq=False)
class DecodeState:
    """A decode in progress; ``start`` is the length of the stream when it began.

    ``end_ids`` end it, of which ``eos_ids`` as an end of sequence; ``banned`` are the ids that
    min_new_tokens forbids. ``seen`` and ``counts`` (engine/sampler.py: Draw) are there when the
    parameters have penalties. ``tail`` is there when forced text is appended without sampling;
    ``is_forced`` tells of each of ``ids`` whether it was. ``owed`` are the places of forced ids
    whose logprobs are wanted and not known yet, ascending; a decode that has found its end
    before they are keeps it in ``ending``. The first ``told`` of ``ids`` were reported by deltas.
    """

    op: Decode
    start: int
    text: DecodeText
    guide: Guide | None
    eos_ids: frozenset[int]
    end_ids: frozenset[int]
    banned: frozenset[int]
    is_plain: bool
    tail: Tail | None = None
    seen: NDArray[np.bool_] | None = None
    counts: NDArray[np.int64] | None = None
    ids: list[int] = field(default_factory=list)
    is_forced: list[bool] = field(default_factory=list)
    owed: list[int] = field(default_factory=list)
    ending: Ending | None = None
    logprobs: list[float] = field(default_factory=list)
    top_logprobs: list[TopLogprobs] = field(default_factory=list)
    told: int = 0

    @property
    def num_certain(self) -> int:
        """How many of ``ids`` no jump can change any more; none of them is owed its logprobs."""
        return len(self.ids) if self.tail is None else self.tail.begin

    def tell(self, stream: int, op: int, text: str, end: int) -> Delta:
        """Report more text, and the ids before ``end`` that were not reported."""
        new = slice(self.told, end)
        self.told = end
        return Delta(
            stream,
            op,
            text,
            tuple(self.ids[new]),
            tuple(self.logprobs[new]),
            tuple(self.top_logprobs[new]) if self.op.num_logprobs else (),
        )

    def result(
        self, text: str, finish: Finish, matched: str | int | None, num_kept: int
    ) -> DecodeResult:
        """Return the outcome."""
        tops = tuple(self.top_logprobs) if self.op.num_logprobs else None
        return DecodeResult(
            tuple(self.ids), text, finish, matched, tuple(self.logprobs), tops, num_kept,
            sum(self.is_forced),
        )  # fmt: skip


@dataclass(slots=True, eq=False)
class Stream:
    """One thread of the scheduler.

    ``tokens`` are all tokens so far; those in [0, computed) have K/V in slots ``row`` of the slot
    table names, of which [0, owned_from) belong to the radix tree, kept by the lock on ``node``,
    and [owned_from, computed) to the stream. Only a stream that is ``decoding`` owns slots. A
    stream without a place has row -1: one that waits in ``entry`` of the queue, or that is held and
    has lost it. ``work`` is the op at ``op``; None when the script is at its end. ``scored`` are
    the ends of what its scores have put into the tree.
    """

    id: int
    request: StreamRequest
    node: Node
    tokens: list[int] = field(default_factory=list)
    op: int = 0
    work: DecodeState | ChoiceTrie | Embed | None = None
    row: int = -1
    computed: int = 0
    owned_from: int = 0
    decoding: bool = False
    is_held: bool = False
    is_gone: bool = False
    entry: Entry | None = None
    scored: list[Node] = field(default_factory=list)
    queued_at: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    prefilled_tokens: int = 0
    decoded_tokens: int = 0
    forced_tokens: int = 0
    scored_tokens: int = 0
    queue_steps: int = 0
    queue_entries: int = 0
    preemptions: int = 0

    def stats(self) -> StreamStats:
        """Return what was counted."""
        return StreamStats(
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            prefilled_tokens=self.prefilled_tokens,
            decoded_tokens=self.decoded_tokens,
            forced_tokens=self.forced_tokens,
            scored_tokens=self.scored_tokens,
            decode_steps=self.decoded_tokens,
            queue_steps=self.queue_steps,
            queue_entries=self.queue_entries,
            preemptions=self.preemptions,
        )

    def take_stats(self) -> StreamStats:
        """Return what was counted, and begin again at 0."""
        stats = self.stats()
        for name in _COUNTED:
            setattr(self, name, 0)
        return stats

    def take_back(self, stats: StreamStats) -> None:
        """Count what was taken and told to nobody."""
        for name in _COUNTED:
            setattr(self, name, getattr(self, name) + getattr(stats, name))
