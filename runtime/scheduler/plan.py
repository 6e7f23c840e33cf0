"""What one step is going to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sglc.runtime.engine.launch import BatchBuilder
from sglc.runtime.scheduler.stream import Stream


class Sample(NamedTuple):
    """A stream that samples a token from a row of the logits."""

    stream: Stream
    row: int


class ScorePick(NamedTuple):
    """A row of the logits that gives the trie node ``node`` of a score its log probability."""

    stream: Stream
    row: int
    node: int
    token: int


class ForcedPick(NamedTuple):
    """A row of the logits that gives the forced id ``place`` of a decode its log probability."""

    stream: Stream
    row: int
    place: int


class EmbedPick(NamedTuple):
    """A stream that takes the hidden state of a row as its embedding."""

    stream: Stream
    row: int


@dataclass(slots=True)
class StepPlan:
    """The batch under construction, who waits for what of it, and the prefill tokens left.

    ``score_rows`` is how many rows of logits may still be asked for after tokens of choices.
    """

    budget: int
    score_rows: int
    builder: BatchBuilder = field(default_factory=BatchBuilder)
    samples: list[Sample] = field(default_factory=list)
    picks: list[ScorePick] = field(default_factory=list)
    forced: list[ForcedPick] = field(default_factory=list)
    embeds: list[EmbedPick] = field(default_factory=list)
    ended: list[Stream] = field(default_factory=list)  # decodes that wait for nothing else
    scored: list[Stream] = field(default_factory=list)  # scores that this step completes
    completed: list[Stream] = field(default_factory=list)  # at the end of their script

    @property
    def needs_logits(self) -> bool:
        """Whether somebody waits for logits, not for hidden states alone."""
        return bool(self.samples or self.picks or self.forced)

    @property
    def has_work(self) -> bool:
        """Whether the step brings any stream further."""
        return bool(self.builder.token_ids or self.completed or self.scored)
