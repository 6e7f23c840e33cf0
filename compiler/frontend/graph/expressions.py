"""Expressions become data ops; a model call writes into the stream where it is evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import (
    Builtin,
    Checked,
    FnInfo,
    ParamInfo,
    PromptInfo,
    ToolInfo,
)
from sglc.compiler.frontend.graph.calls import ModelCalls
from sglc.compiler.frontend.graph.choices import Choices
from sglc.compiler.frontend.graph.comprehensions import comprehension
from sglc.compiler.frontend.graph.emitter import type_of
from sglc.compiler.frontend.graph.regions import NOTHING, Scope
from sglc.compiler.frontend.graph.scan import (
    EFFECT,
    PROBS,
    STREAM,
    calls,
    is_effectful,
    is_model_call,
    writes_text,
)
from sglc.compiler.frontend.graph.types import value_type
from sglc.compiler.frontend.static_types import GroupType
from sglc.compiler.ir.op import AttrValue, Literal, Operand, Symbol, Value
from sglc.compiler.ir.values import (
    ANY,
    BOOL,
    INT,
    STR,
    ValueType,
    list_of,
)
from sglc.compiler.ir.values import EFFECT as EFFECT_TYPE
from sglc.compiler.ir.values import STREAM as STREAM_TYPE
from sglc.constraints import types as t


class Expressions:
    """Evaluates expressions of one function. ``scope`` is what the names mean."""

    def __init__(self, checked: Checked, scope: Scope, model_calls: ModelCalls) -> None:
        self._checked = checked
        self._scope = scope
        self._emitter = scope.emitter
        self._model_calls = model_calls
        self._fixed: dict[int, Operand] = {}
        self._choices = Choices(checked, scope, self.evaluate)

    def evaluate(self, expr: ast.Expr, name: str = "") -> Operand:
        """Emit what computes ``expr`` and return its value; ``name`` is the name it is bound to."""
        constant = self._checked.constant(expr)
        if constant is not None:
            return self.constant(constant.value)
        if id(expr) in self._fixed:
            return self._fixed[id(expr)]
        match expr:
            case ast.Text():
                return self._text(expr)
            case ast.Int(value=value) | ast.Float(value=value) | ast.Bool(value=value):
                return Literal(value)
            case ast.NoneLiteral():
                return NOTHING
            case ast.Regex(pattern=pattern):
                return Literal(pattern)
            case ast.Var(name=variable):
                return self._narrowed(expr, self._scope.names[variable])
            case ast.List(items=items):
                return self._make_list(expr, [self.evaluate(item) for item in items])
            case ast.Record(pairs=pairs):
                values = {pair.key.value: self.evaluate(pair.value) for pair in pairs}
                type_ = self._checked.type_of(expr)
                assert isinstance(type_, t.Record)
                left_out = [f for f in type_.fields if f.name not in values]
                values |= {field.name: self.constant(field.default) for field in left_out}
                return self._emitter.emit(
                    "record",
                    results=[(name or "record", self._type(expr))],
                    kwargs=values,
                    span=expr.span,
                )[0]
            case ast.Attr(value=value, name=field):
                return self._field(expr, self.evaluate(value), field.value)
            case ast.Index(value=value, index=index):
                return self._index(expr, value, index)
            case ast.Slice():
                return self._slice(expr)
            case ast.ListComp():
                return comprehension(expr, self._checked, self._scope, self.evaluate)
            case ast.Call():
                return self._call(expr, name)
            case ast.Ternary():
                return self._choices.ternary(expr, name)
            case ast.Try():
                return self._choices.attempt(expr, name)
            case ast.And() | ast.Or():
                return self._choices.short_circuit(expr)
        return self._operator(expr)

    def say(self, expr: ast.Expr, name: str = "") -> Operand:
        """Append the value of ``expr`` to the stream and return it.

        What a model call writes is in the stream already and is not said again.
        """
        if isinstance(expr, ast.Text) and not name:
            self._say_text(expr)
            return NOTHING
        if writes_text(self._checked, expr):
            if isinstance(expr, ast.Ternary):
                return self._choices.ternary(expr, name, self.say)
            if isinstance(expr, ast.Try):
                return self._choices.attempt(expr, name, self.say)
            return self.evaluate(expr, name)
        callee = self._checked.callee(expr) if isinstance(expr, ast.Call) else None
        if isinstance(callee, Builtin) and callee.name == "special":
            assert isinstance(expr, ast.Call)
            self._put(self.evaluate(expr.args[0]), expr, special=True)
            return NOTHING
        value = self.evaluate(expr, name)
        if isinstance(self._checked.type_of(expr), t.Image | t.Video):
            self._scope.names[STREAM] = self._emitter.one(
                "s", STREAM_TYPE, "media", self._scope.stream, value, span=expr.span
            )
        else:
            self._put(value, expr)
        return value

    def fix(self, options: Iterable[ast.Expr], body: Iterable[ast.Stmt]) -> None:
        """Evaluate the options of a block before it: its model calls all take the same values."""
        used = {
            id(value)
            for stmt in body
            for call in calls(stmt)
            if is_model_call(self._checked, call)
            for value in self._checked.gen(call).options.values()
        }
        for option in options:
            if id(option) in used:
                self._fixed.pop(id(option), None)  # a loop writes its body more than once
                self._fixed[id(option)] = self.evaluate(option)

    def constant(self, value: Any) -> Operand:
        """Return a known value as an operand; lists and records are built in place."""
        if isinstance(value, dict):
            return self._emitter.emit(
                "record",
                results=[("record", ANY)],
                kwargs={key: self.constant(item) for key, item in value.items()},
            )[0]
        if isinstance(value, list | tuple):
            items = tuple(self.constant(item) for item in value)
            return self._emitter.one("list", type_of(items), "list", *items)
        return Literal(value)

    def arguments(
        self, call: ast.Call, params: Sequence[ParamInfo]
    ) -> list[tuple[ParamInfo, Operand]]:
        """Evaluate the arguments in the order written and return them in that of the parameters."""
        given = self._given(call, params)
        return [(p, given[p.name] if p.name in given else self.constant(p.default)) for p in params]

    def _given(self, call: ast.Call, params: Sequence[ParamInfo]) -> dict[str, Operand]:
        """Evaluate the arguments that are written, by name."""
        given = dict(zip((p.name for p in params), map(self.evaluate, call.args), strict=False))
        return given | {kwarg.name.value: self.evaluate(kwarg.value) for kwarg in call.kwargs}

    def call_prompt(self, call: ast.Call, info: PromptInfo, *, include: bool = False) -> Operand:
        """Emit a call of a prompt: on a stream of its own, or continuing this one."""
        operands = [value for _, value in self.arguments(call, info.params)]
        results = [(info.decl.name.value, self._type(call))]
        args: list[Operand] = [Symbol(info.symbol), *operands]
        if include:
            results.insert(0, ("s", STREAM_TYPE))
            args.insert(0, self._scope.stream)
        site = {"rng": self._emitter.site()}
        values = self._with_effect("include" if include else "call", call, args, results, {}, site)
        if include:
            self._scope.names[STREAM] = values[0]
        return values[-1]

    def _with_effect(
        self,
        op: str,
        call: ast.Call,
        args: Sequence[Operand],
        results: Sequence[tuple[str, ValueType]],
        kwargs: dict[str, Operand],
        attrs: Mapping[str, AttrValue],
    ) -> tuple[Value, ...]:
        """Emit a call; one that may change the world takes its place in the chain of effects."""
        chained = is_effectful(self._checked, call)
        if chained:
            results = [("e", EFFECT_TYPE), *results]
            kwargs = {**kwargs, "after": self._scope.names.get(EFFECT, NOTHING)}
        values = self._emitter.emit(
            op,
            *args,
            results=results,
            kwargs=kwargs,
            attrs=attrs,
            span=call.span,
        )
        if chained:
            self._scope.names[EFFECT], *rest = values
            return tuple(rest)
        return values

    def _type(self, expr: ast.Expr) -> ValueType:
        return value_type(self._checked.type_of(expr))

    def _narrowed(self, expr: ast.Var, value: Operand) -> Operand:
        """The value of a name that may be none, where a test has shown that it is not."""
        known = self._type(expr)
        if not type_of(value).optional or known.optional or known.name in ("none", "any", "json"):
            return value
        return self._emitter.one(expr.name, known, "narrow", value, span=expr.span)

    def _put(self, value: Operand, place: ast.Node, *, special: bool = False) -> None:
        self._scope.names[STREAM] = self._emitter.emit(
            "put",
            self._scope.stream,
            value,
            results=[("s", STREAM_TYPE)],
            attrs={"special": True} if special else {},
            span=place.span,
        )[0]

    def _say_text(self, text: ast.Text) -> None:
        for part in text.parts:
            if isinstance(part, ast.TextChunk):
                self._put(Literal(part.value), part)
                continue
            name = part.name.value if part.name else ""
            value = self.say(part.expr, name)
            if name:
                self._scope.names[name] = value

    def _text(self, text: ast.Text) -> Operand:
        if text.value is not None:
            return Literal(text.value)
        parts: list[Operand] = []
        for part in text.parts:
            if isinstance(part, ast.TextChunk):
                parts.append(Literal(part.value))
                continue
            name = part.name.value if part.name else ""
            value = self.evaluate(part.expr, name)
            if name:
                self._scope.names[name] = value
            is_text = type_of(value) == STR
            parts.append(
                value
                if is_text
                else self._emitter.one("text", STR, "format", value, span=part.span)
            )
        if len(parts) == 1:
            return parts[0]
        return self._emitter.one("text", STR, "concat", *parts, span=text.span)

    def _make_list(self, expr: ast.Expr, items: list[Operand]) -> Operand:
        return self._emitter.one("list", self._type(expr), "list", *items, span=expr.span)

    def _field(self, expr: ast.Attr, value: Operand, name: str) -> Operand:
        return self._emitter.one(name, self._type(expr), "field", value, span=expr.span, name=name)

    def _index(self, expr: ast.Index, value: ast.Expr, index: ast.Expr) -> Operand:
        whole = self.evaluate(value)
        op = "pick" if isinstance(self._checked.type_of(value), GroupType) else "index"
        return self._emitter.one(
            "item", self._type(expr), op, whole, self.evaluate(index), span=expr.span
        )

    def _slice(self, expr: ast.Slice) -> Operand:
        whole = self.evaluate(expr.value)
        bounds = [NOTHING if b is None else self.evaluate(b) for b in (expr.start, expr.stop)]
        return self._emitter.one(
            "part", self._type(expr), "slice.list", whole, *bounds, span=expr.span
        )

    def _call(self, call: ast.Call, name: str) -> Operand:
        callee = self._checked.callee(call)
        match callee:
            case Builtin(name="gen"):
                return self._model_calls.gen(call, name, self.evaluate)
            case Builtin(name="select"):
                return self._model_calls.select(call, name, self.evaluate)
            case Builtin(name="probs"):
                (chosen,) = call.args
                assert isinstance(chosen, ast.Var)
                return self._scope.names[PROBS + chosen.name]
            case Builtin(name=builtin):
                return self._builtin(call, builtin)
            case PromptInfo():
                return self.call_prompt(call, callee)
            case FnInfo():
                operands = [value for _, value in self.arguments(call, callee.params)]
                return self._emitter.one(
                    callee.decl.name.value, self._type(call), "call",
                    Symbol(callee.symbol), *operands, span=call.span, rng=self._emitter.site(),
                )  # fmt: skip
            case ToolInfo():
                return self._tool(call, callee, name)
        raise AssertionError(f"a type is not a value: {call.span}")

    def _builtin(self, call: ast.Call, name: str) -> Operand:
        attrs: dict[str, Any] = {"fn": name}
        kwargs: dict[str, Operand] = {}
        for kwarg in call.kwargs:
            if isinstance(kwarg.value, ast.Selector):
                attrs[kwarg.name.value] = tuple(part.value for part in kwarg.value.path)
            else:
                kwargs[kwarg.name.value] = self.evaluate(kwarg.value)
        return self._emitter.emit(
            "apply",
            *map(self.evaluate, call.args),
            results=[(name, self._type(call))],
            kwargs=kwargs,
            attrs=attrs,
            span=call.span,
        )[0]

    def _tool(self, call: ast.Call, info: ToolInfo, name: str) -> Operand:
        kwargs = self._given(call, info.params)  # the host fills in its own defaults
        result = (info.symbol.rpartition(".")[2], self._type(call))
        # Who says that the answer does not matter asks for the failure.
        is_asked = name.startswith("_") and info.effect != "effectful"
        attrs = {"must": True} if is_asked else {}
        return self._with_effect("tool", call, [Symbol(info.symbol)], [result], kwargs, attrs)[0]

    def _operator(self, expr: ast.Expr) -> Operand:
        one, span = self._emitter.one, expr.span
        match expr:
            case ast.Unary(op="-", operand=operand):
                return one("neg", self._type(expr), "neg", self.evaluate(operand), span=span)
            case ast.Unary(operand=operand):
                return self.evaluate(operand)
            case ast.Not(operand=operand):
                return one("no", BOOL, "negate", self.evaluate(operand), span=span)
            case ast.Binary(op=op, left=left, right=right):
                a, b = self.evaluate(left), self.evaluate(right)
                return one("value", self._type(expr), "arith", a, b, span=span, op=op)
            case ast.Compare(op=op, left=left, right=right):
                a, b = self.evaluate(left), self.evaluate(right)
                return one("is", BOOL, "cmp", a, b, span=span, op=op)
            case ast.Range(first=first, last=last):
                a, b = self.evaluate(first), self.evaluate(last)
                return one("range", list_of(INT), "range", a, b, span=span)
            case ast.In(item=item, container=container):
                a, b = self.evaluate(item), self.evaluate(container)
                return one("has", BOOL, "in", a, b, span=span)
            case ast.NotIn(item=item, container=container):
                a, b = self.evaluate(item), self.evaluate(container)
                has = one("has", BOOL, "in", a, b, span=span)
                return one("no", BOOL, "negate", has, span=span)
        raise AssertionError(f"not a value: {type(expr).__name__} at {expr.span}")
