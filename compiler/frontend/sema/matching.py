"""The cases of a ``match``: which values they cover, and what they tell of the subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.conditions import Facts, excluded, narrowed, path_of
from sglc.compiler.frontend.sema.types import (
    disjoint,
    literal_values,
    of_value,
    show,
    union,
)
from sglc.constraints import types as t
from sglc.constraints.quoting import quote_text, quote_value

if TYPE_CHECKING:
    from sglc.compiler.frontend.sema.exprs import Exprs


class Subject:
    """What a ``match`` looks at; cases are taken in order."""

    def __init__(self, exprs: Exprs, expr: ast.Expr) -> None:
        self._exprs = exprs
        self._path = path_of(expr)
        self._type = exprs.check(expr)
        self._domain = literal_values(self._type)
        self._covered: list[Any] = []

    def case(self, case: ast.Case) -> Facts:
        """Check the values of a case and return what holds in it."""
        found: list[t.Type] = []
        for expr in case.values:
            self._exprs.check(expr)
            known, value = self._exprs.peek(expr)
            if not known or isinstance(value, list | dict):
                self._exprs.body.report(faults.not_constant(expr.span))
                continue
            self._value(expr, value)
            self._covered.append(value)
            if not disjoint(of_value(value), self._type):
                found.append(narrowed(self._type, value))
        if self._path is None or not found:
            return {}
        return {self._path: union(found)}

    def rest(self) -> Facts:
        """Return what holds when no case applies."""
        if self._path is None:
            return {}
        return {self._path: excluded(self._type, self._covered)}

    def is_covered(self, stmt: ast.Match) -> bool:
        """Whether the cases cover every value; missing choices are reported."""
        if self._domain is None:
            return False
        missing = [v for v in self._domain if not _is_among(v, self._covered)]
        if missing:
            span = stmt.span.file.span(stmt.span.start, stmt.subject.span.end)
            names = [quote_value(value) for value in missing]
            self._exprs.body.report(codes.match_not_exhaustive(span, names))
        return not missing

    def _value(self, expr: ast.Expr, value: Any) -> None:
        repeated = _is_among(value, self._covered)
        if not repeated and not disjoint(of_value(value), self._type):
            return
        texts = [v for v in self._domain or () if isinstance(v, str)]
        domain = "handled by a case above" if repeated else f"`{show(self._type)}`"
        self._exprs.body.report(
            codes.case_outside_domain(
                expr.span,
                quote_value(value),
                domain,
                [] if repeated else [quote_text(text) for text in texts],
            )
        )


def _is_among(value: Any, values: list[Any]) -> bool:
    return any(value == other and type(value) is type(other) for other in values)
