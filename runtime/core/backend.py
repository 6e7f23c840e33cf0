"""What runs streams: the scheduler, scripted mocks, later remote engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

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
        """Whether no stream waits or runs and no event is left to report; held ones may be left."""

    def submit(self, request: StreamRequest) -> int:
        """Queue a stream and return its id; ids are never used again.

        Raises:
            ValueError: a token id is outside the vocabulary.
        """

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Queue streams as one; they start together, or as many as fit, in their order.

        Raises:
            ValueError: a token id is outside the vocabulary; nothing is queued.
        """

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Give a new script to a stream that is held or has nothing but extends left.

        The script begins with an Extend by the *whole* sequence: what it has in common with the
        tokens of the stream stays, with its K/V, the rest is dropped. ``request`` takes the place
        of the one before, and events count ops in its script.

        Raises:
            ValueError: the stream is not there, or is not done; the script does not begin with an
                Extend; a token id is outside the vocabulary. The stream stays as it is.
        """

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream, held or not, no more events; return what it has counted.

        Of unknown ids, and of those whose end was reported, that is nothing; of a held stream, what
        it has counted since that was reported.
        """

    def step(self) -> list[Event]:
        """Do at most one forward pass and report what came of it."""

    def snapshot(self) -> Snapshot:
        """Return what the streams have counted so far, and where the KV slots are."""

    def stats(self) -> Mapping[str, int]:
        """Return the counters by name."""


@runtime_checkable
class ByteBackend(Backend, Protocol):
    """A backend whose model is somewhere else: its ids are bytes, and it works between steps too.

    ``step`` reports what has come in. Choices are scored as whole texts (``TextScore``).
    """

    @property
    def takes_guesses(self) -> bool:
        """Whether it may be asked what may turn out to be for nothing: not what is paid for."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` from any thread whenever there is something to report."""
