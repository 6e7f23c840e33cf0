"""Origins: what a value surely is, found by following it to the decode or choice that gives it."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Literal, Op, Operand, Value
from sglc.compiler.ir.traits import constant_of, decodes, makes_branch, projected, records
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.languages import held_to
from sglc.constraints import types as t

_TEXTS = (t.Str, t.Line, t.Word, t.Literal, t.Regex, t.Concat, t.Grammar)


def type_of(
    operand: Operand, path: Sequence[str], function: Function, facts: Facts
) -> t.Type | None:
    """Return the type of what stands at ``path``, field by field, in a value of ``function``.

    None where that is not known.
    """
    if isinstance(operand, Literal):
        return _of_literal(operand) if not path else None
    made = facts.definitions(function).ops.get(operand) if isinstance(operand, Value) else None
    if made is None or not isinstance(operand, Value):
        return None
    if makes_branch(made) or records(made):
        given = dict(made.kwargs)
        found = path and path[0] in given
        return type_of(given[path[0]], path[1:], function, facts) if found else None
    name, constant = projected(made), constant_of(made)
    if name is not None:
        return type_of(made.args[0], (name, *path), function, facts)
    if constant is not None:
        return type_of(constant, path, function, facts)
    if made.spec.calls:
        return _of_call(made, path, facts) if operand == made.results[-1] else None
    if not made.spec.model or operand != made.results[1]:
        return None
    return _at(_of_decode(made, facts) if decodes(made) else t.Str(), path)


def is_one_of_a_kind(type_: t.Type) -> bool:
    """Whether equal values of the type are one and the same: texts, integers, truth values."""
    match type_:
        case t.Int() | t.Bool() | t.NoneType():
            return True
        case t.Union(options=parts):
            return all(map(is_one_of_a_kind, parts))
        case t.Both(parts=parts):
            return is_one_of_a_kind(parts[0])
        case t.Optional(inner=inner) | t.Without(inner=inner) | t.Sized(inner=inner):
            return is_one_of_a_kind(inner)
    return isinstance(type_, _TEXTS)


def _of_literal(literal: Literal) -> t.Type | None:
    match literal.value:
        case bool():
            return t.Bool()
        case int(number):
            return t.Int(number, number)
        case str(text):
            return t.Literal(text)
    return None


def _of_decode(op: Op, facts: Facts) -> t.Type | None:
    if op.kwarg("choices") is None and "constraint" not in op.attrs:
        return t.Str()
    return held_to(op, facts.module)


def _of_call(op: Op, path: Sequence[str], facts: Facts) -> t.Type | None:
    """The type of what a function returns, if it is one wherever it does."""
    callee = facts.module.functions[op.symbol or ""]
    found: set[t.Type | None] = set()
    for end in callee.walk():
        if "function" in end.spec.exits:
            value = end.kwarg("result")
            found.add(None if value is None else type_of(value, path, callee, facts))
    return found.pop() if len(found) == 1 else None


def _at(type_: t.Type | None, path: Sequence[str]) -> t.Type | None:
    """The type of a field in a record of records."""
    for name in path:
        if not isinstance(type_, t.Record):
            return None
        type_ = next((field.type for field in type_.fields if field.name == name), None)
    return type_
