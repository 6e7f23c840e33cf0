"""What values are made of, where that is known although the values are not: items, fields, ends."""

from __future__ import annotations

from typing import Any

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Literal, Op, Operand, Value
from sglc.compiler.ir.traits import constant_of, gathers, lists, makes_branch, records
from sglc.compiler.ir.values import ANY
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.constants import Known, Unknown, as_operand, result_of
from sglc.compiler.passes.copies import Names, constant


class Parts:
    """The ops of one function that put values together."""

    def __init__(self, module: Module, context: Context, max_items: int) -> None:
        self._module = module
        self._context = context
        self._max_items = max_items
        self._made: dict[Value, Op] = {}

    def note(self, op: Op) -> None:
        """Remember an op whose operands are final."""
        if len(op.results) == 1:
            self._made[op.results[0]] = op

    def operand(self, operand: Operand) -> Operand:
        """Return what a value is another name of: a constant, or the value an op made."""
        while isinstance(operand, Value) and operand in self._made:
            same = constant_of(self._made[operand])
            if same is None:
                break
            operand = same
        return operand

    def made(self, operand: Operand) -> Op | None:
        """Return the op that made a value."""
        operand = self.operand(operand)
        return self._made.get(operand) if isinstance(operand, Value) else None

    def items(self, operand: Operand) -> tuple[Operand, ...] | None:
        """Return the items of a list or group; None where they are not known one by one."""
        operand = self.operand(operand)
        if isinstance(operand, tuple):
            return operand
        made = self.made(operand)
        if made is None:
            return None
        if lists(made) or gathers(made):
            return made.args
        if made.regions or not made.spec.pure:
            return None
        try:
            found = as_operand(
                result_of(made, Known(), self._module, self._context), self._max_items
            )
        except Unknown:
            return None
        return found if isinstance(found, tuple) else None

    def constant(self, operand: Operand) -> Operand | None:
        """Return a scalar or a list of constants that an operand surely is, or None."""
        found = self.items(operand)
        if found is None:
            scalar = self.operand(operand)
            return scalar if isinstance(scalar, Literal) else None
        items = tuple(map(self.constant, found))
        return None if None in items else tuple(item for item in items if item is not None)

    def field(self, whole: Op, name: str) -> Operand | None:
        """Return a field of what ``whole`` makes; None if it has no such field, or none is known.

        A capture of a branch hides its own text, stream and log probability.
        """
        if not (records(whole) or makes_branch(whole)):
            return None
        found = whole.kwarg(name)
        is_end = found is None and name == "stream" and makes_branch(whole)
        return whole.args[1] if is_end else found


def written(value: Any, of: Value, names: Names, like: Op) -> list[Op] | None:
    """Return ops that make the value ``of`` of data; None if it cannot, or should not, be written.

    Scalars and lists of them are one constant; a record is an op, and so is a list of records.
    """
    operand = as_operand(value, len(value) + 4096 if isinstance(value, list) else 0)
    if operand is not None:
        return [constant(of, operand, like)]
    if not isinstance(value, dict | list):
        return None
    made: list[Op] = []
    inner: list[Operand] = []
    for item in value.values() if isinstance(value, dict) else value:
        plain = as_operand(item, 4096)
        if plain is None:
            part = names.fresh(of.name, ANY)
            ops = written(item, part, names, like)
            if ops is None:
                return None
            made += ops
            plain = part
        inner.append(plain)
    if isinstance(value, dict):
        fields = tuple(zip(value, inner, strict=True))
        made.append(Op(name="record", results=(of,), kwargs=fields, span=like.span))
    else:
        made.append(Op(name="list", results=(of,), args=tuple(inner), span=like.span))
    return made
