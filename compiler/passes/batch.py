"""Batch: what runs of one program, or several, may do together; the runtime sees to it.

A decode at temperature 0 and a ``select`` give the same wherever they are asked the same. So equal
ones that are open at the same time, of one run or of many, may be computed once: by the hint
``single_flight`` the executor does so (``runtime/executor/flight.py``).

Rows of a batch have numbers, which their random numbers depend on, so they may begin in any order:
by the hint ``order_rows`` they do in the order in which their prompts share most
(``runtime/executor/ordering.py``). The graph stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op
from sglc.compiler.ir.traits import draws
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.report import Saved, change


@dataclass(frozen=True)
class Batch(Pass):
    """Let runs share what they would compute twice."""

    name: ClassVar[str] = "batch"

    def run(self, module: Module, context: Context) -> Module:
        calls = [(function, op) for function, op in module.walk() if op.spec.model]
        made = module
        same = [(function, op) for function, op in calls if not draws(op)]
        if same and not made.hints.get("single_flight"):
            _report(context, same, "without random numbers", "equal ones at one time run once")
            made = made.with_hint("single_flight", True)
        takes_rows = any(f.kind == "prompt" and f.params for f in module.functions.values())
        if calls and takes_rows and not made.hints.get("order_rows"):
            _report(context, calls, "in the order of rows", "in the order of what prompts share")
            made = made.with_hint("order_rows", True)
        return made


def _report(
    context: Context, calls: Sequence[tuple[Function, Op]], before: str, after: str
) -> None:
    ops = [op for _, op in calls]
    noun = "1 call" if len(ops) == 1 else f"{len(ops)} calls"
    context.report(change("batch", calls[0][0].name, ops, f"{noun} {before}", after, Saved()))
