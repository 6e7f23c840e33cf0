"""What is known of a run before it asks the model: its prompts up to the first calls.

A probe runs a plan as the executor does, but never answers: at a model call or a tool the run
stands still, and what waits for nothing else goes on. So whatever the host can compute of a prompt
beforehand is there, and it is what the run will compute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sglc.compiler.plan.arguments import ArgumentError, bind_arguments
from sglc.compiler.plan.plan import Plan
from sglc.runtime.executor.code import NodeCode, PlanCode
from sglc.runtime.executor.events import EventLog
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.limits import Limits
from sglc.runtime.executor.machine import Machine
from sglc.runtime.executor.run import Run
from sglc.runtime.executor.starters import STARTERS
from sglc.runtime.executor.stream import Encoder, Stream

_LIMITS: Final = Limits(max_turns=1_000, max_depth=50, max_fork_width=100)


class Known(NamedTuple):
    """``text`` is the prompt of the first model call in program order, as far as it is known.

    ``work`` is the size of all calls that wait for none before them: characters of their prompts
    and tokens that they may write.
    """

    text: str = ""
    work: int = 0


class Probe:
    """Finds out about the runs of one plan. Nothing outside of it notices."""

    def __init__(self, plan: Plan, encoder: Encoder) -> None:
        self._function = plan.functions[plan.entry]
        self._code = PlanCode(plan, {})
        self._encoder = encoder
        self._met: list[tuple[tuple[int, ...], Stream, int]] = []
        starters = dict(STARTERS)
        starters.update(gen=self._meet, select=self._meet, tool=_stand_still)
        starters.update(warm=_pass, release=_pass)
        self._machine = Machine(starters)

    def known(self, arguments: Mapping[str, Any]) -> Known:
        """Return what is known of a run with these arguments; nothing if it cannot begin."""
        function, machine = self._function, self._machine
        try:
            values = bind_arguments(function, arguments)
        except ArgumentError:
            return Known()  # told when it is submitted
        run = Run(
            self._code, self._encoder, {}, 0, 0, EventLog(), None, limits=_LIMITS, deltas=False
        )  # fmt: skip
        body = self._code.functions[function.name].body
        frame = Frame(body, run, run.owner, run.scope, ())
        machine.begin(frame)
        for slot, parameter in zip(body.params, function.params, strict=True):
            machine.resolve(frame, slot, values[parameter.name])
        machine.pump()
        machine.take_finished()
        machine.take_exhausted()
        machine.take_deciding()
        met, self._met = sorted(self._met, key=lambda call: call[0]), []
        try:
            texts = [stream.text for _, stream, _ in met]
            if not texts and run.versions:  # a tool is asked before the model
                texts = [max(run.versions, key=lambda version: version[0])[1].text]
        except ValueError:  # a role that the model does not have
            return Known()
        if not texts:
            return Known()
        return Known(texts[0], sum(map(len, texts)) + sum(size for _, _, size in met))

    def _meet(self, machine: Machine, frame: Frame, node: NodeCode) -> None:
        limit = node.attrs.get("max_tokens")
        size = limit if isinstance(limit, int) else 0
        self._met.append((frame.order(node.index), frame.values[node.args[0]], size))


def _stand_still(machine: Machine, frame: Frame, node: NodeCode) -> None:
    """A tool: its value is not known."""


def _pass(machine: Machine, frame: Frame, node: NodeCode) -> None:
    """A hint for the engine, which does nothing here."""
    machine.done(frame, node)
