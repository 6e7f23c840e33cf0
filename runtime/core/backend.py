"""What runs streams: the scheduler, scripted mocks, later remote engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sglc.runtime.core.events import Event
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.core.stats import Snapshot, StreamStats


class Backend(Protocol):
    """Runs streams step by step: synchronous, without threads and without a clock."""

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""

    @property
    def max_context(self) -> int:
        """Largest number of tokens of one stream."""

    @property
    def idle(self) -> bool:
        """Whether no stream waits or runs and no event is left to report."""

    def submit(self, request: StreamRequest) -> int:
        """Queue a stream and return its id; ids are never used again.

        Raises:
            ValueError: a token id is outside the vocabulary.
        """

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream, no more events; return what it has counted.

        Of unknown ids, and of those whose end was reported, that is nothing.
        """

    def step(self) -> list[Event]:
        """Do at most one forward pass and report what came of it."""

    def snapshot(self) -> Snapshot:
        """Return what the streams have counted so far, and where the KV slots are."""

    def stats(self) -> Mapping[str, int]:
        """Return the counters by name."""
