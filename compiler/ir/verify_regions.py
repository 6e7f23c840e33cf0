"""What the regions of each control op are entered with, and what they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sglc.compiler.ir.op import Op, Region
from sglc.compiler.ir.values import ANY, INT, STREAM, ValueType
from sglc.compiler.ir.verify_ops import operand_type

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """``params`` of a region (None: not checked), the types it yields, whether it names more."""

    params: tuple[ValueType, ...] | None
    yields: tuple[ValueType, ...]
    captures: bool = False


def shapes(op: Op, report: Report) -> list[Shape]:
    """Return the shape of every region of a control op; report what does not fit in the op."""
    return [_SHAPES[op.name](op, region, report) for region in op.regions]


def _arm(op: Op, region: Region, report: Report) -> Shape:
    return Shape((), tuple(value.type for value in op.results))


def _case(op: Op, region: Region, report: Report) -> Shape:
    if region.label == "case" and not region.case:
        report("has a case without literals")
    if region.label == "else" and region is not op.regions[-1]:
        report("has a case after `else`")
    return _arm(op, region, report)


def _loop(op: Op, region: Region, report: Report) -> Shape:
    """Carried values: the operands after the first, the last parameters, the results."""
    carried = tuple(value.type for value in op.results)
    given = op.args[1:]
    lead = region.params[: len(region.params) - len(carried)]
    wanted = 0 if op.name == "while" else 2 if op.attrs.get("index") else 1
    if len(lead) != wanted:
        report(f"its region takes {wanted} values and the carried ones")
    if len(given) != len(carried):
        report(f"carries {len(given)} values, but gives {len(carried)}")
    for index, (operand, type_) in enumerate(zip(given, carried, strict=False)):
        if (operand_type(operand) == STREAM) != (type_ == STREAM):
            report(f"carried value {index}: {operand_type(operand)} where {type_} is declared")
    if wanted == 2 and len(lead) == 2 and lead[1].type not in (INT, ANY):
        report("its index is not an int")
    params = region.params[len(lead) :]
    for value, type_ in zip(params, carried, strict=False):
        if (value.type == STREAM) != (type_ == STREAM):
            report(f"carried parameter {value}: {value.type} where {type_} is given")
    return Shape(None, carried)


def _branch(op: Op, region: Region, report: Report) -> Shape:
    named = len(op.args) == 1
    if named != bool(region.case):
        report("a fork has either a list or named branches")
    if not named and len(op.regions) != 1:
        report("a fork over a list has one branch")
    if named and len({r.case for r in op.regions}) != len(op.regions):
        report("two branches have one name")
    counts = (1,) if named else (2, 3)
    if len(region.params) not in counts or region.params[0].type != STREAM:
        report("a branch takes a stream" + ("" if named else ", an element, maybe its index"))
    return Shape(None, (STREAM,), captures=True)


def _each(op: Op, region: Region, report: Report) -> Shape:
    if len(region.params) != 1:
        report("its region takes one element")
    return Shape(None, (ANY,))


_SHAPES: dict[str, Callable[[Op, Region, Report], Shape]] = {
    "if": _arm,
    "match": _case,
    "try": _arm,
    "for": _loop,
    "while": _loop,
    "fork": _branch,
    "map": _each,
    "filter": _each,
}
