"""Values known before the program runs: ``let``, ``config``, defaults, rows of a batch.

Operations are those of ``compiler.plan.data``, so a constant is what the run would have computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.diagnostics.diagnostic import Diagnostic
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.builtins import FORMS
from sglc.compiler.frontend.sema.loading import load_text
from sglc.compiler.frontend.sema.program import (
    Broken,
    Entity,
    FnEntity,
    LetEntity,
    Module,
    Namespace,
    Program,
)
from sglc.compiler.plan import data
from sglc.compiler.plan.values import get_item, get_slice

_MAX_DEPTH = 64
_MAX_STEPS = 50_000
_MAX_RANGE = 100_000


class _NotConstant(Exception):
    """The value is known only when the program runs, or had an error that was reported."""


class _Failed(Exception):
    def __init__(self, expr: ast.Expr, reason: str) -> None:
        super().__init__(reason)
        self.expr = expr
        self.reason = reason


class ConstantReader:
    """Evaluates expressions over the constants of one module."""

    def __init__(self, program: Program, module: Module) -> None:
        self._program = program
        self._module = module
        self._steps = 0
        self._depth = 0

    def read(self, expr: ast.Expr) -> tuple[bool, Any]:
        """Return (True, value), or (False, None) after reporting why there is no value."""
        self._steps = 0
        try:
            return True, self.value(expr, {})
        except RecursionError:
            self._program.report(faults.constant_failed(expr.span, "it nests too deeply"))
        except _Failed as failure:
            self._program.report(faults.constant_failed(failure.expr.span, failure.reason))
        except _NotConstant as reason:
            if reason.args:
                self._program.report(self._not_constant(reason.args[0]))
        return False, None

    def _not_constant(self, expr: ast.Expr) -> Diagnostic:
        name = expr.callee if isinstance(expr, ast.Call) else expr
        if isinstance(name, ast.Var) and name.name not in {*self._module.names, *FORMS}:
            candidates = [*self._module.names, *data.BUILTINS]
            return codes.undefined_name(name.span, name.name, candidates)
        return faults.not_constant(expr.span)

    def peek(self, expr: ast.Expr, hidden: Mapping[str, object]) -> tuple[bool, Any]:
        """Like ``read`` but silent; names in ``hidden`` are variables."""
        self._steps = 0
        try:
            return True, self.value(expr, dict.fromkeys(hidden, _NotConstant))
        except (_Failed, _NotConstant, RecursionError):
            return False, None

    def value(self, expr: ast.Expr, names: Mapping[str, Any]) -> Any:
        """Evaluate; ``names`` are the values of names that hide the module's.

        Raises:
            _Failed: the operation has no result.
            _NotConstant: the value is not known; with the place, unless that was reported.
        """
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise _Failed(expr, "computing this takes too long")
        try:
            return self._value(expr, names)
        except data.DataError as error:
            raise _Failed(expr, str(error)) from None

    def _value(self, expr: ast.Expr, names: Mapping[str, Any]) -> Any:
        match expr:
            case ast.Int(value=value) | ast.Float(value=value) | ast.Bool(value=value):
                return value
            case ast.NoneLiteral():
                return None
            case ast.Text(parts=parts):
                return "".join(
                    part.value
                    if isinstance(part, ast.TextChunk)
                    else data.format_value(self.value(self._unnamed(part), names))
                    for part in parts
                )
            case ast.Var(name=name):
                return self._named(name, expr, names)
            case ast.List(items=items):
                return [self.value(item, names) for item in items]
            case ast.Record(pairs=pairs):
                return {pair.key.value: self.value(pair.value, names) for pair in pairs}
            case ast.Attr(value=ast.Var(name=owner), name=name) if owner not in names and (
                isinstance(space := self._module.names.get(owner), Namespace)
            ):
                return self._entity(_member(space, name.value), expr)
            case ast.Attr(value=value, name=name):
                return data.get_field(self.value(value, names), name.value)
            case ast.Index(value=value, index=index):
                return get_item(self.value(value, names), self.value(index, names))
            case ast.Slice(value=value, start=start, stop=stop):
                ends = [None if end is None else self.value(end, names) for end in (start, stop)]
                return get_slice(self.value(value, names), *ends)
            case ast.Call():
                return self._call(expr, names)
            case ast.ListComp():
                return self._comprehension(expr, names)
        return self._operator(expr, names)

    def _operator(self, expr: ast.Expr, names: Mapping[str, Any]) -> Any:
        match expr:
            case ast.Unary(op=op, operand=operand):
                value = self.value(operand, names)
                return data.evaluate("neg", (value,), {}, {}) if op == "-" else value
            case ast.Binary(op=op, left=left, right=right):
                pair = self.value(left, names), self.value(right, names)
                return data.evaluate("arith", pair, {}, {"op": op})
            case ast.Range(first=first, last=last):
                pair = self.value(first, names), self.value(last, names)
                if all(isinstance(end, int) for end in pair) and pair[1] - pair[0] > _MAX_RANGE:
                    raise _Failed(expr, "the range is too long to be a constant")
                return data.evaluate("range", pair, {}, {})
            case ast.Compare(op=compare, left=left, right=right):
                pair = self.value(left, names), self.value(right, names)
                return data.evaluate("cmp", pair, {}, {"op": compare})
            case ast.In(item=item, container=container) | ast.NotIn(item=item, container=container):
                pair = self.value(item, names), self.value(container, names)
                return data.evaluate("in", pair, {}, {}) == isinstance(expr, ast.In)
            case ast.Not(operand=operand):
                return not data.truth(self.value(operand, names))
            case ast.And(operands=operands) | ast.Or(operands=operands):
                result: Any = None
                for operand in operands:
                    result = self.value(operand, names)
                    if data.truth(result) == isinstance(expr, ast.Or):
                        break
                return result
            case ast.Ternary(condition=condition, then=then, otherwise=otherwise):
                chosen = then if data.truth(self.value(condition, names)) else otherwise
                return self.value(chosen, names)
            case ast.Try(value=value, fallback=fallback):
                try:
                    return self.value(value, names)
                except _Failed:
                    return self.value(fallback, names)
        raise _NotConstant(expr)

    def _named(self, name: str, expr: ast.Expr, names: Mapping[str, Any]) -> Any:
        if name in names:
            value = names[name]
            if value is _NotConstant:
                raise _NotConstant(expr)
            return value
        return self._entity(self._module.names.get(name), expr)

    def _entity(self, entity: Entity | None, expr: ast.Expr) -> Any:
        if entity is not None:
            entity.used = True
        if isinstance(entity, LetEntity):
            evaluate_let(self._program, entity)
            if entity.has_value:
                return entity.value
            if entity.state == "busy":
                raise _Failed(expr, f"`{entity.name}` is defined by itself")
            raise _NotConstant
        if isinstance(entity, Broken) or (isinstance(entity, Namespace) and entity.names is None):
            raise _NotConstant
        raise _NotConstant(expr)

    def _call(self, call: ast.Call, names: Mapping[str, Any]) -> Any:
        callee: Entity | None = None
        match call.callee:
            case ast.Var(name=name) if name not in names:
                callee = self._module.names.get(name)
                if callee is None and name == "load":
                    return load_text(self._program, self._module, call, self)
                if callee is None and name in data.BUILTINS:
                    return self._builtin(name, call, names)
            case ast.Attr(value=ast.Var(name=owner), name=attr) if owner not in names:
                space = self._module.names.get(owner)
                if isinstance(space, Namespace):
                    callee = _member(space, attr.value)
        if isinstance(callee, Broken):
            raise _NotConstant
        if not isinstance(callee, FnEntity) or callee.module is None:
            raise _NotConstant(call)
        callee.used = True
        return self._apply(callee, call, names)

    def _builtin(self, name: str, call: ast.Call, names: Mapping[str, Any]) -> Any:
        args = [self.value(arg, names) for arg in call.args]
        by: list[str] | None = None
        kwargs: dict[str, Any] = {}
        for kwarg in call.kwargs:
            if isinstance(kwarg.value, ast.Selector):
                by = [part.value for part in kwarg.value.path]
            else:
                kwargs[kwarg.name.value] = self.value(kwarg.value, names)
        return data.apply_builtin(name, args, kwargs, by)

    def _apply(self, fn: FnEntity, call: ast.Call, names: Mapping[str, Any]) -> Any:
        assert fn.module is not None
        params = fn.decl.params
        bound = {
            param.name.value: self.value(arg, names)
            for param, arg in zip(params, call.args, strict=False)
        }
        bound |= {kwarg.name.value: self.value(kwarg.value, names) for kwarg in call.kwargs}
        inner = self if fn.module is self._module else ConstantReader(self._program, fn.module)
        for param in params:
            if param.name.value not in bound:
                if param.default is None:
                    raise _Failed(call, f"`{param.name.value}` is missing")
                bound[param.name.value] = inner.value(param.default, {})
        extra = set(bound) - {param.name.value for param in params}
        if extra or len(call.args) > len(params):
            raise _Failed(call, f"wrong arguments for `{fn.name}`")
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                raise _Failed(call, "computing this nests too deeply")
            return inner.value(fn.decl.body, bound)
        finally:
            self._depth -= 1

    def _comprehension(self, expr: ast.ListComp, names: Mapping[str, Any]) -> Any:
        items = self.value(expr.iterable, names)
        if not isinstance(items, list | tuple):
            raise _Failed(expr.iterable, f"{data.describe(items)} has no items")
        result = []
        for item in items:
            inner = {**names, expr.var.value: item}
            if expr.condition is None or data.truth(self.value(expr.condition, inner)):
                result.append(self.value(expr.element, inner))
        return result

    def _unnamed(self, hole: ast.Hole) -> ast.Expr:
        if hole.name is not None:
            raise _NotConstant(hole.expr)
        return hole.expr


def evaluate_let(program: Program, entity: LetEntity) -> None:
    """Compute a ``let`` once; while it is being computed it has no value."""
    if entity.state != "new" or entity.module is None:
        return
    entity.state = "busy"
    known, value = ConstantReader(program, entity.module).read(entity.decl.value)
    entity.has_value, entity.value, entity.state = known, value, "done"


def _member(space: Namespace, name: str) -> Entity | None:
    space.used = True
    if space.names is None:
        raise _NotConstant
    return space.names.get(name)
