"""Dead code elimination: what nobody can see is not done.

What can be seen of a run: its value, its failure, the calls of tools, texts that are shown, and the
captures and the text of the prompt it starts at, if those are looked at (``Context.shows``). An op
goes when none of its results is needed for that and it cannot fail; see ``liveness.py``. With
``drop_tools`` calls of tools that change nothing go although they may fail; see ``asking.py``.
Where a stream must be named that nobody reads (the end of a branch, or of a prompt that is only
called), it is the last version that stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Region, Value
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import makes_branch
from sglc.compiler.passes.asking import optional_tools
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.liveness import Liveness
from sglc.compiler.passes.report import Saved, change, cost


@dataclass(frozen=True)
class DeadCode(Pass):
    """Drop what nobody can see.

    ``drop_tools``: also calls of tools that change nothing, with the failure they may end in.
    """

    name: ClassVar[str] = "dce"
    drop_tools: bool = False

    def run(self, module: Module, context: Context) -> Module:
        facts = Facts(module)
        optional = optional_tools(module) if self.drop_tools else frozenset[int]()
        made = {
            name: self._function(function, facts, context, optional)
            for name, function in module.functions.items()
        }
        return replace(module, functions=made)

    def _function(
        self, function: Function, facts: Facts, context: Context, optional: frozenset[int]
    ) -> Function:
        alive = Liveness(
            function,
            facts,
            is_seen=context.shows(function),
            is_told=not context.by_value,
            optional=optional,
        )
        sweep = _Sweep(function, alive, context)
        body = sweep.region(function.body, (), ())
        return function.with_body(body) if sweep.has_changed else function


class _Sweep:
    """Writes a function again without what is dead."""

    def __init__(self, function: Function, alive: Liveness, context: Context) -> None:
        self.function = function
        self.alive = alive
        self.context = context
        self.has_changed = False

    def report(self, op: Op, after: str, saved: Saved) -> None:
        self.has_changed = True
        self.context.report(
            change(DeadCode.name, self.function.name, [op], write_op(op), after, saved)
        )

    def region(self, region: Region, kept: Sequence[int], carried: Sequence[int]) -> Region:
        """Write a region whose ``yield`` hands on the values at the places ``kept``.

        ``carried`` are those of the loop around it.
        """
        made: list[Op] = []
        for op in region.ops:
            if op.spec.terminator:
                made.append(self.end(op, kept, carried))
            elif op.spec.hint:  # it stays as long as what it is about is there
                made += [op] if all(map(self.alive.stays, op.inputs())) else []
            elif self.alive.is_live(op):
                made.append(self.control(op, carried) if op.regions else self.plain(op))
            else:
                self.report(op, "nothing", cost([op]))
        return replace(region, ops=tuple(made))

    def plain(self, op: Op) -> Op:
        """Write a branch of a side without the captures that nobody reads."""
        if not makes_branch(op):
            return op
        kwargs = tuple((key, value) for key, value in op.kwargs if self.alive.has(value))
        made = op.with_(args=(op.args[0], self.alive.end_of(op)), kwargs=kwargs)
        if made.args == op.args and kwargs == op.kwargs:
            return op
        self.report(op, write_op(made), Saved())
        return made

    def control(self, op: Op, carried: Sequence[int]) -> Op:
        """Write a control op without the results that nobody reads."""
        if op.spec.results is not None:
            regions = [self.region(region, (0,), ()) for region in op.regions]
            return op.with_(regions=tuple(regions))
        kept = [i for i, value in enumerate(op.results) if value in self.alive.needed]
        results = tuple(op.results[i] for i in kept)
        changed = op
        if len(kept) < len(op.results):
            args = op.args
            if op.spec.loop:
                args = (op.args[0], *(op.args[1 + i] for i in kept))
            changed = op.with_(results=results, args=args)
            self.report(op, write_op(changed), Saved())
        if not op.spec.loop:
            return changed.with_(
                regions=tuple(self.region(region, kept, carried) for region in op.regions)
            )
        (body,) = op.regions
        lead = len(body.params) - len(op.results)
        params = (*body.params[:lead], *(body.params[lead + i] for i in kept))
        return changed.with_(regions=(self.region(replace(body, params=params), kept, kept),))

    def end(self, op: Op, kept: Sequence[int], carried: Sequence[int]) -> Op:
        """Write a terminator: with the values that are read, and a stream that is there."""
        if op.spec.exits == frozenset({"loop"}):
            return op.with_(args=tuple(op.args[i] for i in carried))
        if "failure" in op.spec.exits:
            return op
        if not op.spec.exits:
            op = op.with_(args=tuple(op.args[i] for i in kept))
        stream = op.args[0] if op.args else None
        made = op
        if isinstance(stream, Value) and stream.type.name == "stream":
            made = made.with_(args=(self.stream(stream), *op.args[1:]))
        if not op.spec.exits and op.kwargs:
            kwargs = tuple((key, value) for key, value in op.kwargs if self.alive.has(value))
            made = made.with_(kwargs=kwargs)
        if made.args != op.args or made.kwargs != op.kwargs:
            self.report(op, write_op(made), Saved())
        return made

    def stream(self, stream: Value) -> Value:
        if stream in self.alive.needed:
            return stream
        return self.alive.versions.kept(stream)
