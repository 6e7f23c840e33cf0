"""Values of expressions that are known while a function is lowered.

A module-level name counts as known: whoever keeps what was made of it looks before each run whether
the name still means the same.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from sglc.compiler.python.guard import MAX_ITEMS
from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.source import MISSING, FunctionSource

_ALLOWED: Final = (
    ast.Constant, ast.Name, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.JoinedStr,
    ast.FormattedValue, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Subscript,
    ast.Slice, ast.Attribute, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop,
)  # fmt: skip
_SAFE: Final = (str, int, float, bool, len, repr, min, max, abs, list, tuple, range, sorted)
"""Built-ins that a constant may call."""


def constant(
    node: ast.expr,
    source: FunctionSource,
    known: Callable[[ast.Name], Any],
    outer: Callable[[ast.expr], object],
) -> Any:
    """Return the value of an expression that needs no run.

    ``known`` gives the values of locals, ``outer`` those of names outside, and of attributes.

    Raises:
        NotConstant: a local is not known yet.
        Unsupported: the expression may do anything.
    """
    names: dict[str, Any] = {}
    calls = _safe_calls(node, source)
    made = _Replace(source, known, outer, names).visit(copy.deepcopy(node))
    for inner in ast.walk(made):
        if not isinstance(inner, _ALLOWED) and not (calls and isinstance(inner, ast.Call)):
            raise Unsupported(f"the graph needs the value of `{ast.unparse(node)}`", node)
    for value in names.values():
        if isinstance(value, list | tuple | dict | set | frozenset) and len(value) > MAX_ITEMS:
            raise Unsupported("it has too many items to be a part of the graph", node)
    expression = ast.fix_missing_locations(ast.Expression(made))
    try:
        return eval(compile(expression, source.file, "eval"), {"__builtins__": {}}, names)
    except Exception as error:
        raise Unsupported(f"it raises {type(error).__name__}: {error}", node) from None


def _safe_calls(node: ast.expr, source: FunctionSource) -> bool:
    """Whether all calls in an expression are of built-ins that only compute."""
    calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    return all(
        isinstance(call.func, ast.Name)
        and not call.keywords
        and any(source.resolve_node(call.func) is each for each in _SAFE)
        for call in calls
    )


class _Replace(ast.NodeTransformer):
    """Give names and attributes of modules stand-ins whose values are known."""

    def __init__(
        self,
        source: FunctionSource,
        known: Callable[[ast.Name], Any],
        outer: Callable[[ast.expr], object],
        names: dict[str, Any],
    ) -> None:
        self.source = source
        self.known = known
        self.outer = outer
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.source.locals:
            return self.named(self.known(node), node)
        found = self.outer(node)
        if found is MISSING:
            raise Unsupported(f"`{node.id}` is not there", node)
        return self.named(found, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        found = self.outer(node)
        if found is MISSING:
            raise Unsupported(f"the graph needs the value of `{ast.unparse(node)}`", node)
        return self.named(found, node)

    def named(self, value: Any, node: ast.expr) -> ast.expr:
        name = f"_{len(self.names)}"
        self.names[name] = value
        return ast.copy_location(ast.Name(name, ast.Load()), node)


def fold(
    node: ast.expr,
    values: Mapping[str, object],
    source: FunctionSource,
    outer: Callable[[ast.expr], object],
) -> object:
    """Return the value of arithmetic and formatting of known scalars, or ``MISSING``.

    ``values`` are the locals that are known, by name; ``outer`` gives what built-ins mean.
    """
    calls = _safe_calls(node, source)
    names = dict(values)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and calls and isinstance(inner.func, ast.Name):
            names[inner.func.id] = outer(inner.func)
        elif not isinstance(inner, _ALLOWED) or isinstance(inner, ast.Attribute):
            return MISSING
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id not in names:
            return MISSING
        if isinstance(inner, ast.BinOp) and isinstance(
            inner.op, ast.Pow | ast.LShift | ast.MatMult
        ):
            return MISSING
    try:
        expression = ast.fix_missing_locations(ast.Expression(copy.deepcopy(node)))
        value = eval(compile(expression, "<constant>", "eval"), {"__builtins__": {}}, names)
    except Exception:  # what it raises, it is to raise when the function runs
        return MISSING
    if isinstance(value, str) and len(value) > 1 << 16:
        return MISSING
    return value
