"""Calls as the ops of the function they run.

The copy of an ``include`` goes on on the stream of the caller, that of a ``call`` begins a stream
that is not the caller's entry. Its ops stand under the path of the call, so that what it draws and
tells is what it was, and its named outputs stay those of the call.
"""

from __future__ import annotations

from typing import NamedTuple

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Literal, Op, Operand, walk
from sglc.compiler.ir.spec import exits
from sglc.compiler.ir.values import EFFECT
from sglc.compiler.passes.constants import as_operand
from sglc.compiler.passes.copies import Copy, Names
from sglc.compiler.plan.sites import path_step
from sglc.constraints.types import MISSING

_MAX_DEFAULT_ITEMS = 4096


class Inlined(NamedTuple):
    """The ops of the callee, and what the results of the call are then."""

    ops: list[Op]
    results: list[Operand]


def may_open(function: Function) -> bool:
    """Whether nothing in a function leaves it early, or comes after an effect.

    What may leave would hold up what follows the call, which a call never does.
    """
    *ops, end = function.body.ops
    if any(map(exits, ops)) or "function" not in end.spec.exits:
        return False
    every = (value for op in walk(ops) for value in op.results)
    return not any(value.type == EFFECT for value in every)


def arguments(op: Op, callee: Function) -> dict[str, Operand] | None:
    """Return the operands of a call by parameter, in their order, defaults filled in.

    None if a default is no constant of the graph.
    """
    given = op.args[2 if op.spec.reads_stream else 1 :]
    named: dict[str, Operand] = {
        param.name: arg for param, arg in zip(callee.params, given, strict=False)
    }
    named |= dict(op.kwargs[:-1] if op.after is not None else op.kwargs)
    bound: dict[str, Operand] = {}
    for param in callee.params:
        found: Operand | None = named.get(param.name)
        if found is None and param.default is not MISSING:
            found = as_operand(param.default, _MAX_DEFAULT_ITEMS)
        if found is None:
            return None
        bound[param.name] = found
    return bound


def inline(op: Op, callee: Function, given: dict[str, Operand], names: Names) -> Inlined:
    """Return the body of ``callee``, which ``may_open``, in the place of the call ``op``."""
    copy = Copy(names, op, path_step("call", int(str(op.attrs["rng"]))))
    ops: list[Op] = []
    for param in callee.params:
        ops += copy.bind(param.value, given[param.name], op)
    *body, end = callee.body.ops
    entry = callee.entry_stream
    if op.spec.reads_stream and entry is not None:
        copy.values[entry] = op.args[0]
        body = [inner for inner in body if entry not in inner.results]
    ops += copy.ops(body)
    results: list[Operand] = []
    if op.spec.reads_stream:
        results.append(copy.operand(end.args[0]) if end.args else op.args[0])
    named = dict(end.kwargs)
    if callee.kind == "fn":
        results.append(copy.operand(named["result"] if named else end.args[0]))
    elif callee.result is not None:
        results.append(copy.operand(named.get("result", Literal(None))))
    else:
        fields = tuple((key, copy.operand(value)) for key, value in end.kwargs)
        ops.append(Op(name="record", results=op.results[-1:], kwargs=fields, span=op.span))
        results.append(op.results[-1])
    return Inlined(ops, results)
