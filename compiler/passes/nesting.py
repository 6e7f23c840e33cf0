"""Turns of a loop that is left from an arm, as choices: what follows lies in the arm that stays.

``if c: break`` in a turn becomes a choice between what the loop gives then and the rest of the turn
with all turns behind it, so every op is written once a turn. ``if c: continue`` is a choice between
what is carried then and the rest of this turn only; the next turn follows behind it. So one of two
arms at most may stay, and a loop has either kind of jump, not both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from sglc.compiler.ir.op import Literal, Op, Operand, Region
from sglc.compiler.ir.spec import exits
from sglc.compiler.ir.traits import chooses_region
from sglc.compiler.passes.copies import Copy, Names
from sglc.compiler.plan.sites import path_step

_Written = tuple[list[Op], list[Operand] | None]
"""Ops, and what they come to; None where they have left the function, or failed."""
_After = Callable[[list[Operand]], _Written]
"""Writes what follows a region that yields these values."""


def depth(loop: Op, num_turns: int) -> int | None:
    """Return how many choices lie in one another in the turns; None if they cannot be written so.

    0 if no arm leaves the loop.
    """
    (body,) = loop.regions
    jumps = [op.name for op in _jumps(body)]
    choices = list(_leaving(body))
    is_plain = all(chooses_region(op) and _num_staying(op) <= 1 for op in choices)
    if not is_plain or not body.terminator.spec.exits <= {"loop"}:
        return None
    if choices and "continue" in jumps:
        return None if "break" in (*jumps, body.terminator.name) else len(choices)
    return num_turns * len(choices)


def nest(loop: Op, items: Sequence[Operand], names: Names) -> tuple[list[Op], list[Operand]]:
    """Return the turns of a ``loop`` that has a ``depth``, and what its results are then."""
    return _Nesting(loop, items, names).turn(0, list(loop.args[1:]))


class _Nesting:
    def __init__(self, loop: Op, items: Sequence[Operand], names: Names) -> None:
        (self.body,) = loop.regions
        self.loop = loop
        self.items = items
        self.names = names
        self.goes_on_behind = all(op.name == "continue" for op in _jumps(self.body))

    def turn(self, number: int, carried: list[Operand]) -> tuple[list[Op], list[Operand]]:
        """Write a turn and all behind it."""
        if number == len(self.items):
            return [], carried
        copy = Copy(self.names, self.loop, path_step("turn", number))
        lead = len(self.body.params) - len(carried)
        ops: list[Op] = []
        given = [*[self.items[number], Literal(number)][:lead], *carried]
        for param, operand in zip(self.body.params, given, strict=True):
            ops += copy.bind(param, operand, self.loop)
        if self.goes_on_behind:
            made, ended = self.sequence(self.body.ops, copy, _as_it_is)
            assert ended is not None
            more, results = self.turn(number + 1, ended)
            return [*ops, *made, *more], results
        made, last = self.sequence(
            self.body.ops, copy, lambda carried: self.turn(number + 1, carried)
        )
        assert last is not None
        return [*ops, *made], last

    def sequence(self, ops: Sequence[Op], copy: Copy, after: _After) -> _Written:
        """Write the ops of a region up to its end, and what comes ``after`` it."""
        made: list[Op] = []
        for index, op in enumerate(ops):
            if op.spec.terminator:
                more, results = self.end(op, copy, after)
                return [*made, *more], results
            if "loop" in exits(op):
                rest = ops[index + 1 :]
                choice = self.choice(op, copy, partial(self.behind, op, rest, copy, after))
                return [*made, choice], list(choice.results)
            made += copy.ops([op])
        raise AssertionError("a region ends with a terminator")

    def end(self, op: Op, copy: Copy, after: _After) -> _Written:
        values = list(map(copy.operand, op.args))
        if not op.spec.exits or (op is self.body.terminator and op.name == "continue"):
            return after(values)
        return ([], values) if op.spec.exits <= {"loop"} else (copy.ops([op]), None)

    def behind(
        self, op: Op, rest: Sequence[Op], copy: Copy, after: _After, values: list[Operand]
    ) -> _Written:
        """Write what follows a choice into the arm that gives ``values`` for it."""
        bound: list[Op] = []
        for result, value in zip(op.results, values, strict=True):
            bound += copy.bind(result, value, op)
        made, results = self.sequence(rest, copy, after)
        return [*bound, *made], results

    def choice(self, op: Op, copy: Copy, after: _After) -> Op:
        """Write a choice that gives what the loop, or its turn, comes to."""
        regions = []
        args = tuple(map(copy.operand, op.args))
        for region in op.regions:
            ops, results = self.sequence(region.ops, copy, after)
            if results is not None:
                end = region.terminator
                ops.append(Op(name="yield", args=tuple(results), span=end.span))
            regions.append(replace(region, ops=tuple(ops)))
        made = tuple(self.names.fresh(value.name, value.type) for value in self.loop.results)
        return op.with_(args=args, results=made, regions=tuple(regions))


def _as_it_is(carried: list[Operand]) -> _Written:
    return [], carried


def _leaving(region: Region) -> Iterator[Op]:
    """Yield the ops in a turn, in arms too, that may leave it other than by its end."""
    for op in region.ops:
        if not op.spec.terminator and "loop" in exits(op):
            yield op
            for inner in op.regions:
                yield from _leaving(inner)


def _jumps(body: Region) -> Iterator[Op]:
    """Yield the jumps in arms."""
    for op in _leaving(body):
        for region in op.regions:
            if region.terminator.spec.exits == {"loop"}:
                yield region.terminator


def _num_staying(op: Op) -> int:
    return sum(not region.terminator.spec.exits for region in op.regions)
