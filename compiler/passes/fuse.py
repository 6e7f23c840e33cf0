"""Fork fusion: model calls that are ready at the same moment are submitted as one group.

What a model op waits for is its frontier: the model ops, tools, calls and gates that it depends on
through anything that the host computes, regions and what chooses them included. Ops with one
frontier, and the instances of an op in the branches of a fork or the turns of a loop, become ready
together. They get the hint ``group`` with one name; forks in forks with nothing to wait for between
them have one frontier, and so are one group. A group is one entry of the queue, and is admitted in
one step if it fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from sglc.compiler.ir.graph import Function, Module, rewrite
from sglc.compiler.ir.op import Op, Operand, Region, Value, values_in
from sglc.compiler.ir.text import write_op
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.report import Saved, change

Frontier = frozenset[int]

_MAX_FRONTIER: Final = 64  # what waits for more than that is taken to wait for something of its own
_ENTRY: Final[Frontier] = frozenset()


@dataclass(frozen=True)
class Fuse(Pass):
    """Submit calls that become ready together as one group."""

    name: ClassVar[str] = "fuse"

    def run(self, module: Module, context: Context) -> Module:
        many = _run_many_times(module)
        made = {
            name: _Fusion(function, context, is_many=name in many).function()
            for name, function in module.functions.items()
        }
        return replace(module, functions=made)


def _run_many_times(module: Module) -> set[str]:
    """The functions that may be at work more than once at a time."""
    sites: Counter[str] = Counter()
    found: set[str] = set()
    callees: dict[str, set[str]] = {}

    def visit(function: Function, region: Region, *, is_many: bool) -> None:
        for op in region.ops:
            if op.spec.calls and op.symbol:
                sites[op.symbol] += 1
                callees.setdefault(function.name, set()).add(op.symbol)
                if is_many or sites[op.symbol] > 1:
                    found.add(op.symbol)
            for inner in op.regions:
                visit(function, inner, is_many=is_many or _is_parallel(op) or _is_for(op))

    for function in module.functions.values():
        visit(function, function.body, is_many=False)
    todo = list(found)
    while todo:
        new = callees.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


def _is_parallel(op: Op) -> bool:
    """Whether the region of an op runs for all items of a list at once."""
    spec = op.spec
    return (
        spec.results is not None and not spec.loop and (not spec.reads_stream or len(op.args) > 1)
    )


def _is_choice(op: Op) -> bool:
    """Whether one region at most of an op runs to its end."""
    return op.spec.results is None and not op.spec.loop


def _is_for(op: Op) -> bool:
    """Whether an op is a loop over items: turns that hand on nothing run at once."""
    return op.spec.loop and len(op.regions[0].params) > len(op.results)


class _Fusion:
    """The work on one function."""

    def __init__(self, function: Function, context: Context, *, is_many: bool) -> None:
        self.source = function
        self.context = context
        self.is_many = is_many
        self.num_blockers = 0
        self.carried: set[int] = set()  # blockers that stand for the turn before
        self.frontiers: dict[Value, Frontier] = {}
        self.members: dict[Frontier, list[tuple[Op, bool]]] = {}
        self.names: dict[int, str] = {}

    def function(self) -> Function:
        """Return the function with its groups named."""
        self.region(self.source.body, _ENTRY, is_many=self.is_many, in_for=False)
        groups = [found for found in self.members.values() if len(found) > 1 or found[0][1]]
        for number, members in enumerate(groups):
            name = f"{self.source.name}.{number}"
            self.names.update((id(op), name) for op, _ in members)
        return self.source.with_body(rewrite(self.source.body, self.named))

    def region(self, region: Region, entry: Frontier, *, is_many: bool, in_for: bool) -> Frontier:
        """Find the frontiers of a region that is begun behind ``entry``.

        Return what its last gate and its terminator wait for.
        """
        gate = entry
        for param in region.params:
            self.frontiers.setdefault(param, entry)
        for op in region.ops:
            before = self.joined(gate, *map(self.of, op.operands()))
            if op.regions:
                after = self.control(op, before, is_many=is_many, in_for=in_for)
            elif op.spec.model or op.spec.calls or op.spec.host:
                if op.spec.model:
                    at_once = is_many or (in_for and self.carried.isdisjoint(before))
                    self.members.setdefault(before, []).append((op, at_once))
                after = self.blocker()
                if not self.carried.isdisjoint(before):
                    self.carried |= after
            else:
                after = before
            self.frontiers.update(dict.fromkeys(op.results, after))
            if op.spec.exits and not op.spec.terminator:
                gate = after
        return before

    def control(self, op: Op, before: Frontier, *, is_many: bool, in_for: bool) -> Frontier:
        if op.spec.loop and op.results:
            turn = self.blocker()
            self.carried |= turn
            carried = op.regions[0].params[-len(op.results) :]
            self.frontiers.update(dict.fromkeys(carried, before | turn))
        is_many = is_many or _is_parallel(op)
        in_for = in_for or _is_for(op)
        ends = []
        for region in op.regions:
            # Of arms only one runs: what stands in two of them is never ready together.
            entry = self.joined(before, self.blocker()) if _is_choice(op) else before
            ends.append(self.region(region, entry, is_many=is_many, in_for=in_for))
        return self.joined(before, *ends)

    def of(self, operand: Operand) -> Frontier:
        found = [self.frontiers.get(value, _ENTRY) for value in values_in(operand)]
        return self.joined(*found)

    def joined(self, *frontiers: Frontier) -> Frontier:
        found = _ENTRY
        for each in frontiers:
            if each is not found and not each <= found:
                found = each if found <= each else found | each
        return found if len(found) <= _MAX_FRONTIER else self.blocker()

    def blocker(self) -> Frontier:
        self.num_blockers += 1
        return frozenset((self.num_blockers,))

    def named(self, op: Op) -> Sequence[Op]:
        name = self.names.get(id(op))
        if name is None or op.attrs.get("group") == name:
            return [op]
        made = op.with_(attrs={**op.attrs, "group": name})
        self.context.report(
            change(Fuse.name, self.source.name, [op], write_op(op), write_op(made), Saved())
        )
        return [made]
