"""What the verbs of the scheduler share: memory, queue, running streams, events to report."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.runtime.config import EngineConfig
from sglc.runtime.core.events import Ended, Event, Failed, Held
from sglc.runtime.core.stats import Counters
from sglc.runtime.core.text_encoder import TextEncoder
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.runner import ModelRunner
from sglc.runtime.masks.cache import MaskCache
from sglc.runtime.masks.store import MaskStore
from sglc.runtime.scheduler.jump import TextCutter
from sglc.runtime.scheduler.memory import KVMemory
from sglc.runtime.scheduler.queue import WaitingQueue
from sglc.runtime.scheduler.stream import Stream


class SchedulerState:
    """Mutable state of one scheduler; ``running`` is in the order of admission or resumption.

    Every stream of ``streams`` runs, waits in the queue or is held: ``num_held`` of them.
    """

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
        self.memory = KVMemory(
            runner.num_slots, config.max_running, runner.max_context, is_shared=config.radix_cache
        )
        self.masks = MaskCache(vocabulary, config.mask_cache_mib, mask_store)
        self.counters = Counters()
        self.streams: dict[int, Stream] = {}
        self.running: list[Stream] = []
        self.num_held = 0
        self.queue = WaitingQueue()
        self.events: list[Event] = []
        self.step_number = 0

    def enqueue(self, streams: Sequence[Stream]) -> None:
        """Let streams wait for admission, as one entry: the first one counts it."""
        for stream in streams:
            stream.queued_at = self.step_number
        streams[0].queue_entries += 1
        self.counters.queue_entries += 1
        self.queue.push(streams)

    def complete(self, stream: Stream) -> None:
        """The script is complete: the stream is held, or ends; what was computed stays cached."""
        if not stream.request.hold:
            self._end(stream)
            return
        if stream.row >= 0:
            self.running.remove(stream)
            self.memory.hold(stream)
        stream.entry = None
        stream.is_held = True
        self.num_held += 1
        self.events.append(Held(stream.id, stream.take_stats()))

    def unhold(self, stream: Stream) -> None:
        """A held stream goes on: it runs if it still has its place."""
        stream.is_held = False
        self.num_held -= 1
        if stream.row >= 0:
            self.memory.unhold(stream)
            self.running.append(stream)

    def _end(self, stream: Stream) -> None:
        if stream.row >= 0 and stream.request.insert:
            self.memory.commit(stream)
        self.drop(stream)
        self.events.append(Ended(stream.id, stream.stats()))

    def fail(self, stream: Stream, message: str) -> None:
        """The stream cannot go on."""
        self.drop(stream)
        op = min(stream.op, len(stream.request.script) - 1)  # a last Extend may be what is too much
        self.events.append(Failed(stream.id, op, message, stream.stats()))

    def drop(self, stream: Stream) -> None:
        """Forget a stream, waiting, running or held."""
        stream.is_gone = True
        stream.entry = None
        del self.streams[stream.id]
        if stream.is_held:
            self.unhold(stream)
        if stream.row >= 0:
            self.running.remove(stream)
        self.memory.let_go(stream)
