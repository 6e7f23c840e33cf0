"""What a condition tells about the names it tests, when it is true and when it is false."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema.flow import Path
from sglc.compiler.frontend.sema.types import (
    NONE,
    disjoint,
    is_text,
    join,
    of_value,
    options_of,
    union,
    without_none,
)
from sglc.constraints import types as t

Facts = Mapping[Path, t.Type]
TypeOf = Callable[[ast.Expr], t.Type]
ConstantOf = Callable[[ast.Expr], tuple[bool, Any]]


class Outcome(NamedTuple):
    """Facts that hold when a condition is true, and when it is false."""

    true: Facts
    false: Facts


NOTHING = Outcome({}, {})


def path_of(expr: ast.Expr) -> Path | None:
    """Return ``("step", "tool")`` for ``step.tool``; None for what is not a name and fields."""
    fields: list[str] = []
    while isinstance(expr, ast.Attr):
        fields.append(expr.name.value)
        expr = expr.value
    return (expr.name, *reversed(fields)) if isinstance(expr, ast.Var) else None


def outcome(condition: ast.Expr, type_of: TypeOf, constant_of: ConstantOf) -> Outcome:
    """Return what ``condition`` tells; its parts must have been given types."""
    match condition:
        case ast.Not(operand=operand):
            inner = outcome(operand, type_of, constant_of)
            return Outcome(inner.false, inner.true)
        case ast.And(operands=operands):
            parts = [outcome(operand, type_of, constant_of) for operand in operands]
            return Outcome(_both([p.true for p in parts]), _either([p.false for p in parts]))
        case ast.Or(operands=operands):
            parts = [outcome(operand, type_of, constant_of) for operand in operands]
            return Outcome(_either([p.true for p in parts]), _both([p.false for p in parts]))
        case ast.Compare(op="==", left=left, right=right):
            return _equal(left, right, type_of, constant_of)
        case ast.Compare(op="!=", left=left, right=right):
            true, false = _equal(left, right, type_of, constant_of)
            return Outcome(false, true)
        case ast.In(item=item, container=ast.List(items=items)):
            return _among(item, items, type_of, constant_of)
        case ast.NotIn(item=item, container=ast.List(items=items)):
            true, false = _among(item, items, type_of, constant_of)
            return Outcome(false, true)
    return NOTHING


def narrowed(type_: t.Type, value: Any) -> t.Type:
    """Return the type of a ``type_`` that is equal to a constant."""
    if value is None:
        return NONE
    if isinstance(value, str) and is_text(without_none(type_)):
        return t.Literal(value)
    return without_none(type_)


def excluded(type_: t.Type, values: list[Any]) -> t.Type:
    """Return the type of a ``type_`` that is equal to none of the constants."""
    rest = [
        option
        for option in options_of(type_)
        if not (isinstance(option, t.NoneType) and any(v is None for v in values))
        and not (isinstance(option, t.Literal) and option.value in values)
    ]
    return union(rest) if rest else type_


def _equal(left: ast.Expr, right: ast.Expr, type_of: TypeOf, constant_of: ConstantOf) -> Outcome:
    for side, other in ((left, right), (right, left)):
        path = path_of(side)
        known, value = constant_of(other)
        if path is None or not known or isinstance(value, list | dict):
            continue
        type_ = type_of(side)
        if disjoint(type_, of_value(value)):
            return NOTHING  # reported as a comparison that is never true
        return Outcome({path: narrowed(type_, value)}, {path: excluded(type_, [value])})
    return NOTHING


def _among(
    item: ast.Expr, items: tuple[ast.Expr, ...], type_of: TypeOf, constant_of: ConstantOf
) -> Outcome:
    path = path_of(item)
    constants = [constant_of(element) for element in items]
    if path is None or not items or not all(known for known, _ in constants):
        return NOTHING
    values = [value for _, value in constants]
    if not all(isinstance(value, str) for value in values):
        return NOTHING
    type_ = type_of(item)
    if not is_text(without_none(type_)):
        return NOTHING
    possible = [literal for v in values if not disjoint(type_, literal := t.Literal(v))]
    return Outcome({path: union(possible)} if possible else {}, {path: excluded(type_, values)})


def _both(parts: list[Facts]) -> Facts:
    return {path: fact for part in parts for path, fact in part.items()}


def _either(parts: list[Facts]) -> Facts:
    facts = dict(parts[0])
    for part in parts[1:]:
        facts = {path: join(fact, part[path]) for path, fact in facts.items() if path in part}
    return facts
