"""How values get out of regions: what becomes a result of an arm or a loop."""

from __future__ import annotations

from sglc.compiler.ir.op import Op, Operand


def handed_on(op: Op, index: int) -> list[Operand]:
    """Return what becomes result ``index`` of a control op, over all ways through its regions.

    Of a loop also what it begins with, which is what the parameter of a turn may be.
    """
    if op.spec.loop:
        ends = turn_ends(op)
        return [op.args[1 + index], *(end.args[index] for end in ends)]
    ends = [region.terminator for region in op.regions]
    return [end.args[index] for end in ends if not end.spec.exits]


def early_exits(loop: Op) -> list[Op]:
    """Return the ops by which a turn of the loop ends early."""
    found: list[Op] = []
    todo = [op for region in loop.regions for op in region.ops]
    while todo:
        op = todo.pop()
        if op.spec.exits and op.spec.exits <= {"loop", "cond"}:
            found.append(op)
        if not op.spec.loop:
            todo += [inner for region in op.regions for inner in region.ops]
    return found


def turn_ends(loop: Op) -> list[Op]:
    """Return the terminators whose operands are carried values of the loop."""
    ends = [op for op in early_exits(loop) if op.spec.terminator]
    last = loop.regions[0].terminator
    return ends if last.spec.exits else [*ends, last]
