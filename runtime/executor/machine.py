"""The dataflow machine: values get to the nodes that wait for them, and nodes that can, start.

Nothing here recurses over frames: resolving a value only queues the nodes it makes ready, and a
frame that has ended is queued like a node, so calls may nest as deep as memory allows.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from sglc.compiler.plan.data import DATA_OPS, DataError
from sglc.compiler.plan.values import size_of
from sglc.runtime.executor.arms import EarlyArm, begin_early
from sglc.runtime.executor.code import TERMINATORS, UNSET, BlockCode, NodeCode
from sglc.runtime.executor.errors import LimitError, OpError, Poison, RunError
from sglc.runtime.executor.frame import Frame, Join
from sglc.runtime.executor.part import Part
from sglc.runtime.executor.regions import Exit, Region
from sglc.runtime.executor.run import Run

DONE: Final = -1  # the index that stands for a whole frame or join in the ready queue
_NO_KWARGS: Final[Mapping[str, Any]] = {}
_SIZED: Final = (str, list, dict, tuple)
_MAKING: Final = frozenset(
    {"apply", "arith", "concat", "format", "gather", "list", "range", "record", "slice.list"}
)  # ops on data that give what was not there before; so does `field`, of lists


Starter = Callable[["Machine", Frame, NodeCode], None]


class Machine:
    """Runs frames until all that is left waits for the outside.

    ``starters`` maps an op to the function that starts a node of it; ops on data are built in.
    ``finished`` collects the runs whose entry prompt has ended, ``exhausted`` those that have
    used up their fuel, with the reason, ``lost`` the parts of runs that were stopped; the executor
    takes them. ``is_paused``: what is ready waits for ``begin_step``, since a run has used up its
    fuel or the time of the step is over. ``most_chars`` is the most that a prompt can have.
    ``takes_guesses``: arms may begin before their decision.
    """

    def __init__(
        self, starters: Mapping[str, Starter], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.is_paused = False
        self.most_chars: int | None = None
        self.takes_guesses = True
        self._clock = clock
        self._pause_s: float | None = None
        self._starters = starters
        self._ready: deque[tuple[Frame | Join, int]] = deque()
        self.finished: list[Run] = []
        self.exhausted: list[tuple[Run, str]] = []
        self.lost: list[Part] = []
        self._deciding: list[Frame] = []  # begun, with arms that might begin before their decision

    # Values

    def resolve(self, frame: Frame, slot: int, value: Any) -> None:
        """Give a slot its value, and all slots that are linked to it."""
        ready = self._ready
        stack: list[tuple[Frame, int]] | None = None
        while True:
            frame.values[slot] = value
            consumers = frame.code.consumers[slot]
            if consumers:
                counts = frame.counts
                for index in consumers:
                    left = counts[index] = counts[index] - 1
                    if not left:
                        ready.append((frame, index))
            if frame.cells is not None:
                cell = frame.cells.pop(slot, None)
                if cell is not None:
                    cell.settle(value)
            if frame.subs:
                for target, target_slot in frame.subs.pop(slot, ()):
                    if isinstance(target, Join):
                        self.put(target, target_slot, value)
                        continue
                    if stack is None:
                        stack = []
                    stack.append((target, target_slot))
            if not stack:
                return
            frame, slot = stack.pop()

    def link(self, source: Frame, slot: int, target: Frame | Join, target_slot: int) -> None:
        """Let ``target`` have a value of ``source`` as soon as it exists."""
        value = source.values[slot]
        if value is UNSET:
            source.subs.setdefault(slot, []).append((target, target_slot))
        elif isinstance(target, Join):
            self.put(target, target_slot, value)
        else:
            self.resolve(target, target_slot, value)

    def put(self, join: Join, slot: int, value: Any) -> None:
        """Give a join one of its values."""
        join.values[slot] = value
        join.missing -= 1
        if not join.missing:
            self._ready.append((join, DONE))

    # Frames

    def enter(
        self,
        region: Region,
        code: BlockCode,
        turn: int | None = None,
        *,
        is_branch: bool = False,
    ) -> Frame:
        """Make a frame of a block inside the frame that ``region`` belongs to.

        ``turn`` is its number where a block is run several times. The caller then resolves or links
        ``code.params``.
        """
        outer, node = region.frame, region.node
        frame = Frame(
            code,
            outer.run,
            region,
            region.scope,
            outer.path if turn is None else (*outer.path, *node.path, turn),
            turn or 0,
            outer.entry,
            outer.depth,
            outer.is_main and not (is_branch or node.is_apart),
        )
        for outer_slot, slot in code.captures:
            self.link(outer, outer_slot, frame, slot)
        self.begin(frame)
        return frame

    def begin(self, frame: Frame) -> None:
        """Queue the nodes of a new frame that wait for nothing."""
        run = frame.run
        run.fuel.blocks += 1
        if run.fuel.blocks > run.limits.max_blocks:
            self.exhausted.append((run, run.limits.exceeded(run.fuel) or ""))
            self.is_paused = True
        frame.region.active += 1
        for index in frame.code.initial:
            self._ready.append((frame, index))
        if frame.code.early and self.takes_guesses:
            self._deciding.append(frame)

    def finish(self, frame: Frame) -> None:
        """Queue the end of a frame, of which nothing runs any more."""
        self._ready.append((frame, DONE))

    def restart(self, nodes: list[tuple[Frame, int]]) -> None:
        """Queue nodes that were started and put off."""
        self._ready += nodes

    def leave(self, frame: Frame, index: int, left: Exit) -> None:
        """Leave regions from node ``index`` outwards until one takes the exit.

        Nodes behind it never start; what runs already is waited for.
        """
        while True:
            counts = frame.counts
            for later in range(index + 1, len(counts)):
                if counts[later] > 0:
                    counts[later] = -1
                    frame.pending -= 1
                    if frame.early:
                        self.drop_early(frame, later)
            region = frame.region
            if region.takes_exit(self, frame, left):
                return
            assert isinstance(region, Region), left.kind
            frame, index = region.frame, region.node.index

    # Nodes

    def passed(self, frame: Frame, node: NodeCode) -> None:
        """The node lets its block go on."""
        if node.gate >= 0:
            self.resolve(frame, node.gate, True)

    def end(self, frame: Frame, node: NodeCode) -> None:
        """The node and everything inside it has ended."""
        frame.pending -= 1
        if not frame.pending:
            self._ready.append((frame, DONE))

    def done(self, frame: Frame, node: NodeCode, *values: Any) -> None:
        """A node without regions has its results."""
        for slot, value in zip(node.outputs, values, strict=True):
            self.resolve(frame, slot, value)
        if node.gate >= 0:
            self.resolve(frame, node.gate, True)
        frame.pending -= 1
        if not frame.pending:
            self._ready.append((frame, DONE))

    def poison(self, frame: Frame, node: NodeCode, poison: Poison) -> None:
        """End a node that cannot be done: its results are poison, and nothing goes on behind it."""
        if frame.early:
            self.drop_early(frame, node.index)
        self.spoil(frame, node, poison)
        if node.op in TERMINATORS:
            frame.region.poisoned(self, frame, poison)
        self.end(frame, node)

    def spoil(self, frame: Frame, node: NodeCode, poison: Poison) -> None:
        """Give the results and the gate of a node poison."""
        for slot in node.outputs:
            self.resolve(frame, slot, poison)
        if node.gate >= 0:
            self.resolve(frame, node.gate, poison)

    def fail(self, frame: Frame, node: NodeCode, error: OpError | DataError) -> Poison:
        """Report an error at a node and return the poison for its results."""
        code = error.code if isinstance(error, OpError) else "data"
        cause, details = (
            (error.cause, error.details) if isinstance(error, OpError) else (None, None)
        )
        found = RunError(code, str(error), node.loc, cause, details, frame.order(node.index))
        frame.scope.errors.append(found)
        return Poison(found)

    def take_turns(self, run: Run, count: int) -> None:
        """Count turns of loops.

        Raises:
            LimitError: there were too many.
        """
        fuel = run.fuel
        fuel.turns += count
        if fuel.turns > run.limits.max_turns:
            raise LimitError(run.limits.exceeded(fuel))

    def weigh(self, run: Run, value: Any) -> None:
        """Count a text, list or record that was made, if its run has a limit of that.

        Raises:
            LimitError: there was too much.
            DataError: it nests too deep.
        """
        limit, fuel = run.limits.max_data, run.fuel
        if limit is not None:
            fuel.data += size_of(value, limit - fuel.data)
            if fuel.data > limit:
                raise LimitError(run.limits.exceeded(fuel))

    # Arms before their decision

    def speculate(self) -> bool:
        """Begin arms whose decision waits for the outside; return whether there were any.

        Called when nothing is ready, so that no arm is begun where the host alone decides.
        """
        begun = False
        for frame in self.take_deciding():
            if frame.run.outcome is not None or self._is_wasteful(frame.run):
                continue
            for index in frame.code.early:
                if frame.counts[index] > 0 and not self._is_spoilt(frame, index):
                    self.begin_early(frame, index)
                    begun = True
        return begun

    def _is_wasteful(self, run: Run) -> bool:
        """Whether arms that were not taken have cost as much as a run may use up."""
        return run.limits.exceeded(run.root.wasted) is not None

    def _is_spoilt(self, frame: Frame, index: int) -> bool:
        """Whether a node that waits is never to be done."""
        return any(frame.values[s].__class__ is Poison for s in frame.code.nodes[index].needs)

    def take_deciding(self) -> list[Frame]:
        """Return the frames, begun since the last time, with arms that may begin early."""
        taken, self._deciding = self._deciding, []
        return taken

    def begin_early(self, frame: Frame, index: int) -> None:
        """Begin the arms of one node."""
        begin_early(self, frame, frame.code.nodes[index])

    def drop_early(self, frame: Frame, index: int, but: BlockCode | None = None) -> EarlyArm | None:
        """Lose the arms that a node has begun early, and return the one that is to be taken.

        One that has come to nothing already is not returned.
        """
        assert frame.early is not None
        taken = None
        for arm in frame.early.pop(index, ()):
            if arm.trial.outcome is not None:
                continue
            if arm.block is but:
                taken = arm
            else:
                self.lose(arm.trial)
        return taken

    def lose(self, part: Part) -> None:
        """Nothing of a part goes on."""
        part.lose()
        self.lost.append(part)

    def take_lost(self) -> list[Part]:
        """Return the parts that were stopped since the last time."""
        taken, self.lost = self.lost, []
        return taken

    def take_finished(self) -> list[Run]:
        """Return the runs whose entry prompt has ended since the last time."""
        taken, self.finished = self.finished, []
        return taken

    def take_exhausted(self) -> list[tuple[Run, str]]:
        """Return the runs that have used up their fuel since the last time, with what they need."""
        taken, self.exhausted = self.exhausted, []
        return taken

    @property
    def is_ready(self) -> bool:
        """Whether nodes are ready."""
        return bool(self._ready)

    def begin_step(self, time_s: float | None = None) -> None:
        """Let what is ready go on, for a time if one is given."""
        self.is_paused = False
        self._pause_s = None if time_s is None else self._clock() + time_s

    def is_over(self) -> bool:
        """Whether to stop here: the time of the step is over, or a run has used up its fuel."""
        if self._pause_s is not None and not self.is_paused:
            self.is_paused = self._clock() >= self._pause_s
        return self.is_paused

    def pump(self) -> bool:
        """Start nodes until none is ready or ``is_over``; return whether there were any."""
        ready = self._ready
        if not ready or self.is_paused:
            return False
        while ready and not (self.is_paused or (self._pause_s is not None and self.is_over())):
            frame, index = ready.popleft()
            if frame.run.outcome is not None:
                continue
            if index < 0 or isinstance(frame, Join):
                frame.complete(self)
                continue
            node = frame.code.nodes[index]
            values = frame.values
            for slot in node.needs:
                if values[slot].__class__ is Poison:
                    self.poison(frame, node, values[slot])
                    break
            else:
                self._start(frame, node)
        return True

    def _start(self, frame: Frame, node: NodeCode) -> None:
        try:
            data_op = DATA_OPS.get(node.op)
            if data_op is None:
                self._starters[node.op](self, frame, node)
                return
            values = frame.values
            kwargs = {key: values[slot] for key, slot in node.kwargs} if node.kwargs else _NO_KWARGS
            args = [values[slot] for slot in node.args]
            value = data_op(args, kwargs, node.attrs)
            if value.__class__ in _SIZED and (
                node.op in _MAKING or (node.op == "field" and args[0].__class__ in (list, tuple))
            ):
                self.weigh(frame.run, value)
        except (OpError, DataError) as error:
            self.poison(frame, node, self.fail(frame, node, error))
        except RecursionError:
            deep = DataError("lists and records nest too deep here")
            self.poison(frame, node, self.fail(frame, node, deep))
        except LimitError as error:
            self.exhausted.append((frame.run, str(error)))
        else:
            self.done(frame, node, value)
