"""Scripts: the model ops of one stream run as one stream of the backend.

A model op behind which the stream goes on gets the hint ``hold``. The backend then keeps the stream
with its row and its K/V, and the next op of the chain goes on in it: no second place in the queue,
no lookup of what was computed before, nothing evicted while a tool is waited for. Requests still
name all tokens, and only what agrees is kept, so the hint changes no result, wherever it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Region
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
        made = {
            name: _function(function, goes_on, context)
            for name, function in module.functions.items()
        }
        return replace(module, functions=made)


def _function(function: Function, goes_on: Continuations, context: Context) -> Function:
    num_before = len(context.changes)

    def region(given: Region) -> Region:
        ops = tuple(map(held, given.ops))
        return given if all(map(_same, ops, given.ops)) else replace(given, ops=ops)

    def held(op: Op) -> Op:
        if op.regions:
            regions = tuple(map(region, op.regions))
            return op if all(map(_same, regions, op.regions)) else op.with_(regions=regions)
        if not op.spec.model or op.attrs.get("hold") or not goes_on.goes_on(op):
            return op
        made = op.with_(attrs={**op.attrs, "hold": True})
        saved = Saved(queue_entries=1)
        context.report(
            change(Script.name, function.name, [op], write_op(op), write_op(made), saved)
        )
        return made

    body = region(function.body)
    return function if len(context.changes) == num_before else function.with_body(body)


def _same(a: object, b: object) -> bool:
    return a is b
