"""Types of operators: arithmetic, comparisons, logic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sglc.compiler.diagnostics import codes
from sglc.compiler.diagnostics.diagnostic import Label
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.body import Body
from sglc.compiler.frontend.sema.types import (
    ANY,
    BOOL,
    INT,
    NUMBER,
    STR,
    disjoint,
    element,
    is_int,
    is_number,
    is_text,
    is_unknown,
    join,
    literal_values,
    show,
)
from sglc.compiler.frontend.static_types import BranchType
from sglc.constraints import types as t

if TYPE_CHECKING:
    from sglc.compiler.frontend.sema.exprs import Exprs


class Operators:
    """Checks the operators of one body."""

    def __init__(self, body: Body, exprs: Exprs) -> None:
        self._body = body
        self._exprs = exprs

    def check(self, expr: ast.Expr) -> t.Type:
        """Return the type of an operation."""
        match expr:
            case ast.Unary(op=op, operand=operand):
                return self._unary(op, operand)
            case ast.Binary():
                return self._binary(expr)
            case ast.Range(first=first, last=last):
                return self._range(first, last)
            case ast.Compare():
                return self._compare(expr)
            case ast.In(item=item, container=container) | ast.NotIn(item=item, container=container):
                return self._contains(item, container)
            case ast.Not(operand=operand):
                self._exprs.condition(operand)
                return BOOL
            case ast.And(operands=operands):
                return self._logic(operands, when=True)
            case ast.Or(operands=operands):
                return self._logic(operands, when=False)
        raise AssertionError(f"not an expression: {type(expr).__name__}")

    def _unary(self, op: str, operand: ast.Expr) -> t.Type:
        type_ = self._exprs.present(operand)
        if not is_number(type_):
            self._body.report(faults.wrong_operand(operand.span, op, show(type_), "a number"))
            return ANY
        match type_:
            case t.Int(lo=lo, hi=hi) if op == "-":
                return t.Int(None if hi is None else -hi, None if lo is None else -lo)
        return type_

    def _binary(self, expr: ast.Binary) -> t.Type:
        left, right = self._exprs.present(expr.left), self._exprs.present(expr.right)
        if expr.op == "+":
            return self._plus(expr, left, right)
        for operand, type_ in ((expr.left, left), (expr.right, right)):
            if not is_number(type_):
                fault = faults.wrong_operand(operand.span, expr.op, show(type_), "numbers")
                self._body.report(fault)
                return ANY
        if is_unknown(left) or is_unknown(right):
            return ANY
        return INT if is_int(left) and is_int(right) and expr.op != "/" else NUMBER

    def _plus(self, expr: ast.Binary, left: t.Type, right: t.Type) -> t.Type:
        if is_unknown(left) or is_unknown(right):
            return ANY
        if is_number(left) and is_number(right):
            return INT if is_int(left) and is_int(right) else NUMBER
        if is_text(left) and is_text(right):
            return STR
        match left, right:
            case t.List(item=a, max=0), t.List(item=b):
                return t.List(b)
            case t.List(item=a), t.List(item=b, max=limit):
                return t.List(a if limit == 0 else join(a, b))
        wanted = "two numbers, two texts or two lists"
        culprit, found = (expr.right, right) if _adds(left) else (expr.left, left)
        self._body.report(faults.wrong_operand(culprit.span, "+", show(found), wanted))
        return ANY

    def _range(self, first: ast.Expr, last: ast.Expr) -> t.Type:
        ends = []
        for end in (first, last):
            type_ = self._exprs.present(end)
            if not is_int(type_):
                self._body.report(faults.wants(end.span, "an integer", show(type_)))
                type_ = INT
            ends.append(type_ if isinstance(type_, t.Int) else INT)
        low, high = ends
        count = 0
        if low.lo is not None and low.lo == low.hi and high.lo is not None:
            count = max(high.lo - low.lo + 1, 0)
        exact = high.lo is not None and high.lo == high.hi and low.lo == low.hi is not None
        return t.List(t.Int(low.lo, high.hi), count, count if exact else None)

    def _compare(self, expr: ast.Compare) -> t.Type:
        left, right = self._exprs.check(expr.left), self._exprs.check(expr.right)
        if expr.op in ("==", "!="):
            if disjoint(left, right):
                self._never_equal(expr, left, right)
            return BOOL
        left = self._exprs.require_present(expr.left, left)
        right = self._exprs.require_present(expr.right, right)
        if not (is_number(left) and is_number(right)) and not (is_text(left) and is_text(right)):
            wanted = "two numbers or two texts"
            bad = (
                (expr.left, left) if not (is_number(left) or is_text(left)) else (expr.right, right)
            )
            fault = faults.wrong_operand(bad[0].span, expr.op, show(bad[1]), wanted)
            if not isinstance(left, t.List):
                self._body.report(fault)
        return BOOL

    def _never_equal(self, expr: ast.Compare, left: t.Type, right: t.Type) -> None:
        if expr.op == "!=":
            self._body.report(codes.constant_condition(expr.span, True))
            return
        culprit, domain, other = expr.right, left, expr.left
        if isinstance(right, t.Union) and not isinstance(left, t.Union):
            culprit, domain, other = expr.left, right, expr.right
        known, value = self._exprs.peek(culprit)
        self._never(culprit, value if known else None, domain, other)

    def _never(self, culprit: ast.Expr, value: object, domain: t.Type, other: ast.Expr) -> None:
        values = literal_values(domain) or ()
        candidates = [choice for choice in values if isinstance(choice, str)]
        self._body.report(
            codes.never_true(
                culprit.span,
                value if isinstance(value, str) else culprit.span.text,
                "the choices" if candidates else f"`{show(domain)}`",
                source=Label(other.span, f"{other.span.text}: {show(domain)}"),
                candidates=candidates,
            )
        )

    def _contains(self, item: ast.Expr, container: ast.Expr) -> t.Type:
        left, right = self._exprs.check(item), self._exprs.present(container)
        inner = element(right)
        if inner is not None:
            empty = isinstance(right, t.List) and right.max == 0
            if not empty and disjoint(left, inner):
                known, value = self._exprs.peek(item)
                if isinstance(container, ast.List):
                    self._never(container, None, left, item)
                else:
                    self._never(item, value if known else None, inner, container)
        elif is_text(right):
            if not is_text(self._exprs.require_present(item, left)):
                self._body.report(faults.wants(item.span, "a text", show(left)))
        elif not isinstance(right, t.Record | BranchType):
            self._body.report(faults.wants(container.span, "a list or a text", show(right)))
        return BOOL

    def _logic(self, operands: Sequence[ast.Expr], *, when: bool) -> t.Type:
        """Check ``and`` (``when`` an operand holds, the next is tested) or ``or``."""
        before = self._body.env
        for operand in operands:
            facts = self._exprs.condition(operand)
            self._body.env = self._body.env.learn(facts.true if when else facts.false)
        self._body.env = before
        return BOOL


def _adds(type_: t.Type) -> bool:
    return is_number(type_) or is_text(type_) or isinstance(type_, t.List)
