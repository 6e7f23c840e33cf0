"""Jump-forward: text that a constraint forces is appended at once, not sampled token by token.

A decode gets ``jump = true`` where its constraint leaves no choice at some point. The text stays
the same, for no other could be written; its tokens are then those of the tokenizer rather than
those that the model would have cut, so the tokens of a run may differ (scheduler/jump.py). What is
too large to be looked at here, and what only the run knows, may jump too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from sglc.compiler.ir.graph import Module, rewrite
from sglc.compiler.ir.op import Op
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import decodes
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.languages import held_to, is_held
from sglc.compiler.passes.report import Saved, change
from sglc.constraints.automaton import Automaton
from sglc.constraints.machine import Machine


@dataclass(frozen=True)
class JumpForward(Pass):
    """Let decodes jump over text that their constraints force."""

    name: ClassVar[str] = "jump"

    def run(self, module: Module, context: Context) -> Module:
        made = {}
        for name, function in module.functions.items():
            visit = partial(self._visit, name, module, context)
            made[name] = function.with_body(rewrite(function.body, visit))
        return replace(module, functions=made)

    def _visit(self, function: str, module: Module, context: Context, op: Op) -> list[Op]:
        if not decodes(op) or not is_held(op) or "jump" in op.attrs:
            return [op]
        held = held_to(op, module)
        machine = None if held is None else context.languages.machine(held)
        if machine is not None and not _may_force(machine):
            return [op]
        after, saved = "jumps where its constraint leaves no choice", Saved()
        if machine is not None:
            forced, total = forced_bytes(machine)
            after = f"jumps over {forced} of the {total} bytes of the shortest text"
            saved = Saved(steps=forced)
        context.report(change(self.name, function, [op], write_op(op), after, saved))
        return [op.with_(attrs={**op.attrs, "jump": True})]


def _may_force(machine: Machine) -> bool:
    """Whether some state that is not the end leaves one byte; of a pushdown machine always true."""
    if not isinstance(machine, Automaton):
        return True
    return any(machine.forced(state) for state in range(1, machine.num_states))


def forced_bytes(machine: Machine) -> tuple[int, int]:
    """Return how many bytes of the shortest member are forced, and how many it has.

    A forced byte needs no step of its own, so with a token for each byte that many steps are saved.
    """
    state, text = machine.start, machine.completion(machine.start)
    at = forced = 0
    while at < len(text):
        run = machine.forced(state)
        forced += len(run)
        step = run or text[at : at + 1]
        state = machine.run(state, step)
        at += len(step)
    return forced, len(text)
