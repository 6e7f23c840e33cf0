"""V5: effects form one chain per function, so that effectful calls keep program order."""

from __future__ import annotations

from collections.abc import Callable

from sglc.compiler.ir.graph import Function, free_values
from sglc.compiler.ir.op import Literal, Op, Region, Value
from sglc.compiler.ir.values import EFFECT

Report = Callable[[str, "Op | None", str], None]


def check_effects(function: Function, report: Report) -> None:
    """Report effects that are used twice, chains that start twice, or cross into a branch."""
    _check(function.body, False, report)


def _check(region: Region, started: bool, report: Report) -> bool:
    """Check a region entered with a chain ``started`` or not; return whether there is one now."""
    used: set[Value] = set()
    started = started or any(value.type == EFFECT for value in region.params)
    for op in region.ops:
        for value in _effects_of(op):
            if value in used:
                report("V5", op, f"{value} is used twice: effects form a chain")
            used.add(value)
        if op.after == Literal(None):
            if started:
                report("V5", op, "starts a second chain of effects")
            started = True
        started = _check_regions(op, started, report)
    return started


def _check_regions(op: Op, started: bool, report: Report) -> bool:
    after = started
    for region in op.regions:
        declared = op.spec.region(region.label)
        apart = declared is not None and declared.barrier
        if op.spec.loop or apart:
            for value in free_values(region):
                if value.type == EFFECT:
                    what = "crosses into a branch" if apart else "is not carried by the loop"
                    report("V5", op, f"{value} {what}")
        if apart:
            _check(region, False, report)
        elif op.spec.loop:
            carried = any(value.type == EFFECT for value in region.params)
            if _check(region, started, report) and not (started or carried):
                report("V5", op, "a chain of effects starts in a loop: it must be carried")
            after |= carried
        else:
            after |= _check(region, started, report)
    return after


def _effects_of(op: Op) -> set[Value]:
    """The effects an op uses. A region that leaves uses them instead of what follows the op."""
    used = {value for value in op.inputs() if value.type == EFFECT}
    for region in op.regions:
        if not region.terminator.spec.exits.isdisjoint({"loop", "function"}):
            continue
        bound = set(region.params)
        for inner in region.ops:
            used |= _effects_of(inner) - bound
            bound.update(inner.results)
    return used
