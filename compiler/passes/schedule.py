"""A guess of when things happen in a run: each op starts as soon as it can, beside all others.

Times are seconds of the cost model, from the beginning of the function. What only a run knows is
assumed: the lengths of texts from history, or half of what is allowed; turns of loops. The guess
decides what pays, never what is legal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sglc.compiler.cost.calibration import Calibration
from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Value, values_in
from sglc.compiler.ir.spec import exits
from sglc.compiler.ir.traits import chooses_region, decodes, num_items
from sglc.compiler.passes.history import History, place_of
from sglc.compiler.passes.languages import Languages, held_to

ASSUMED_TOKENS: Final = 32  # of a text whose limit only the run knows
ASSUMED_TURNS: Final = 3  # of a loop over what only the run knows


class Job(NamedTuple):
    """Work of the model or a tool in ``[begin_s, end_s)``, in which so many tokens are decoded."""

    begin_s: float
    end_s: float
    tokens: float

    def tokens_before(self, time_s: float) -> float:
        """Return how many of the tokens are there at a time."""
        length_s = self.end_s - self.begin_s
        done_s = min(max(time_s - self.begin_s, 0.0), length_s)
        return self.tokens * done_s / length_s if length_s else 0.0


class Decision(NamedTuple):
    """An op that chooses an arm: its region is entered, and the choice known.

    ``ends_s``: when all of each arm has ended if it begins with the decision.
    """

    op: Op
    entered_s: float
    known_s: float
    ends_s: tuple[float, ...]


class Early(NamedTuple):
    """What an arm comes to that begins before its decision: when all of it has ended, the tokens
    that are decoded by then."""

    end_s: float
    tokens: float


class Schedule:
    """Schedules of the functions of one module."""

    def __init__(
        self, module: Module, costs: Calibration, history: History | None, languages: Languages
    ) -> None:
        self._module = module
        self._costs = costs
        self._history = history
        self._languages = languages
        self._calls: dict[str, Job] = {}
        self._times: dict[Value, float] = {}
        self._lists: dict[Value, int] = {}  # how many items they have
        self._exits: dict[int, bool] = {}
        self._jobs: list[Job] = []
        self._effects_s = 0.0  # effectful tools do not start before
        self._visit: Callable[[Decision], None] | None = None

    def visit(self, function: Function, visit: Callable[[Decision], None]) -> None:
        """Go through a function and hand on its decisions, inner ones before those around them.

        ``early`` may be asked while one is handed on.
        """
        self._times, self._jobs, self._effects_s, self._visit = {}, [], 0.0, visit
        self._region(function.body, 0.0)
        self._visit = None

    def early(self, decision: Decision, arm: Region) -> Early:
        """Return what becomes of an arm that begins when the region around its op is entered.

        The times of its values are overwritten: nothing outside the arm reads them.
        """
        kept = self._jobs, self._effects_s, self._visit
        self._jobs, self._visit = [], None
        self._effects_s = max(self._effects_s, decision.known_s)
        end_s = self._region(arm, decision.entered_s)
        tokens = sum(job.tokens_before(decision.known_s) for job in self._jobs)
        self._jobs, self._effects_s, self._visit = kept
        return Early(end_s, tokens)

    def _region(self, region: Region, entered_s: float) -> float:
        """Go through a region; return when all of it has ended."""
        gate_s = end_s = entered_s
        for op in region.ops:
            begin_s = max(gate_s, self._known(_decisive(op)))
            ended_s = self._op(op, begin_s, entered_s)
            end_s = max(end_s, ended_s)
            if not op.spec.terminator and self._may_exit(op):
                gate_s = max(gate_s, ended_s)
        return end_s

    def _may_exit(self, op: Op) -> bool:
        """Whether an op may leave its region; remembered, for arms are gone through again."""
        if not op.regions:
            return bool(op.spec.exits)
        if id(op) not in self._exits:
            self._exits[id(op)] = bool(exits(op))
        return self._exits[id(op)]

    def _known(self, operands: tuple[Operand, ...]) -> float:
        """When the last of some operands is there; what stands outside is there from the start."""
        found = [self._times.get(v, 0.0) for operand in operands for v in values_in(operand)]
        return max(found, default=0.0)

    def _op(self, op: Op, begin_s: float, entered_s: float) -> float:
        control = bool(op.regions)
        end_s = self._control(op, begin_s, entered_s) if control else self._plain(op, begin_s)
        self._times.update(dict.fromkeys(op.results, end_s))
        count = num_items(op)
        if count is not None:
            self._lists[op.result] = count
        return end_s

    def _plain(self, op: Op, begin_s: float) -> float:
        took = self._cost(op)
        if took.end_s == 0:
            return begin_s
        if op.spec.host and op.has_effect:
            begin_s = max(begin_s, self._effects_s)
        self._jobs.append(Job(begin_s, begin_s + took.end_s, took.tokens))
        return begin_s + took.end_s

    def _cost(self, op: Op) -> Job:
        costs = self._costs
        if decodes(op):
            tokens = self._length(op)
            return Job(0, costs.call_s + costs.prefill_s + costs.decode(tokens), tokens)
        if op.spec.model:
            return Job(0, costs.call_s + costs.prefill_s, 0)
        if op.spec.host:
            return Job(0, costs.tool_s, 0)
        return self._call(op.symbol or "") if op.spec.calls else Job(0, 0, 0)

    def _call(self, name: str) -> Job:
        if name not in self._calls:
            self._calls[name] = Job(0, 0, 0)  # while it is looked at: of functions without a model
            kept = self._times, self._jobs, self._visit
            self._times, self._jobs, self._visit = {}, [], None
            end_s = self._region(self._module.functions[name].body, 0.0)
            self._calls[name] = Job(0, end_s, sum(job.tokens for job in self._jobs))
            self._times, self._jobs, self._visit = kept
        return self._calls[name]

    def _length(self, op: Op) -> float:
        """Tokens that a decode writes."""
        known = None if self._history is None else self._history.lengths.get(place_of(op))
        if known is not None and known.texts:
            return known.tokens / known.texts
        limit = op.attrs.get("max_tokens")
        most = float(limit) if isinstance(limit, int) else ASSUMED_TOKENS
        held = held_to(op, self._module)
        bounds = None if held is None else self._languages.bounds(held)
        if bounds is None:
            return max(1.0, most / 2)
        most = min(most, bounds.max_bytes or most)
        return max(1.0, (min(bounds.min_bytes, most) + most) / 2)

    # ---- regions

    def _control(self, op: Op, begin_s: float, entered_s: float) -> float:
        if chooses_region(op):
            ends = tuple(self._region(arm, begin_s) for arm in op.regions)
            if self._visit is not None:
                self._visit(Decision(op, entered_s, begin_s, ends))
            return max(ends, default=begin_s)
        if op.spec.loop:
            return self._loop(op, begin_s)
        if not op.args:  # a `try`, which is to succeed
            return self._region(op.regions[0], begin_s)
        return self._side_by_side(op, begin_s)

    def _loop(self, op: Op, begin_s: float) -> float:
        """The first turn as it is, the others as one job behind it."""
        (body,) = op.regions
        carried = op.args[1:]
        first = len(body.params) - len(carried)
        for param, operand in zip(body.params[first:], carried, strict=True):
            self._times[param] = self._known((operand,))
        start = len(self._jobs)
        turn_s = self._region(body, begin_s) - begin_s
        count = self._num_turns(op)
        end_s = begin_s + count * turn_s
        if count > 1 and turn_s > 0:
            tokens = sum(job.tokens for job in self._jobs[start:])
            self._jobs.append(Job(begin_s + turn_s, end_s, (count - 1) * tokens))
        return end_s

    def _num_turns(self, op: Op) -> int:
        over = op.args[0]
        if isinstance(over, tuple):
            return len(over)
        if isinstance(over, Literal) and isinstance(over.value, int):  # a limit
            return min(over.value, ASSUMED_TURNS)
        return self._lists.get(over, ASSUMED_TURNS) if isinstance(over, Value) else ASSUMED_TURNS

    def _side_by_side(self, op: Op, begin_s: float) -> float:
        """A fork, a `map`: each of the regions for as many items as there are."""
        count = self._num_turns(op.with_(args=op.args[-1:])) if len(op.regions) == 1 else 1
        end_s = begin_s
        for region in op.regions:
            if op.spec.reads_stream:
                self._times[region.params[0]] = self._known(op.args[:1])
            start = len(self._jobs)
            end_s = max(end_s, self._region(region, begin_s))
            self._jobs[start:] = [j._replace(tokens=j.tokens * count) for j in self._jobs[start:]]
        return end_s


def _decisive(op: Op) -> tuple[Operand, ...]:
    """The operands that an op waits for before it starts."""
    if not op.regions:
        return tuple(op.operands())
    return op.args[1:] if op.spec.reads_stream else op.args[:1]
