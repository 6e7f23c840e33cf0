"""What is the same in every turn of a loop, or in every branch of a fork, is done once before it.

Calls of prompts and tools that change nothing are worth it, and they go with the arithmetic they
read. They must be repeatable, the loop must surely take the turn that they stand in, and failures
keep their order: what may fail goes only if nothing before it in its region can.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from sglc.compiler.ir.graph import Function, definitions, replace_values
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Value
from sglc.compiler.ir.spec import exits, is_total
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import num_items
from sglc.compiler.ir.values import STREAM
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.report import Saved, change


class Hoisting:
    """The work on one function; inner loops first, so that what leaves one may leave the next."""

    def __init__(self, pass_name: str, function: Function, facts: Facts, context: Context) -> None:
        self.pass_name = pass_name
        self.source = function
        self.facts = facts
        self.context = context
        self.made = facts.definitions(function)

    def function(self) -> Function:
        """Return the function with what could be moved in its new place."""
        body = self.region(self.source.body)
        return self.source if body is self.source.body else self.source.with_body(body)

    def region(self, region: Region) -> Region:
        ops: list[Op] = []
        has_changed = False
        for given in region.ops:
            op = given
            regions = tuple(map(self.region, op.regions))
            if any(new is not old for new, old in zip(regions, op.regions, strict=True)):
                op = op.with_(regions=regions)
            if self.num_turns(op) > 1:
                moved, op = self.out_of(op)
                ops += moved
            has_changed |= op is not given
            ops.append(op)
        return replace(region, ops=tuple(ops)) if has_changed else region

    def num_turns(self, op: Op) -> int:
        """How often something in ``op`` surely runs, as far as that is known; else 0."""
        spec = op.spec
        if not op.regions or not (spec.loop or spec.results is not None):
            return 0
        if spec.reads_stream and len(op.args) == 1:
            return len(op.regions)
        items = op.args[1 if spec.reads_stream else 0]
        if isinstance(items, tuple):
            return len(items)
        if isinstance(items, Value):
            made = self.made.ops.get(items)
            return (num_items(made) or 0) if made is not None else 0
        is_while = "cond" in spec.regions[0].catches
        limit = items.value if isinstance(items, Literal) else None
        return limit if is_while and type(limit) is int else 0

    def out_of(self, op: Op) -> tuple[list[Op], Op]:
        """Return the ops that leave ``op``, and what is left of it."""
        if len(op.regions) > 1:
            return self.out_of_names(op)
        (region,) = op.regions
        moved = self.movable(region, may_fail=True)
        if not moved:
            return [], op
        gone = set(map(id, moved))
        left = replace(region, ops=tuple(inner for inner in region.ops if id(inner) not in gone))
        for each in moved:
            self.report(each, op)
        return moved, op.with_(regions=(left,))

    def report(self, moved: Op, owner: Op) -> None:
        if is_total(moved):
            return
        after = f"once, before the {owner.name}"
        self.context.report(
            change(self.pass_name, self.source.name, [moved], write_op(moved), after, Saved())
        )

    def out_of_names(self, op: Op) -> tuple[list[Op], Op]:
        """Of a fork with names only what stands in two branches at least is worth moving."""
        found: dict[Hashable, list[Op]] = {}
        for index, region in enumerate(op.regions):
            for each in self.movable(region, may_fail=index == 0):
                if not is_total(each):
                    found.setdefault(_key(each), []).append(each)
        shared = {key: ops for key, ops in found.items() if len(ops) > 1}
        if not shared:
            return [], op
        gone = {id(each) for ops in shared.values() for each in ops}
        mapping: dict[Value, Operand] = {}
        for first, *others in shared.values():
            for each in others:
                mapping.update(zip(each.results, first.results, strict=True))
                self.report(each, op)
        regions = tuple(
            replace_values(
                replace(region, ops=tuple(o for o in region.ops if id(o) not in gone)), mapping
            )
            for region in op.regions
        )
        return [ops[0] for ops in shared.values()], op.with_(regions=regions)

    def movable(self, region: Region, *, may_fail: bool) -> list[Op]:
        """The ops of a region that may run before it, in order, with the arithmetic they read."""
        own = set(definitions(region))
        ready: dict[Value, Op] = {}  # arithmetic that could go along
        moved: dict[int, Op] = {}
        order = {id(op): index for index, op in enumerate(region.ops)}
        is_safe = may_fail
        for op in region.ops:
            if exits(op) or op.spec.terminator:
                break  # what follows may not be reached
            is_known = all(value not in own or value in ready for value in op.inputs())
            if is_known and self.is_worth_it(op):
                if is_safe or self.facts.cannot_fail(op, self.source):
                    self._take(op, ready, moved)
                    ready.update(dict.fromkeys(op.results, op))
                    continue
            elif is_known and _is_arithmetic(op):
                ready.update(dict.fromkeys(op.results, op))
            is_safe = is_safe and is_total(op)
        return sorted(moved.values(), key=lambda op: order[id(op)])

    def _take(self, op: Op, ready: dict[Value, Op], moved: dict[int, Op]) -> None:
        todo = [op]
        while todo:
            each = todo.pop()
            if id(each) not in moved:
                moved[id(each)] = each
                todo += [ready[value] for value in each.inputs() if value in ready]

    def is_worth_it(self, op: Op) -> bool:
        """Whether the op is an isolated call or a tool that gives the same every time."""
        is_isolated = op.spec.host or (op.spec.calls and not op.spec.writes_stream)
        if not is_isolated or not self.facts.is_slow(op) or not self.facts.is_repeatable(op):
            return False
        return not op.spec.calls or not self.facts.shows_text(op.symbol or "")


def _is_arithmetic(op: Op) -> bool:
    makes_stream = any(value.type == STREAM for value in op.results)
    return bool(op.results) and not makes_stream and not op.regions and is_total(op)


def _key(op: Op) -> Hashable:
    beside = ("rng", "path")  # where it stands
    attrs = tuple(sorted((k, repr(v)) for k, v in op.attrs.items() if k not in beside))
    return op.name, op.args, op.kwargs, attrs, tuple(value.type for value in op.results)
