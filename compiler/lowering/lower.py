"""Graph to plan: values get numbers, order becomes explicit.

A node needs the values it reads, those read inside its blocks included. What the plan adds is what
a sequential reading implies and data does not show: an op that may leave its block (a ``check``, an
arm that returns) is a gate, and what comes after it waits until it has passed. Only ops that are
pure and cannot fail do not wait, but for ``warm``, so that no K/V is computed ahead in vain, and a
branch whose end a run tells. A gate waits for the gate before it, so naming the last one is enough.

A gate that does leave says nothing of the nodes before it: whoever runs the plan lets those finish
first, since one of them may have failed earlier in program order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sglc.compiler.ir.graph import Function, Module, free_values
from sglc.compiler.ir.op import AttrValue, Literal, Op, Operand, Region, Symbol, Value
from sglc.compiler.ir.spec import exits, is_total
from sglc.compiler.ir.traits import tells_end, warms
from sglc.compiler.plan import plan as p
from sglc.constraints.types import MISSING

if TYPE_CHECKING:
    from sglc.compiler.ir.op import Place


def lower_module(module: Module, entry: str) -> p.Plan:
    """Return the plan of a module that the verifier accepts, starting at ``entry``.

    A library has no entry: the empty name is accepted as it is.

    Raises:
        KeyError: there is no function ``entry``.
    """
    if entry and entry not in module.functions:
        raise KeyError(entry)
    return p.Plan(
        functions={name: lower_function(f) for name, f in module.functions.items()},
        entry=entry,
        constraints=dict(module.constraints),
        tools=dict(module.tools),
        config=_attrs(module.config),
        hints=_attrs(module.hints),
    )


def lower_function(function: Function) -> p.Function:
    """Return one function with its values and nodes numbered in program order."""
    return _Lowering().function(function)


class _Lowering:
    def __init__(self) -> None:
        self.numbers: dict[Value, int] = {}
        self.num_nodes = 0

    def function(self, function: Function) -> p.Function:
        params = tuple(
            p.Parameter(
                name=param.name,
                value=self.number(param.value),
                type=param.type,
                has_default=param.default is not MISSING,
                default=None if param.default is MISSING else param.default,
            )
            for param in function.params
        )
        body = self.block(function.body)
        return p.Function(
            kind=function.kind,
            name=function.name,
            params=params,
            result=function.result,
            body=body,
            num_values=len(self.numbers),
            doc=function.doc,
        )

    def number(self, value: Value) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    def block(self, region: Region) -> p.Block:
        params = tuple(map(self.number, region.params))
        nodes: list[p.Node] = []
        gate: tuple[int, ...] = ()
        for op in region.ops:
            waits = op.spec.terminator or warms(op) or not is_total(op) or tells_end(op)
            node = self.node(op, gate if waits else ())
            nodes.append(node)
            if node.may_exit:
                gate = (node.id,)
        return p.Block(label=region.label, case=region.case, params=params, nodes=tuple(nodes))

    def node(self, op: Op, after: tuple[int, ...]) -> p.Node:
        number = self.num_nodes
        self.num_nodes += 1
        needs = tuple(self.numbers[value] for value in free_values(op))
        args = tuple(self.arg(arg) for arg in op.args if not isinstance(arg, Symbol))
        kwargs = tuple((key, self.arg(arg)) for key, arg in op.kwargs)
        blocks = tuple(map(self.block, op.regions))
        return p.Node(
            id=number,
            op=op.name,
            args=args,
            kwargs=kwargs,
            outputs=tuple(map(self.number, op.results)),
            attrs=_symbols(op) | _attrs(op.attrs),
            blocks=blocks,
            needs=needs,
            after=after,
            may_exit=bool(exits(op)) and not op.spec.terminator,
            loc=_loc(op.span),
        )

    def arg(self, operand: Operand) -> p.Arg:
        match operand:
            case Value():
                return p.Ref(self.numbers[operand])
            case Literal(value):
                return p.Const(value)
            case tuple():
                return p.Items(tuple(map(self.arg, operand)))
        raise TypeError(f"{operand} is no value")


def _symbols(op: Op) -> dict[str, p.AttrValue]:
    if op.symbol is None:
        return {}
    return {"tool" if op.spec.host else "callee": op.symbol}


def _attrs(attrs: Mapping[str, AttrValue]) -> dict[str, p.AttrValue]:
    return {key: _attr(value) for key, value in attrs.items()}


def _attr(value: AttrValue) -> p.AttrValue:
    if isinstance(value, Symbol):
        return value.name
    return tuple(map(_attr, value)) if isinstance(value, tuple) else value


def _loc(place: Place | None) -> p.Loc | None:
    if place is None or isinstance(place, p.Loc):
        return place
    return p.Loc(place.file.name, place.line, place.column)
