"""Expressions of which a part may not be evaluated: ``a if c else b``, ``try``, ``a and b``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Checked
from sglc.compiler.frontend.graph.regions import Arm, Scope
from sglc.compiler.frontend.graph.scan import STREAM, assigned_by
from sglc.compiler.frontend.graph.types import value_type
from sglc.compiler.ir.op import Literal, Operand
from sglc.compiler.ir.values import BOOL

How = Callable[[ast.Expr, str], Operand]


@dataclass(frozen=True, slots=True)
class Choices:
    """Emits regions for the parts. ``evaluate`` makes the value of an expression."""

    checked: Checked
    scope: Scope
    evaluate: How

    def ternary(self, expr: ast.Ternary, name: str, how: How | None = None) -> Operand:
        """Emit ``then if condition else otherwise``; ``how`` may say the value besides."""
        test = self.evaluate(expr.condition, "")
        arms = (("do", expr.then), ("else", expr.otherwise))
        return self._either("if", [test], arms, expr, name, how)

    def attempt(self, expr: ast.Try, name: str, how: How | None = None) -> Operand:
        """Emit ``try value else fallback``."""
        arms = (("body", expr.value), ("else", expr.fallback))
        return self._either("try", [], arms, expr, name, how)

    def short_circuit(self, expr: ast.And | ast.Or) -> Operand:
        """``a and b``: b is looked at only when it decides, so that it may rely on a."""
        first, *rest = expr.operands
        value = self.evaluate(first, "")
        for operand in rest:
            value = self._pair(expr, value, operand, isinstance(expr, ast.Or))
        return value

    def _either(
        self,
        op: str,
        args: Sequence[Operand],
        parts: Sequence[tuple[str, ast.Expr]],
        expr: ast.Ternary | ast.Try,
        name: str,
        how: How | None,
    ) -> Operand:
        evaluate = how or self.evaluate

        def arm(label: str, part: ast.Expr) -> Arm:
            return Arm(label, lambda: [evaluate(part, name)])

        written = assigned_by(self.checked, *(part for _, part in parts))
        if how is not None and STREAM not in written:
            written.insert(0, STREAM)
        extra = [(name or "value", value_type(self.checked.type_of(expr)))]
        return self.scope.alternatives(
            op, args, [arm(*part) for part in parts], written, extra=extra, span=expr.span
        )[0]

    def _pair(
        self, expr: ast.And | ast.Or, left: Operand, right: ast.Expr, stop_at: bool
    ) -> Operand:
        if isinstance(right, ast.Var | ast.Bool):
            op, value = "or" if stop_at else "and", self.evaluate(right, "")
            return self.scope.emitter.one("go", BOOL, op, left, value, span=expr.span)

        def decided() -> Sequence[Operand]:
            return [Literal(stop_at)]

        def undecided() -> Sequence[Operand]:
            return [self.evaluate(right, "")]

        bodies = (decided, undecided) if stop_at else (undecided, decided)
        return self.scope.alternatives(
            "if",
            [left],
            [Arm("do", bodies[0]), Arm("else", bodies[1])],
            assigned_by(self.checked, right),
            extra=[("go", BOOL)],
            span=expr.span,
        )[0]
