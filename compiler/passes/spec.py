"""Speculation: arms of ``if`` and ``match`` that begin before it is known which one is taken.

Every arm may: the runtime keeps what it does apart until the decision, and effects wait for it
(``docs/passes.md``). So this pass asks only what pays. An arm can gain if something in it does not
wait for the decision: it then ends sooner by as much as it runs beside what decides. It costs the
tokens that are decoded for nothing if another arm is taken. How likely that is says the history of
the program; without one arms are guessed, where that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final, NamedTuple

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Region
from sglc.compiler.ir.text import write_operand
from sglc.compiler.ir.traits import chooses_region
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.history import place_of
from sglc.compiler.passes.report import Saved, change
from sglc.compiler.passes.schedule import Decision, Schedule
from sglc.compiler.plan.arms import arm_name

MAX_OPS: Final = 500
"""Of an arm; larger ones are left alone, so that time grows with the program and no faster."""


@dataclass(frozen=True)
class Speculation(Pass):
    """Let likely arms begin before their decision.

    ``width``: so many arms of one op, at most. ``min_p``: only arms this likely, from 0 to 1.
    ``price``: what a second that other streams lose is worth, in seconds of this run. ``guess``:
    without history, arms are taken in the ``order`` of the program, ``first`` or ``last`` ones
    first; with ``guess = false``, none.
    """

    name: ClassVar[str] = "spec"
    width: int = 1
    min_p: float = 0.5
    price: float = 1.0
    guess: bool = True
    order: str = "first"

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width is at least 1, not {self.width}")
        if not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p is from 0 to 1, not {self.min_p}")
        if not 0 <= self.price < float("inf"):
            raise ValueError(f"price is 0 or more, not {self.price}")
        if self.order not in ("first", "last"):
            raise ValueError(f"order is first or last, not {self.order}")

    def run(self, module: Module, context: Context) -> Module:
        if context.history is None and not self.guess:
            return module
        facts = Facts(module)
        schedule = Schedule(module, context.costs, context.history, context.languages)
        made = {
            name: _Choosing(function, facts, schedule, context, self).function()
            for name, function in module.functions.items()
        }
        return replace(module, functions=made)


class _Gain(NamedTuple):
    """What an arm brings that begins early: how likely it is taken (None: nobody knows), how much
    sooner it then ends, and what is lost if it is not."""

    name: str
    likely: float | None
    sooner_s: float
    lost_s: float


class _Choosing:
    """The work on one function."""

    def __init__(
        self,
        function: Function,
        facts: Facts,
        schedule: Schedule,
        context: Context,
        options: Speculation,
    ) -> None:
        self.source = function
        self.facts = facts
        self.schedule = schedule
        self.context = context
        self.options = options
        self.chosen: dict[int, list[_Gain]] = {}  # by the identity of the op
        self.sizes: dict[int, int] = {}  # of regions whose ops may be slow; of others 0

    def function(self) -> Function:
        body = self.source.body
        self.size(body)
        if not any(chooses_region(op) for op in self.source.walk()):
            return self.source
        self.schedule.visit(self.source, self.judge)
        return self.source.with_body(self.region(body)) if self.chosen else self.source

    def size(self, region: Region) -> int:
        """Count the ops of a region, and note whether anything in it takes time."""
        inner = [self.size(r) for op in region.ops for r in op.regions]
        slow = any(self.facts.is_slow(op) for op in region.ops) or any(
            self.sizes[id(r)] for op in region.ops for r in op.regions
        )
        count = len(region.ops) + sum(inner)
        self.sizes[id(region)] = count if slow else 0
        return count

    # ---- what pays

    def judge(self, decision: Decision) -> None:
        op = decision.op
        waits_s = decision.known_s - decision.entered_s
        step_s = self.context.costs.step(1)
        if waits_s < step_s or "spec" in op.attrs:
            return
        likely = self.likely(op)
        if likely is None and not self.options.guess:
            return
        gains: dict[str, _Gain] = {}
        for arm, end_s in zip(op.regions, decision.ends_s, strict=True):
            name = arm_name(arm.label, arm.case)
            if name in gains or not 0 < self.sizes[id(arm)] <= MAX_OPS:
                continue
            early = self.schedule.early(decision, arm)
            sooner_s = end_s - max(early.end_s, decision.known_s)
            lost_s = early.tokens * self.context.costs.step_stream_s * self.options.price
            p = None if likely is None else likely[name]
            gains[name] = _Gain(name, p, sooner_s, lost_s)
        found = [gain for gain in gains.values() if gain.sooner_s >= step_s and self.pays(gain)]
        found.sort(key=lambda gain: -(gain.likely or 0))
        if likely is None and self.options.order == "last":
            found.reverse()
        if found:
            self.chosen[id(op)] = found[: self.options.width]

    def pays(self, gain: _Gain) -> bool:
        """Whether what is gained on the whole is more than what is lost."""
        if gain.likely is None:
            return True
        won_s, lost_s = gain.likely * gain.sooner_s, (1 - gain.likely) * gain.lost_s
        return gain.likely >= self.options.min_p and won_s > lost_s

    def likely(self, op: Op) -> Mapping[str, float] | None:
        """How likely each arm is, by its name; None if it was never seen.

        Every arm counts as taken once more than it was: what was seen once is not certain.
        """
        history = self.context.history
        counts = {} if history is None else history.arms.get(place_of(op), {})
        names = dict.fromkeys(arm_name(arm.label, arm.case) for arm in op.regions)
        total = sum(counts.get(name, 0) for name in names)
        if not total:
            return None
        return {name: (counts.get(name, 0) + 1) / (total + len(names)) for name in names}

    # ---- the graph

    def region(self, region: Region) -> Region:
        return replace(region, ops=tuple(map(self.op, region.ops)))

    def op(self, op: Op) -> Op:
        if not op.regions:
            return op
        made = op.with_(regions=tuple(map(self.region, op.regions)))
        gains = self.chosen.get(id(op))
        if gains is None:
            return made
        names = tuple(gain.name for gain in gains)
        self.context.report(
            change(
                Speculation.name, self.source.name, [op],
                f"{op.name} {write_operand(op.args[0])}",
                f"spec = {write_operand(names)}: {'; '.join(map(_told, gains))}", Saved(),
            )
        )  # fmt: skip
        return made.with_(attrs={**op.attrs, "spec": names})


def _told(gain: _Gain) -> str:
    sooner = f"about {1000 * gain.sooner_s:.1f} ms sooner"
    return sooner if gain.likely is None else f"p = {gain.likely:.2f}, {sooner}"
