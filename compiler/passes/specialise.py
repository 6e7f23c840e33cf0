"""Copies of functions for the constants they are called with, where these decide what is run.

An argument decides when it, or what is computed from it, is a condition, the list of a loop, an
option or the choices of a decode, or such an argument of another call. Only then can a copy be
smaller than the function: what is merely said is no reason for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from sglc.compiler.ir.graph import Function, replace_values
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Symbol, Value
from sglc.compiler.ir.text import write_operand
from sglc.compiler.passes.copies import Names, constant
from sglc.compiler.passes.inline import arguments
from sglc.compiler.passes.parts import written

OF: Final = "of"
KNOWN: Final = "known"
"""Attributes of a copy: the function it was made of, and its constants as text."""

Deciding = Mapping[str, frozenset[str]]
_NOTHING: Final = frozenset[str]()


def deciding(
    function: Function, called: Deciding, functions: Mapping[str, Function]
) -> frozenset[str]:
    """Return the parameters that decide; ``called`` has those of the functions it calls."""
    comes_from: dict[Value, frozenset[str]] = {
        param.value: frozenset({param.name}) for param in function.params
    }
    found: set[str] = set()

    def of(operands: Iterable[Operand]) -> frozenset[str]:
        parts = (operand if isinstance(operand, tuple) else (operand,) for operand in operands)
        values = (value for part in parts for value in part if isinstance(value, Value))
        return _NOTHING.union(*(comes_from.get(value, _NOTHING) for value in values))

    for op in function.walk():
        spec = op.spec
        if op.regions:
            goes_through = of(op.args[1:2] if spec.reads_stream else op.args[:1])
            found |= goes_through
            for region in op.regions:
                comes_from.update(dict.fromkeys(region.params, goes_through))
        elif spec.model:
            found |= of(arg for _, arg in op.kwargs) | of(op.args[1:])
        elif spec.calls:
            callee = functions[op.symbol or ""]
            given = arguments(op, callee) or {}
            found |= of(given[name] for name in called.get(callee.name, _NOTHING) if name in given)
        elif spec.exits and not spec.terminator:
            found |= of(op.args[:1])
        if spec.pure or (spec.calls and not spec.writes_stream):
            comes_from.update(dict.fromkeys(op.results, of(op.operands())))
    return frozenset(found)


def specialised(function: Function, name: str, known: Mapping[str, Operand]) -> Function:
    """Return the copy called ``name``, without the parameters that are ``known``."""
    like = Op(name="const", span=function.span)
    values = {param.name: param.value for param in function.params}
    constants = tuple(constant(values[key], operand, like) for key, operand in known.items())
    return Function(
        kind=function.kind,
        name=name,
        params=tuple(param for param in function.params if param.name not in known),
        result=function.result,
        body=replace(function.body, ops=(*constants, *function.body.ops)),
        attrs={OF: function.name, KNOWN: as_text(known)},
        doc=function.doc,
        span=function.span,
    )


def as_text(known: Mapping[str, Operand]) -> str:
    """Return constants by parameter as one text."""
    return ", ".join(f"{name} = {write_operand(operand)}" for name, operand in known.items())


def call_of(op: Op, name: str, callee: Function, known: Mapping[str, Operand]) -> Op:
    """Return a call of ``callee`` as one of its copy ``name``, to which ``known`` is not given."""
    skipped = 2 if op.spec.reads_stream else 1
    names = [param.name for param in callee.params]
    given = [*zip(names, op.args[skipped:], strict=False), *op.kwargs]
    stream = op.args[:1] if op.spec.reads_stream else ()
    kwargs = tuple((key, arg) for key, arg in given if key not in known)
    return op.with_(args=(*stream, Symbol(name)), kwargs=kwargs)


def is_constant(operand: Operand) -> bool:
    """Whether an operand is a scalar, or a list of constants."""
    if isinstance(operand, tuple):
        return all(map(is_constant, operand))
    return isinstance(operand, Literal)


def with_arguments(function: Function, known: Mapping[str, Any]) -> Function:
    """Return a function in which parameters whose arguments are known are read no more.

    It has them still, so that runs give them and have them checked. Itself if there is none.
    """
    names = Names(function)
    like = Op(name="const", span=function.span)
    read = {value for op in function.walk() for value in op.inputs()}
    made: list[Op] = []
    mapping: dict[Value, Operand] = {}
    for param in function.params:
        if param.name in known and param.value in read:
            value = names.fresh(param.name, param.value.type)
            ops = written(known[param.name], value, names, like)
            if ops is not None:
                made += ops
                mapping[param.value] = value
    if not mapping:
        return function
    body: Region = replace_values(function.body, mapping)
    return function.with_body(replace(body, ops=(*made, *body.ops)))
