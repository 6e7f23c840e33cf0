"""Scripts: the model ops of one stream run as one stream of the backend.

A model op behind which the stream goes on gets the hint ``hold``. The backend then keeps the stream
with its row and its K/V, and the next op of the chain goes on in it: no second place in the queue,
no lookup of what was computed before, nothing evicted while a tool is waited for. Requests still
name all tokens, and only what agrees is kept, so the hint changes no result, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from sglc.compiler.ir.graph import Module, rewrite
from sglc.compiler.ir.op import Op
from sglc.compiler.ir.text import write_op
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.continuation import Continuations
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.report import Saved, change


@dataclass(frozen=True)
class Script(Pass):
    """Let the calls of one stream run in one stream of the backend."""

    name: ClassVar[str] = "script"

    def run(self, module: Module, context: Context) -> Module:
        goes_on = Continuations(module, Facts(module))
        made = {}
        for name, function in module.functions.items():
            hold = partial(self._hold, name, goes_on, context)
            made[name] = function.with_body(rewrite(function.body, hold))
        return replace(module, functions=made)

    def _hold(
        self, function: str, goes_on: Continuations, context: Context, op: Op
    ) -> Sequence[Op]:
        if not op.spec.model or op.attrs.get("hold") or not goes_on.goes_on(op):
            return [op]
        made = op.with_(attrs={**op.attrs, "hold": True})
        saved = Saved(queue_entries=1)
        context.report(change(self.name, function, [op], write_op(op), write_op(made), saved))
        return [made]
