"""Batch: what runs of one program, or several, may do together; the runtime sees to it.

A decode at temperature 0 and a ``select`` give the same wherever they are asked the same. So equal
ones that are open at the same time, of one run or of many, may be computed once: by the hint
``single_flight`` the executor does so (``runtime/executor/flight.py``). The graph stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.traits import draws
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.report import Saved, change

_HINT: Final = "single_flight"


@dataclass(frozen=True)
class Batch(Pass):
    """Let runs share what they would compute twice."""

    name: ClassVar[str] = "batch"

    def run(self, module: Module, context: Context) -> Module:
        found = [(f, op) for f, op in module.walk() if op.spec.model and not draws(op)]
        if not found or module.hints.get(_HINT) is True:
            return module
        ops = [op for _, op in found]
        before = f"{len(ops)} calls without random numbers" if len(ops) > 1 else ops[0].name
        context.report(
            change(
                self.name, found[0][0].name, ops, before, "equal ones at one time run once", Saved()
            )
        )
        return module.with_hint(_HINT, True)
