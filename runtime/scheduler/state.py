"""What the verbs of the scheduler share: memory, queue, running streams, events to report."""

from __future__ import annotations

import heapq

from sglc.runtime.config import EngineConfig
from sglc.runtime.core.events import Ended, Event, Failed
from sglc.runtime.core.stats import Counters
from sglc.runtime.core.text_encoder import TextEncoder
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.runner import ModelRunner
from sglc.runtime.masks.cache import MaskCache
from sglc.runtime.masks.store import MaskStore
from sglc.runtime.scheduler.jump import TextCutter
from sglc.runtime.scheduler.memory import KVMemory
from sglc.runtime.scheduler.stream import Stream


class WaitingQueue:
    """Streams that wait: higher priority first, then in the order of their ids.

    A preempted stream comes back before all that were submitted after it.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Stream]] = []

    def push(self, stream: Stream) -> None:
        """Add a stream."""
        heapq.heappush(self._heap, (-stream.request.priority, stream.id, stream))

    def peek(self) -> Stream | None:
        """Return the stream whose turn it is; streams that are gone are dropped on the way."""
        while self._heap and self._heap[0][2].is_gone:
            heapq.heappop(self._heap)
        return self._heap[0][2] if self._heap else None

    def pop(self) -> Stream:
        """Remove the stream that ``peek`` returned."""
        return heapq.heappop(self._heap)[2]


class SchedulerState:
    """Mutable state of one scheduler; ``running`` is in the order of admission."""

    def __init__(
        self,
        runner: ModelRunner,
        vocabulary: Vocabulary,
        config: EngineConfig,
        encoder: TextEncoder | None,
        mask_store: MaskStore | None,
    ) -> None:
        self.config = config
        self.vocabulary = vocabulary
        self.cutter: TextCutter | None = None  # there when forced text is appended at once
        if encoder is not None and config.jump_forward:
            self.cutter = TextCutter(encoder, vocabulary.token_bytes)
        self.max_context = runner.max_context
        self.memory = KVMemory(runner.num_slots, config.max_running, runner.max_context)
        self.masks = MaskCache(vocabulary, config.mask_cache_mib, mask_store)
        self.counters = Counters()
        self.streams: dict[int, Stream] = {}
        self.running: list[Stream] = []
        self.queue = WaitingQueue()
        self.events: list[Event] = []
        self.step_number = 0

    def enqueue(self, stream: Stream) -> None:
        """Let a stream wait for admission."""
        stream.queued_at = self.step_number
        stream.queue_entries += 1
        self.counters.queue_entries += 1
        self.queue.push(stream)

    def end(self, stream: Stream) -> None:
        """The script is complete: what was computed stays cached."""
        if stream.row >= 0:
            self.memory.commit(stream)
        self.drop(stream)
        self.events.append(Ended(stream.id, stream.stats()))

    def fail(self, stream: Stream, message: str) -> None:
        """The stream cannot go on."""
        self.drop(stream)
        op = min(stream.op, len(stream.request.script) - 1)  # a last Extend may be what is too much
        self.events.append(Failed(stream.id, op, message, stream.stats()))

    def drop(self, stream: Stream) -> None:
        """Forget a stream, waiting or running."""
        stream.is_gone = True
        del self.streams[stream.id]
        if stream.row >= 0:
            self.memory.release(stream)
            self.running.remove(stream)
