"""What is counted: per stream, and over the life of a backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class StreamStats:
    """Where the tokens of one stream came from; a preempted stream counts what it did again.

    ``prompt_tokens`` were given by Extend, without those that a resumed stream had already;
    ``cached_tokens`` were found in the cache or computed
    by another stream of the same step; ``prefilled_tokens`` this stream computed otherwise than
    one by one while decoding; ``decoded_tokens`` it sampled, ``forced_tokens`` its decodes got
    without sampling; ``scored_tokens`` are those of choices that it computed; ``decode_steps`` and
    ``queue_steps`` are the scheduler steps in which it sampled and waited; ``queue_entries`` says
    how often it was queued.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    prefilled_tokens: int = 0
    decoded_tokens: int = 0
    forced_tokens: int = 0
    scored_tokens: int = 0
    decode_steps: int = 0
    queue_steps: int = 0
    queue_entries: int = 0
    preemptions: int = 0

    @property
    def computed_tokens(self) -> int:
        """Tokens that went through the model."""
        return self.prefilled_tokens + self.decoded_tokens + self.scored_tokens

    def __add__(self, other: StreamStats) -> StreamStats:
        """Return the sums."""
        return StreamStats(*(getattr(self, n) + getattr(other, n) for n in _STREAM_FIELDS))


_STREAM_FIELDS = tuple(field.name for field in fields(StreamStats))
NOTHING: Final = StreamStats()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a backend is between two steps.

    ``running`` holds what each stream that runs has counted so far, by its id; ``num_waiting`` are
    the streams that are queued, ``num_held`` those that wait to be resumed. The KV slots are
    ``held_slots`` by single streams, cached for all, or free; a backend without slots says 0.
    """

    running: Mapping[int, StreamStats]
    num_waiting: int = 0
    held_slots: int = 0
    cached_slots: int = 0
    free_slots: int = 0
    num_held: int = 0


@dataclass(slots=True)
class Counters:
    """Counters of one backend since it was made; only ever incremented, but for ``peak_slots``.

    ``recomputed_tokens`` were cached but fed again because their logits were wanted;
    ``evicted_tokens`` are cache slots given up; ``peak_slots`` is the largest number of slots in
    use at once, cached ones included. ``queue_entries`` counts how often a stream, or a group of
    streams submitted as one, was queued: submitted, preempted, or resumed after it was parked.
    ``groups`` counts the groups; ``resumes`` how often a stream was given a new script; ``parked``
    how often a held stream lost its place, because there was no other room left.
    """

    forward_passes: int = 0
    prefilled_tokens: int = 0
    cached_tokens: int = 0
    recomputed_tokens: int = 0
    decoded_tokens: int = 0
    forced_tokens: int = 0
    scored_tokens: int = 0
    preemptions: int = 0
    evicted_tokens: int = 0
    peak_slots: int = 0
    queue_entries: int = 0
    groups: int = 0
    resumes: int = 0
    parked: int = 0
    masks_built: int = 0
    masks_loaded: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return a snapshot by name."""
        return asdict(self)
