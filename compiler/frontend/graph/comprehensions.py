"""``[element for x in xs if condition]``: a filter and a map, or a loop where order matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Checked
from sglc.compiler.frontend.graph.emitter import type_of
from sglc.compiler.frontend.graph.regions import Arm, Scope
from sglc.compiler.frontend.graph.scan import EFFECT, LIST, has_effect
from sglc.compiler.frontend.graph.types import item_type, value_type
from sglc.compiler.ir.op import Operand, Region

Evaluate = Callable[[ast.Expr], Operand]


def comprehension(
    expr: ast.ListComp, checked: Checked, scope: Scope, evaluate: Evaluate
) -> Operand:
    """Emit a list comprehension; its elements are made at once, unless one has an effect."""
    parts = (expr.element, expr.condition)
    if any(has_effect(checked, part) for part in parts if part is not None):
        return _in_order(expr, checked, scope, evaluate)
    items = evaluate(expr.iterable)
    if expr.condition is not None:
        region = _turn(expr, items, expr.condition, scope, evaluate)
        items = scope.emitter.emit(
            "filter", items, results=[("kept", type_of(items))], regions=[region], span=expr.span
        )[0]
    region = _turn(expr, items, expr.element, scope, evaluate)
    result = ("list", value_type(checked.type_of(expr)))
    return scope.emitter.emit("map", items, results=[result], regions=[region], span=expr.span)[0]


def _turn(
    expr: ast.ListComp, items: Operand, body: ast.Expr, scope: Scope, evaluate: Evaluate
) -> Region:
    param = scope.emitter.value(expr.var.value, item_type(type_of(items)))

    def write() -> Sequence[Operand]:
        scope.names[expr.var.value] = param
        return [evaluate(body)]

    return scope.region("body", [param], write, span=expr.span)


def _in_order(expr: ast.ListComp, checked: Checked, scope: Scope, evaluate: Evaluate) -> Operand:
    """Effects keep their order, so the elements are made one after the other."""
    items = evaluate(expr.iterable)
    result, type_ = f"{LIST}{expr.span}", value_type(checked.type_of(expr))
    scope.names[result] = scope.emitter.one("list", type_, "list")

    def append() -> Sequence[Operand]:
        one = scope.emitter.one("list", type_, "list", evaluate(expr.element))
        whole = scope.names[result]
        scope.names[result] = scope.emitter.one("list", type_, "arith", whole, one, op="+")
        return ()

    def turn() -> Sequence[Operand]:
        if expr.condition is None:
            return append()
        arms = [Arm("do", append), Arm("else", lambda: ())]
        scope.alternatives("if", [evaluate(expr.condition)], arms, [EFFECT, result], span=expr.span)
        return ()

    scope.loop(
        "for", [items], [EFFECT, result], turn,
        turn=[(expr.var.value, item_type(type_of(items)))], span=expr.span,
    )  # fmt: skip
    return scope.names.pop(result)
