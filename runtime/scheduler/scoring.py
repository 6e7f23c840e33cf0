"""Scoring: the trie of the choices as extra sequences of the batch, each inner token once."""

from __future__ import annotations

import numpy as np

from sglc.runtime.kvcache.pool import Slots
from sglc.runtime.scheduler.choices import ChoiceTrie
from sglc.runtime.scheduler.last_logits import want_last_logits
from sglc.runtime.scheduler.plan import ScorePick, StepPlan
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import Stream


class ScorePlanner:
    """Feeds choices behind streams that are computed to their end."""

    def __init__(self, state: SchedulerState) -> None:
        self._state = state

    def feed(self, stream: Stream, trie: ChoiceTrie, plan: StepPlan) -> None:
        """Feed as much of the trie's chains as budget and slots allow; the rest in later steps."""
        if trie.needs_root:
            row = want_last_logits(self._state, stream, plan)
            if row is None:
                return
            trie.needs_root = False
            self._pick(stream, trie, 0, row, plan)
        while trie.pending:
            chain = trie.pending[0]
            count = min(len(chain), plan.budget, plan.score_rows)
            if count < 1 or not self._feed_chain(stream, trie, chain[:count], plan):
                break
            trie.pending[:1] = [chain[count:]] if count < len(chain) else []
        if trie.is_complete:
            plan.scored.append(stream)

    def _feed_chain(
        self, stream: Stream, trie: ChoiceTrie, chain: list[int], plan: StepPlan
    ) -> bool:
        """Feed a chain, or the next part of one; False, and nothing done, without slots."""
        memory = self._state.memory
        path = trie.path(chain[-1])
        before = len(path) - len(chain)
        node, found = memory.tree.walk(stream.node, path, 0, len(path))
        assert len(found) >= before
        memory.tree.lock(
            node, above=stream.node, user=stream.id
        )  # keeps it while slots are evicted for the rest
        fresh: Slots | None = found[:0]
        if len(found) < len(path):
            fresh = memory.alloc(len(path) - len(found))
            if fresh is None:
                memory.tree.unlock(node, above=stream.node)
                return False
            leaf = memory.tree.append(node, path[len(found) :], fresh)
            memory.tree.lock(leaf, above=stream.node, user=stream.id)
            memory.tree.unlock(node, above=stream.node)
            node = leaf
        trie.locked.append(node)
        assert fresh is not None
        slots = np.concatenate([found, fresh])
        self._add(stream, path, slots, before, plan)
        num_rows = plan.builder.num_rows
        for index, slot in zip(chain, slots[before:].tolist(), strict=True):
            self._pick(stream, trie, index, plan.builder.want_logits(slot), plan)
        plan.score_rows -= plan.builder.num_rows - num_rows
        return True

    def _add(
        self, stream: Stream, path: list[int], slots: Slots, before: int, plan: StepPlan
    ) -> None:
        """Add ``path[before:]`` to the batch, without what another stream adds in this step."""
        prefix_len = len(stream.tokens)
        prefix = self._state.memory.table.rows[stream.row, :prefix_len]
        own = np.concatenate([prefix, slots])
        wanted = slots.tolist()
        begin = before
        while begin < len(path):
            end = begin
            while end < len(path) and not plan.builder.writes(wanted[end]):
                end += 1
            if end > begin:
                at = prefix_len + begin
                own_slots = own[: prefix_len + end]
                plan.builder.add(path[begin:end], at, wanted[begin:end], stream.row, own_slots)
                plan.budget -= end - begin
                stream.scored_tokens += end - begin
                self._state.counters.scored_tokens += end - begin
            begin = end + 1

    def _pick(self, stream: Stream, trie: ChoiceTrie, index: int, row: int, plan: StepPlan) -> None:
        for token, child in trie.nodes[index].children.items():
            plan.picks.append(ScorePick(stream, row, child, token))
