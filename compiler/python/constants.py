"""Values of expressions that are known while a function is lowered.

A module-level name counts as known: whoever keeps what was made of it checks the ``Guard`` before
each run that the name still means the same.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.source import MISSING, FunctionSource

_MAX_ITEMS: Final = 4096
_ALLOWED: Final = (
    ast.Constant, ast.Name, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.JoinedStr,
    ast.FormattedValue, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Subscript,
    ast.Slice, ast.Attribute, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop,
)  # fmt: skip
_SAFE: Final = (str, int, float, bool, len, repr, min, max, abs, list, tuple, range, sorted)
"""Built-ins that a constant may call."""
_PURE_TYPES: Final = (str, int, float, bool, bytes, type(None))


@dataclass(slots=True)
class Guard:
    """What names outside of the function meant: texts and numbers by value, else by identity."""

    seen: list[tuple[FunctionSource, ast.expr, object]] = field(default_factory=list)

    def see(self, source: FunctionSource, node: ast.expr) -> object:
        """Return what a name or an attribute of a module means, and remember it."""
        found = source.resolve_node(node)
        if found is not MISSING:
            kept = copy.deepcopy(found) if isinstance(found, list | dict | set) else found
            self.seen.append((source, node, kept))
        return found

    def holds(self) -> bool:
        """Whether all of it still means the same."""
        return all(_same(source.resolve_node(node), kept) for source, node, kept in self.seen)


def _same(found: object, kept: object) -> bool:
    if found is kept:
        return True
    is_data = type(found) is type(kept) and isinstance(found, (*_PURE_TYPES, list, dict, set))
    return is_data and repr(found) == repr(kept)


def constant(
    node: ast.expr, source: FunctionSource, known: Callable[[ast.Name], Any], guard: Guard
) -> Any:
    """Return the value of an expression that needs no run; ``known`` gives those of locals.

    Raises:
        NotConstant: a local is not known yet.
        Unsupported: the expression may do anything.
    """
    names: dict[str, Any] = {}
    calls = _safe_calls(node, source)
    made = _Replace(source, known, guard, names).visit(copy.deepcopy(node))
    for inner in ast.walk(made):
        if not isinstance(inner, _ALLOWED) and not (calls and isinstance(inner, ast.Call)):
            raise Unsupported(f"the graph needs the value of `{ast.unparse(node)}`", node)
    for value in names.values():
        if isinstance(value, list | tuple | dict | set | frozenset) and len(value) > _MAX_ITEMS:
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
        guard: Guard,
        names: dict[str, Any],
    ) -> None:
        self.source = source
        self.known = known
        self.guard = guard
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.source.locals:
            return self.named(self.known(node), node)
        found = self.guard.see(self.source, node)
        if found is MISSING:
            raise Unsupported(f"`{node.id}` is not there", node)
        return self.named(found, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        found = self.guard.see(self.source, node)
        if found is MISSING:
            raise Unsupported(f"the graph needs the value of `{ast.unparse(node)}`", node)
        return self.named(found, node)

    def named(self, value: Any, node: ast.expr) -> ast.expr:
        name = f"_{len(self.names)}"
        self.names[name] = value
        return ast.copy_location(ast.Name(name, ast.Load()), node)


def fold(node: ast.expr, values: Mapping[str, object], source: FunctionSource) -> object:
    """Return the value of arithmetic and formatting of known scalars, or ``MISSING``.

    ``values`` are the locals that are known, by name.
    """
    calls = _safe_calls(node, source)
    names = dict(values)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and calls and isinstance(inner.func, ast.Name):
            names[inner.func.id] = source.resolve(inner.func.id)
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
