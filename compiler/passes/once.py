"""Once: a tool that changes nothing gives the same for the same arguments, and is asked once.

Which calls are equal may be known only when the program runs: an agent that searches again for what
it has searched for. Calls that a run may make more than once, or that another call of the same tool
may equal, get the hint ``once``. The runtime then keeps what the tool has given until the run ends,
or until an effectful tool is called, after which it might give something else
(``runtime/executor/answers.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from sglc.compiler.ir.graph import Module, rewrite
from sglc.compiler.ir.op import Op, Region
from sglc.compiler.ir.text import write_op
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.report import Saved, change


@dataclass(frozen=True)
class Once(Pass):
    """Let calls of tools that change nothing share what they give."""

    name: ClassVar[str] = "once"

    def run(self, module: Module, context: Context) -> Module:
        tools = {name for name, tool in module.tools.items() if tool.effect != "effectful"}
        every = [op for _, op in module.walk() if op.spec.host and op.symbol in tools]
        if not every:
            return module
        count = Counter(op.symbol for op in every)
        called = {op.symbol for _, op in module.walk() if op.spec.calls}
        again = {
            id(op)
            for name, function in module.functions.items()
            for op, is_repeated in _placed(function.body, is_repeated=name in called)
            if is_repeated or count[op.symbol] > 1
        }
        chosen = {id(op) for op in every if id(op) in again and not op.attrs.get("once")}
        if not chosen:
            return module
        made = {}
        for name, function in module.functions.items():

            def mark(op: Op, name: str = name) -> list[Op]:
                if id(op) not in chosen:
                    return [op]
                hinted = op.with_(attrs={**op.attrs, "once": True})
                before, after = write_op(op), write_op(hinted)
                context.report(change(self.name, name, [op], before, after, Saved()))
                return [hinted]

            made[name] = function.with_body(rewrite(function.body, mark))
        return replace(module, functions=made)


def _placed(region: Region, *, is_repeated: bool) -> Iterator[tuple[Op, bool]]:
    """Yield the ops of a region, and whether a run may come to them more than once."""
    for op in region.ops:
        yield op, is_repeated
        takes_turns = op.spec.loop or any(part.barrier for part in op.spec.regions)
        for inner in op.regions:
            yield from _placed(inner, is_repeated=is_repeated or takes_turns)
