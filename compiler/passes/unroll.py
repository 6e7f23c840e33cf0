"""Loops, forks and maps over lists that are known, as the ops of all their turns.

Each turn is a copy of the region under the path of the turn, so that what it draws and tells is
what it was. A loop may fail or return in a turn, and its end or an arm may leave it
(``nesting.py``); forks and maps run their turns at once, so nothing in one of them may hold up what
follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sglc.compiler.ir.op import Literal, Op, Operand, Region, walk
from sglc.compiler.ir.spec import exits
from sglc.compiler.ir.traits import maps_items
from sglc.compiler.ir.values import BRANCH, EFFECT, ValueType
from sglc.compiler.passes.copies import Copy, Names
from sglc.compiler.passes.nesting import depth, nest
from sglc.compiler.plan.sites import path_step


class Unrolled(NamedTuple):
    """The ops of all turns, and what the results of the op are then."""

    ops: list[Op]
    results: list[Operand]


def turns(op: Op) -> int | None:
    """Return which operand of an op is the list it goes through; None if it goes through none.

    An op whose branches have names goes through those, which is operand -1.
    """
    spec = op.spec
    if not spec.regions or (spec.results is None and not spec.loop):
        return None
    if spec.reads_stream:
        return 1 if len(op.args) == 2 else -1
    if spec.loop:
        return None if "cond" in spec.regions[0].catches else 0
    return 0 if spec.regions[0].barrier and maps_items(op) else None


def may_unroll(op: Op) -> bool:
    """Whether the turns of an op from ``turns`` may be written out.

    Those of one that may end early have to be together, to be stopped.
    """
    if "until" in op.attrs:
        return False
    return depth(op, 1) is not None if op.spec.loop else all(map(_may_open, op.regions))


def _may_open(region: Region) -> bool:
    """Whether nothing in a region holds up what follows it, or comes after an effect."""
    if region.terminator.spec.exits or any(map(exits, region.ops[:-1])):
        return False
    return not any(value.type == EFFECT for op in walk(region.ops) for value in op.results)


def unroll(op: Op, items: Sequence[Operand], names: Names) -> Unrolled:
    """Return the turns of an op over ``items``; for one with named branches these do not count."""
    if op.spec.loop:
        return _loop(op, items, names)
    if op.spec.reads_stream:
        return _fork(op, items, names)
    ops: list[Op] = []
    values: list[Operand] = []
    for number, item in enumerate(items):
        copy = Copy(names, op, path_step("turn", number))
        ops += copy.bind(op.regions[0].params[0], item, op)
        ops += copy.ops(op.regions[0].ops[:-1])
        values.append(copy.operand(op.regions[0].terminator.args[0]))
    ops.append(Op(name="list", results=op.results, args=tuple(values), span=op.span))
    return Unrolled(ops, list(op.results))


def _loop(op: Op, items: Sequence[Operand], names: Names) -> Unrolled:
    (body,) = op.regions
    if depth(op, 1):
        return Unrolled(*nest(op, items, names))
    lead = len(body.params) - len(op.results)
    carried: list[Operand] = list(op.args[1:])
    ops: list[Op] = []
    for number, item in enumerate(items):
        copy = Copy(names, op, path_step("turn", number))
        given = [item, Literal(number)][:lead] + carried
        for param, operand in zip(body.params, given, strict=True):
            ops += copy.bind(param, operand, op)
        ops += copy.ops(body.ops[:-1])
        carried = [copy.operand(arg) for arg in body.terminator.args]
        if body.terminator.name == "break":
            break
    return Unrolled(ops, carried)


def _fork(op: Op, items: Sequence[Operand], names: Names) -> Unrolled:
    named = len(op.args) == 1
    ops: list[Op] = []
    branches: list[Operand] = []
    for number in range(len(op.regions) if named else len(items)):
        region = op.regions[number if named else 0]
        copy = Copy(names, op, path_step("branch", number))
        given = [op.args[0]] if named else [op.args[0], items[number], Literal(number)]
        for param, operand in zip(region.params, given, strict=False):
            ops += copy.bind(param, operand, op)
        ops += copy.ops(region.ops[:-1])
        end = region.terminator
        label = str(region.case[0]) if named else op.result.name
        made = names.fresh(label, ValueType(BRANCH.name, op.result.type.args))
        ops.append(
            Op(
                name="branch",
                results=(made,),
                args=(op.args[0], copy.operand(end.args[0])),
                kwargs=tuple((key, copy.operand(value)) for key, value in end.kwargs),
                attrs={"path": copy.path, **({"name": label} if named else {})},
                span=op.span,
                origins=op.origins,
            )
        )  # fmt: skip
        branches.append(made)
    if named:
        labels = [str(region.case[0]) for region in op.regions]
        fields = tuple(zip(labels, branches, strict=True))
        ops.append(Op(name="record", results=op.results, kwargs=fields, span=op.span))
    else:
        ops.append(Op(name="gather", results=op.results, args=tuple(branches), span=op.span))
    return Unrolled(ops, list(op.results))
