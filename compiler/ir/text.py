"""Prints a module in its textual form. ``sglc.compiler.ir.reader`` reads it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sglc.compiler.ir.graph import Function, Module, Param, ToolDecl
from sglc.compiler.ir.notation import write_data, write_type
from sglc.compiler.ir.op import AttrValue, Literal, Op, Operand, Region, Symbol, Value
from sglc.compiler.ir.ops import OPS
from sglc.compiler.ir.values import ANY, EFFECT, quote, quote_key
from sglc.compiler.plan.plan import Loc
from sglc.constraints.types import MISSING

if TYPE_CHECKING:
    from sglc.compiler.ir.op import Place

_INDENT = "  "


def print_module(module: Module, *, places: bool = True) -> str:
    """Return the textual form; without ``places`` the same for equal modules."""
    source = module.sources[0] if module.sources else ""
    printer = _Printer(source, places)
    lines: list[str] = []
    if module.sources and places:
        lines.append(f"source {', '.join(map(quote, module.sources))}")
    if module.config:
        lines.append(f"config{write_attrs(module.config)}")
    if module.hints:
        lines.append(f"hints{write_attrs(module.hints)}")
    lines += [f"constraint @{name} = {write_type(t)}" for name, t in module.constraints.items()]
    lines += map(_tool, module.tools.values())
    for function in module.functions.values():
        lines += printer.function(function)
    return "".join(line + "\n" for line in lines)


def write_operand(operand: Operand | AttrValue) -> str:
    """Return an operand or the value of an attribute."""
    if isinstance(operand, tuple):
        return "[" + ", ".join(map(write_operand, operand)) + "]"
    if isinstance(operand, Value | Symbol):
        return str(operand)
    return write_data(operand.value if isinstance(operand, Literal) else operand)


def write_attrs(attrs: Mapping[str, AttrValue]) -> str:
    """Return `` <key = value, …>`` with a space in front, or nothing when there are none."""
    pairs = (f"{quote_key(key)} = {write_operand(value)}" for key, value in attrs.items())
    return f" <{', '.join(pairs)}>" if attrs else ""


def write_op(op: Op) -> str:
    """Return the line of an op without its regions and its place."""
    head = op.name
    words = [*map(write_operand, op.args)]
    words += [f"{quote_key(key)} = {write_operand(value)}" for key, value in op.kwargs]
    if op.results:
        head = f"{', '.join(_results(op))} = {head}"
    if words:
        head += " " + ", ".join(words)
    return head + write_attrs(op.attrs)


class _Printer:
    def __init__(self, source: str, places: bool) -> None:
        self.source = source
        self.places = places

    def function(self, function: Function) -> Iterator[str]:
        params = ", ".join(map(_param, function.params))
        result = "" if function.result is None else f" -> {write_type(function.result)}"
        attrs = dict(function.attrs) | ({"doc": function.doc} if function.doc else {})
        head = f"{function.kind} @{function.name}({params}){result}{write_attrs(attrs)}"
        lines = [*self.region(function.body)]
        yield f"{head} {lines[0]}"
        yield from lines[1:-1]
        yield lines[-1] + self.place(function.span)

    def op(self, op: Op) -> Iterator[str]:
        lines = [write_op(op)]
        for region in op.regions:
            block = list(self.region(region))
            if len(op.regions) == 1:
                lines[-1] += " " + block[0]
            else:
                lines.append(_INDENT + block[0])
            indent = "" if len(op.regions) == 1 else _INDENT
            lines += [indent + line for line in block[1:]]
        lines[-1] += self.place(op.span)
        yield from lines

    def region(self, region: Region) -> Iterator[str]:
        words = [region.label] if region.label else []
        if region.case:
            one = len(region.case) == 1
            words.append(write_operand(region.case[0] if one else region.case))
        if region.params:
            words.append(f"({', '.join(f'{v}: {v.type}' for v in region.params)})")
        yield " ".join([*words, "{"])
        for op in region.ops:
            for line in self.op(op):
                yield _INDENT + line
        yield "}"

    def place(self, place: Place | None) -> str:
        if place is None or not self.places:
            return ""
        file = place.file if isinstance(place, Loc) else place.file.name
        prefix = "" if file == self.source else quote(file) + ":"
        return f" loc({prefix}{place.line}:{place.column})"


def _results(op: Op) -> Iterator[str]:
    spec = OPS.get(op.name)
    count = len(op.results)
    effect = bool(op.results) and op.results[0].type == EFFECT
    known = spec.default_types(count, effect=effect) if spec else (None,) * count
    for index, (value, default) in enumerate(zip(op.results, known, strict=True)):
        hidden = value.type == (default or ANY) and not (index == 0 and effect)
        yield str(value) if hidden else f"{value}: {value.type}"


def _param(param: Param) -> str:
    text = f"{param.value}: {write_type(param.type)}"
    return text if param.default is MISSING else f"{text} = {write_data(param.default)}"


def _tool(tool: ToolDecl) -> str:
    params = ", ".join(f"%{name}: {write_type(t)}" for name, t in tool.params)
    attrs: dict[str, AttrValue] = {
        "from": tool.source,
        "effect": tool.effect,
        "timeout_s": tool.timeout_s,
        "retries": tool.retries or None,
        "required": tool.required or None,
    }
    given = {key: value for key, value in attrs.items() if value is not None}
    return f"tool @{tool.name}({params}) -> {write_type(tool.result)}{write_attrs(given)}"
