"""The scheduler: many streams, one forward pass a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sglc.runtime.config import EngineConfig
from sglc.runtime.core.events import Ended, Event, Failed, Held
from sglc.runtime.core.script import StreamRequest, check_ids
from sglc.runtime.core.stats import NOTHING, Counters, Snapshot, StreamStats
from sglc.runtime.core.text_encoder import TextEncoder
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.runner import ModelRunner
from sglc.runtime.masks.store import MaskStore
from sglc.runtime.scheduler.admission import Admission
from sglc.runtime.scheduler.decode import DecodePlanner
from sglc.runtime.scheduler.memory import SlotUsage
from sglc.runtime.scheduler.plan import StepPlan
from sglc.runtime.scheduler.policy import Policy
from sglc.runtime.scheduler.preemption import Preemption
from sglc.runtime.scheduler.prefill import PrefillPlanner
from sglc.runtime.scheduler.progress import Progress
from sglc.runtime.scheduler.resumption import Resumption
from sglc.runtime.scheduler.retire import Retirement
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import Stream

if TYPE_CHECKING:
    from torch import Tensor


class Scheduler:
    """Runs streams on a model; implements ``core.backend.Backend``.

    Synchronous: nothing happens outside of the calls. If ``step`` raises, because the model did,
    the scheduler is of no more use. ``encoder`` is the tokenizer of the vocabulary; without it no
    forced text is appended at once. Masks are looked for in ``mask_store`` before they are built.

    Raises:
        ValueError: the vocabulary is larger than the model's.
    """

    def __init__(
        self,
        runner: ModelRunner,
        vocabulary: Vocabulary,
        config: EngineConfig | None = None,
        encoder: TextEncoder | None = None,
        mask_store: MaskStore | None = None,
    ) -> None:
        known = len(vocabulary.token_bytes)
        if known > runner.vocab_size:
            raise ValueError(
                f"the vocabulary has {known} ids, the model only {runner.vocab_size} logits"
            )
        vocabulary = Vocabulary.of(vocabulary.token_bytes, vocabulary.eos_ids, runner.vocab_size)
        self._runner = runner
        self._state = SchedulerState(
            runner, vocabulary, config or EngineConfig(), encoder, mask_store
        )
        self._next_id = 0
        self._progress = Progress(self._state)
        self._decode = DecodePlanner(self._state)
        self._prefill = PrefillPlanner(self._state)
        self._admission = Admission(self._state, self._prefill)
        self._policy = Policy(self._state)
        self._preemption = Preemption(self._state, self._progress)
        self._resumption = Resumption(self._state, self._progress)
        self._retirement = Retirement(self._state, self._progress)

    def step(self) -> list[Event]:
        """Plan, compute, retire: at most one forward pass. Returns what there is to report."""
        state = self._state
        state.step_number += 1
        plan = self._plan()
        if plan is not None:
            logits = hidden = None
            if plan.builder.token_ids:
                logits, hidden = self._compute(plan)
                state.counters.forward_passes += 1
                state.counters.peak_slots = max(state.counters.peak_slots, state.memory.num_used)
            self._retirement.retire(plan, logits, hidden)
        events, state.events = state.events, []
        return events

    def _compute(self, plan: StepPlan) -> tuple[Tensor | None, Tensor | None]:
        """Run the batch; return the logits, and the hidden states if somebody waits for them."""
        batch = plan.builder.build(self._state.memory.table)
        if not plan.embeds:
            return self._runner.forward(batch), None
        hidden = self._runner.hidden(batch)
        return self._runner.logits(hidden) if plan.needs_logits else None, hidden

    def _plan(self) -> StepPlan | None:
        """Decodes first, then prefills, running ones before new ones of the same priority.

        Preempts until it works out.
        """
        state = self._state
        preempted = False
        while state.running or state.queue.peek():
            self._policy.arrange(state.queue)
            config = state.config
            plan = StepPlan(config.max_prefill_tokens, score_rows=config.chunk_size)
            if self._decode.plan(plan):
                less_urgent = self._prefill.plan(plan, state.queue.priority)
                if not (preempted and plan.has_work):
                    self._admission.admit(plan)
                self._prefill.feed_all(less_urgent, plan)
                if plan.has_work:
                    return plan
            self._preemption.make_way()
            preempted = True
        return None

    def submit(self, request: StreamRequest) -> int:
        """Queue a stream and return its id. What cannot run is reported by the next step.

        Raises:
            ValueError: a token id is outside the vocabulary.
        """
        check_ids(request, self.vocab_size)
        stream = self._make(request)
        if self._is_ready(stream):
            self._state.enqueue([stream])
        return stream.id

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Queue streams as one entry and return their ids.

        Raises:
            ValueError: a token id is outside the vocabulary; nothing is queued.
        """
        for request in requests:
            check_ids(request, self.vocab_size)
        streams = [self._make(request) for request in requests]
        ready = [stream for stream in streams if self._is_ready(stream)]
        if ready:
            self._state.counters.groups += 1
            self._state.enqueue(ready)
        return [stream.id for stream in streams]

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Give a new script to a stream that is held or has nothing but extends left.

        Raises:
            ValueError: it is neither, the script does not begin with an extend, or a token id is
                outside the vocabulary.
        """
        check_ids(request, self.vocab_size)
        self._resumption.resume(stream, request)

    def _make(self, request: StreamRequest) -> Stream:
        stream = Stream(self._next_id, request, self._state.memory.tree.root)
        self._next_id += 1
        self._state.streams[stream.id] = stream
        return stream

    def _is_ready(self, stream: Stream) -> bool:
        """Begin the script; False if the stream has come to its end or failed by that."""
        if self._progress.settle(stream):
            return True
        if not stream.is_gone:
            self._state.complete(stream)
        return False

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream and free its slots at once; it reports nothing more. Returns its counts."""
        state = self._state
        stats = NOTHING
        found = state.streams.get(stream)
        if found is not None:
            stats = found.stats()
            state.drop(found)
        for event in state.events:  # it may have ended, or been held, between two steps
            if event.stream == stream and isinstance(event, Ended | Failed | Held):
                stats += event.stats
        state.events = [event for event in state.events if event.stream != stream]
        return stats

    def flush_cache(self) -> int:
        """Empty the cache, but for what streams in their place use; return how many slots freed."""
        tree = self._state.memory.tree
        return tree.evict(tree.evictable)

    def reset(self) -> None:
        """Empty the cache and count anew, as if nothing had been run.

        Raises:
            RuntimeError: a stream is left.
        """
        state = self._state
        if state.streams or state.events:
            raise RuntimeError("there are streams left: run or cancel them first")
        self.flush_cache()
        state.memory.tree.evicted_tokens = state.memory.num_parked = 0
        state.counters = Counters()

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""
        return self._runner.vocab_size

    @property
    def max_context(self) -> int:
        """Largest number of tokens of one stream."""
        return self._state.max_context

    @property
    def idle(self) -> bool:
        """Whether no stream waits or runs and no event is left to report; held ones may be left."""
        state = self._state
        return len(state.streams) == state.num_held and not state.events

    @property
    def slot_usage(self) -> SlotUsage:
        """Where the KV slots are."""
        return self._state.memory.usage(self._state.running)

    @property
    def num_available_slots(self) -> int:
        """KV slots that nobody uses: free ones, and cached ones that could be evicted."""
        return self._state.memory.num_available

    def snapshot(self) -> Snapshot:
        """Return what the running streams have counted so far, and where the KV slots are."""
        state, usage = self._state, self.slot_usage
        running = {stream.id: stream.stats() for stream in state.running}
        num_waiting = len(state.streams) - len(running) - state.num_held
        return Snapshot(running, num_waiting, usage.held, usage.cached, usage.free, state.num_held)

    def stats(self) -> Mapping[str, int]:
        """Return the counters by name."""
        state = self._state
        state.counters.parked = state.memory.num_parked
        state.counters.evicted_tokens = state.memory.tree.evicted_tokens
        state.counters.masks_built = state.masks.masks_built
        state.counters.masks_loaded = state.masks.masks_loaded
        return state.counters.as_dict()
