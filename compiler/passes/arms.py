"""What a choice comes to where its arms do nothing: one value, or the condition itself."""

from __future__ import annotations

from typing import Final

from sglc.compiler.ir.op import Literal, Op, Operand, Value
from sglc.compiler.ir.spec import is_total
from sglc.compiler.ir.traits import chooses_region
from sglc.compiler.passes.constants import Known, Unknown, as_operand

_TRUE: Final = (Literal(True), Literal(False))


def chosen_values(op: Op, known: Known, max_items: int) -> tuple[Operand, ...] | None:
    """Return what the results of a choice are, if that is known without choosing.

    None where an arm does something, may fail or leave, or two arms give different values.
    """
    labels = [region.label for region in op.regions]
    if not op.results or not chooses_region(op) or labels[-1] != "else":
        return None
    for region in op.regions:
        *ops, end = region.ops
        if end.spec.exits or not all(map(is_total, ops)):
            return None
    ends = [region.terminator.args for region in op.regions]
    if all(args == ends[0] for args in ends):
        return ends[0]
    try:
        given = [tuple(as_operand(known.value(arg), max_items) for arg in args) for args in ends]
    except Unknown:
        return None
    first, *others = given
    values = tuple(value for value in first if value is not None)
    if len(values) < len(first):
        return None
    if all(other == first for other in others):
        return values
    condition = op.args[0]
    is_condition = labels == ["do", "else"] and tuple(arg for (arg,) in given) == _TRUE
    if is_condition and isinstance(condition, Value) and condition.type == op.result.type:
        return (condition,)
    return None
