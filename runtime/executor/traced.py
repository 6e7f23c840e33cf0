"""The dataflow machine under a recorder: each value knows the longest chain of calls behind it.

What a node waits for decides when it can start: the values in its ``needs``, and whatever made the
frame it is in. Of the chains behind all of these the longest goes on behind its results. A value
that is only handed on takes the longer of two: the one behind itself and the one behind the node
that hands it on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sglc.runtime.executor.code import UNSET, NodeCode
from sglc.runtime.executor.errors import Poison
from sglc.runtime.executor.frame import Frame, FrameTrace, Join, Target
from sglc.runtime.executor.machine import Machine, Starter
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.records import Chain, longer
from sglc.runtime.executor.stream import Stream


class TracedMachine(Machine):
    """Does what ``Machine`` does, in the same order."""

    def __init__(
        self, starters: Mapping[str, Starter], recorder: Recorder, clock: Callable[[], float]
    ) -> None:
        super().__init__(starters, clock)
        self._recorder = recorder

    def _trace(self, frame: Frame) -> FrameTrace:
        if frame.trace is None:
            frame.trace = FrameTrace(self._recorder.current)
        return frame.trace

    def resolve(self, frame: Frame, slot: int, value: Any) -> None:
        self._give(frame, slot, value, self._recorder.current)

    def _give(self, frame: Frame, slot: int, value: Any, chain: Chain | None) -> None:
        stack: list[tuple[Frame, int, Chain | None]] = [(frame, slot, chain)]
        while stack:
            frame, slot, chain = stack.pop()
            trace = self._trace(frame)
            trace.chains[slot] = chain
            frame.values[slot] = value
            for index in frame.code.consumers[slot]:
                left = frame.counts[index] = frame.counts[index] - 1
                if not left:
                    self._ready.append((frame, index))
            cell = None if frame.cells is None else frame.cells.pop(slot, None)
            if cell is not None:
                cell.settle(value)
            linked = zip(frame.subs.pop(slot, ()), trace.links.pop(slot, ()), strict=True)
            for (target, target_slot), by in linked:
                if isinstance(target, Join):
                    self._put(target, target_slot, value, longer(chain, by))
                else:
                    stack.append((target, target_slot, longer(chain, by)))

    def link(self, source: Frame, slot: int, target: Frame | Join, target_slot: int) -> None:
        value, trace, by = source.values[slot], self._trace(source), self._recorder.current
        if value is UNSET:
            link: Target = (target, target_slot)
            source.subs.setdefault(slot, []).append(link)
            trace.links.setdefault(slot, []).append(by)
            return
        chain = longer(trace.chains.get(slot), by)
        if isinstance(target, Join):
            self._put(target, target_slot, value, chain)
        else:
            self._give(target, target_slot, value, chain)

    def put(self, join: Join, slot: int, value: Any) -> None:
        self._put(join, slot, value, self._recorder.current)

    def _put(self, join: Join, slot: int, value: Any, chain: Chain | None) -> None:
        join.chain = longer(join.chain, chain)
        super().put(join, slot, value)

    def begin(self, frame: Frame) -> None:
        self._trace(frame)
        super().begin(frame)

    def end(self, frame: Frame, node: NodeCode) -> None:
        self._note_end(frame)
        super().end(frame, node)

    def done(self, frame: Frame, node: NodeCode, *values: Any) -> None:
        self._note_end(frame)
        if self._recorder.keeps_timeline and values and isinstance(values[0], Stream):
            self._recorder.made(frame.run, node.op, node.loc, values[0])
        super().done(frame, node, *values)

    def _note_end(self, frame: Frame) -> None:
        trace = self._trace(frame)
        trace.last = longer(trace.last, self._recorder.current)

    def begin_early(self, frame: Frame, index: int) -> None:
        self._recorder.current = self._trace(frame).entry
        super().begin_early(frame, index)

    def pump(self) -> bool:
        ready = self._ready
        if not ready or self.is_paused:
            return False
        while ready and not self.is_over():
            frame, index = ready.popleft()
            if frame.run.outcome is not None:
                continue
            if isinstance(frame, Join):
                self._recorder.current = frame.chain
                frame.complete(self)
                continue
            trace = self._trace(frame)
            if index < 0:
                self._recorder.current = trace.last
                frame.complete(self)
                continue
            node = frame.code.nodes[index]
            chain = trace.entry
            for slot in node.needs:
                chain = longer(chain, trace.chains.get(slot))
            self._recorder.current = chain
            values = (frame.values[slot] for slot in node.needs)
            poison = next((v for v in values if isinstance(v, Poison)), None)
            if poison is None:
                self._start(frame, node)
            else:
                self.poison(frame, node, poison)
        return True
