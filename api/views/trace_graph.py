"""The ops of a trace as a module of the compiler's graph, to print and to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.ir.graph import Function, Module, Param
from sglc.compiler.ir.op import AttrValue, Literal, Op, Operand, Region, Symbol, Value
from sglc.compiler.ir.values import ANY, IMAGE, NUMBER, STR, STREAM, ValueType
from sglc.constraints.types import AnyType, Type
from sglc.runtime.executor.open_run import Cell
from sglc.views.placeholder import cut_at_holes

if TYPE_CHECKING:
    from sglc.runs.fragment import Staged
    from sglc.views.tracing import Trace

_KEPT: Final = ("name", "max_tokens", "temperature", "stop", "by", "role", "rng")
_RESULTS: Final[dict[str, tuple[ValueType, ...]]] = {
    "gen": (STREAM, STR), "select": (STREAM, STR, NUMBER), "slice": (STR,),
}  # fmt: skip


def trace_module(trace: Trace) -> Module:
    """Return a module with one prompt, whose parameters are what the trace did not know."""
    return _Maker(trace).module()


class _Maker:
    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._values: dict[Cell, Value] = {}
        self._written: dict[str, Value] = {}  # by the name of the placeholder
        self._params: dict[str, Value] = {}
        self._constraints: dict[str, Type] = {}
        self._ops: list[Op] = []
        self._num_values = 0

    def module(self) -> Module:
        for op in self._trace.ops:
            self._add(op)
        self._ops.append(Op(name="return", args=(self._values[self._trace.last],)))
        function = Function(
            kind="prompt",
            name=self._trace.name,
            params=tuple(Param(value=v, type=AnyType()) for v in self._params.values()),
            body=Region(ops=tuple(self._ops)),
        )
        return Module(functions={function.name: function}, constraints=self._constraints)

    def _add(self, op: Staged) -> None:
        if op.op == "put":
            self._put(op)
            return
        types = _RESULTS.get(op.op, (STREAM,) * len(op.outputs))
        results = tuple(self._new(type_) for type_ in types)
        attrs: dict[str, AttrValue] = {
            n: v for n, v in op.attrs if n in _KEPT and v not in ("", ())
        }
        if op.type is not None:
            name = f"C{len(self._constraints)}"
            self._constraints[name] = op.type
            attrs["constraint"] = Symbol(name)
        operands = tuple(self._operand(arg) for arg in op.args)
        self._ops.append(Op(name=op.op, args=operands, results=results, attrs=attrs, span=op.loc))
        for cell, value in zip(op.outputs, results, strict=True):
            self._values[cell] = value
            if cell.done:
                self._written[getattr(cell.value, "name", "")] = value

    def _put(self, op: Staged) -> None:
        stream, said = self._values[op.args[0]], op.args[1]
        operands: list[Operand] = []
        if isinstance(said, str):
            for is_hole, text in cut_at_holes(str.__str__(said)):
                operands.append(self._hole(text) if is_hole else Literal(text))
        else:
            operands.append(self._operand(said))
        for operand in operands or [Literal("")]:
            after = self._new(STREAM)
            self._ops.append(Op(name="put", args=(stream, operand), results=(after,), span=op.loc))
            stream = after
        self._values[op.outputs[0]] = stream

    def _hole(self, name: str) -> Value:
        if name in self._written:
            return self._written[name]
        return self._param(name, ANY)

    def _param(self, name: str, type_: ValueType) -> Value:
        if name not in self._params:
            self._params[name] = Value(
                name if name.isidentifier() else f"p{len(self._params)}", type_
            )
        return self._params[name]

    def _operand(self, arg: Any) -> Operand:
        if isinstance(arg, Cell):
            return self._values[arg]
        if isinstance(arg, tuple):
            return tuple(Literal(str.__str__(text)) for text in arg)
        if arg is None or isinstance(arg, str | int | float):
            return Literal(arg)
        return self._param(f"image{len(self._params)}", IMAGE)

    def _new(self, type_: ValueType) -> Value:
        self._num_values += 1
        return Value(f"v{self._num_values}", type_)
