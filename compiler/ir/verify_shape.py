"""V1 dominance, V2 types, V9 known ops, V10 terminators: the shape of one function."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Operand, Region, Value
from sglc.compiler.ir.ops import OPS
from sglc.compiler.ir.spec import OpSpec
from sglc.compiler.ir.values import STREAM, ValueType, overlaps
from sglc.compiler.ir.verify_ops import check_attrs, check_operands, operand_type
from sglc.compiler.ir.verify_regions import Shape, shapes
from sglc.constraints.types import Type

Report = Callable[[str, "Op | None", str], None]
_VALUE = re.compile(r"\w+(?:\.\w+)*")


def check_shape(function: Function, module: Module, report: Report) -> None:
    """Report every violation of V1, V2, V9 and V10 in ``function``."""
    if function.kind not in ("prompt", "fn"):
        report("V2", None, f"unknown kind of function {function.kind!r}")
    checker = _Checker(function, module, report)
    for param in function.params:
        checker.define(param.value, None)
        checker.seen.add(param.value)
    checker.region(None, function.body, _Around())


@dataclass(frozen=True, slots=True)
class _Around:
    """What encloses a region: the loop that break leaves, whether return may leave."""

    loop: tuple[ValueType, ...] | None = None
    may_return: bool = True
    yields: Shape | None = None
    is_while: bool = False


class _Checker:
    """``seen`` are the values that can be read where the check stands: one set for all regions,
    for a copy per op would take as long as the function has values."""

    def __init__(self, function: Function, module: Module, report: Report) -> None:
        self.function = function
        self.module = module
        self.report = report
        self.names: set[str] = set()
        self.seen: set[Value] = set()

    def define(self, value: Value, op: Op | None) -> None:
        if value.name in self.names:
            self.report("V1", op, f"{value} is defined twice")
        elif not _VALUE.fullmatch(value.name):
            self.report("V1", op, f"{value.name!r} is not the name of a value")
        self.names.add(value.name)

    def region(self, owner: Op | None, region: Region, around: _Around) -> None:
        own: list[Value] = []
        for value in region.params:
            self.define(value, owner)
            self.see(value, own)
        if region.ops:
            self.ops(owner, region, around, own)
        else:
            self.report("V10", owner, "has an empty region: a region ends with a terminator")
        self.seen.difference_update(own)

    def see(self, value: Value, own: list[Value]) -> None:
        """Let a value be read from here to the end of the region that ``own`` belongs to."""
        if value not in self.seen:
            self.seen.add(value)
            own.append(value)

    def ops(self, owner: Op | None, region: Region, around: _Around, own: list[Value]) -> None:
        for op in region.ops:
            for value in op.inputs():
                if value not in self.seen:
                    self.report("V1", op, f"{value} is not defined before, or not seen from here")
            spec = OPS.get(op.name)
            if spec is None:
                self.report("V9", op, f"there is no op {op.name!r}")
            else:
                self.op(op, spec, around)
                if spec.terminator != (op is region.ops[-1]):
                    wrong = "after a terminator" if spec.terminator else "where a terminator must"
                    self.report(
                        "V10",
                        op,
                        f"stands {wrong} end the region"
                        if not spec.terminator
                        else "ends its region, but ops follow",
                    )
            for value in op.results:
                self.define(value, op)
                self.see(value, own)
        conds = sum("cond" in OPS[op.name].exits for op in region.ops if op.name in OPS)
        if conds != around.is_while:
            self.report("V10", owner, "a `while` body has exactly one `cond`, nothing else has any")

    def op(self, op: Op, spec: OpSpec, around: _Around) -> None:
        def report(reason: str) -> None:
            self.report("V2", op, reason)

        check_operands(op, spec, self.module, report)
        check_attrs(op, spec, report)
        self.terminator(op, spec, around)
        self.labels(op, spec)
        if not spec.regions:
            return
        for region, shape in zip(op.regions, shapes(op, report), strict=True):
            declared = spec.region(region.label)
            if shape.params is not None:
                _agree(report, "parameter", shape.params, [v.type for v in region.params])
            inner = _Around(around.loop, around.may_return, shape)
            if declared is not None and declared.barrier:
                inner = _Around(None, False, shape)
            if spec.loop:
                is_while = declared is not None and "cond" in declared.catches
                inner = replace(inner, loop=shape.yields, is_while=is_while)
            self.region(op, region, inner)

    def labels(self, op: Op, spec: OpSpec) -> None:
        for declared in spec.regions:
            count = sum(region.label == declared.label for region in op.regions)
            if count < declared.least or (declared.most is not None and count > declared.most):
                self.report("V2", op, f"has {count} regions {declared.label!r}")
        for region in op.regions:
            if spec.region(region.label) is None:
                self.report("V2", op, f"takes no region {region.label!r}")

    def terminator(self, op: Op, spec: OpSpec, around: _Around) -> None:
        def report(reason: str) -> None:
            self.report("V2", op, reason)

        if not spec.terminator:
            return
        if spec.exits == frozenset({"loop"}):
            if around.loop is None:
                self.report("V10", op, "is not in a loop, or in a branch inside of it")
            else:
                _agree(report, "operand", around.loop, list(map(operand_type, op.args)))
        elif "function" in spec.exits:
            if not around.may_return:
                self.report("V10", op, "cannot leave a branch")
            self.check_return(op, report)
        elif not spec.exits:
            if around.yields is None:
                self.report("V10", op, "cannot end a function")
            else:
                _agree(report, "operand", around.yields.yields, list(map(operand_type, op.args)))
                if op.kwargs and not around.yields.captures:
                    report("takes no keywords here")

    def check_return(self, op: Op, report: Callable[[str], None]) -> None:
        types = list(map(operand_type, op.args))
        if self.function.kind == "prompt":
            _agree(report, "operand", (STREAM,), types)
        elif types:
            report("a fn returns `result = value` and nothing else")
        if self.function.result is not None or self.function.kind == "fn":
            if [key for key, _ in op.kwargs] != ["result"]:
                report("returns exactly `result`")
            elif self.function.result is not None:
                self.check_result(op.kwargs[0][1], self.function.result, report)

    def check_result(self, given: Operand, wanted: Type, report: Callable[[str], None]) -> None:
        from sglc.compiler.ir.values import from_type

        if not overlaps(from_type(wanted), operand_type(given)):
            report(f"returns {operand_type(given)}, not {wanted}")


def _agree(
    report: Callable[[str], None],
    what: str,
    wanted: Sequence[ValueType],
    given: Sequence[ValueType],
) -> None:
    if len(wanted) != len(given):
        report(f"has {len(given)} {what}s, not {len(wanted)}")
        return
    for index, (target, source) in enumerate(zip(wanted, given, strict=True)):
        names = (target.name, source.name)
        if names == ("effect", "none"):
            continue  # the chain of effects has not begun on this path
        exact = "stream" in names or "effect" in names
        if (target.name != source.name) if exact else not overlaps(target, source):
            report(f"{what} {index}: {source} where {target} is declared")
