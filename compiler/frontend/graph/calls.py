"""Model calls: ``gen`` and ``select`` with the options in force where they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Checked, GenInfo
from sglc.compiler.frontend.graph.emitter import Emitter
from sglc.compiler.frontend.graph.regions import Scope
from sglc.compiler.frontend.graph.scan import PROBS, STREAM
from sglc.compiler.ir.op import AttrValue, Operand, Symbol
from sglc.compiler.ir.values import ANY, STR, from_type
from sglc.compiler.ir.values import STREAM as STREAM_TYPE
from sglc.constraints.types import OneOf, Str, Type

Evaluate = Callable[[ast.Expr], Operand]
_NOT_OF_A_CALL = frozenset({"model", "seed"})


@dataclass
class ConstraintTable:
    """The constraints of a module by name; equal types share one."""

    types: dict[str, Type] = field(default_factory=dict)

    def name(self, type_: Type, hint: str = "") -> str:
        """Return the name of ``type_``, adding it when it is new."""
        known = next((name for name, other in self.types.items() if other == type_), None)
        if known is not None:
            return known
        name = hint if hint and hint not in self.types else f"C{len(self.types) + 1}"
        self.types[name] = type_
        return name


class ModelCalls:
    """Emits the model calls of one function."""

    def __init__(self, checked: Checked, scope: Scope, constraints: ConstraintTable) -> None:
        self._checked = checked
        self._scope = scope
        self._constraints = constraints

    def gen(self, call: ast.Call, name: str, evaluate: Evaluate) -> Operand:
        """Emit a decode: the stream grows by what the model writes; its value is returned."""
        info = self._checked.gen(call)
        attrs, kwargs = self._options(info, name, evaluate)
        if isinstance(info.type, OneOf):
            chosen = call.args[0]
            assert isinstance(chosen, ast.Call)
            kwargs["choices"] = evaluate(chosen.args[0])
        elif info.type != Str():
            hint = call.args[0] if call.args else None
            attrs["constraint"] = Symbol(
                self._constraints.name(info.type, hint.name if isinstance(hint, ast.Var) else "")
            )
        return self._emit("gen", call, (), info, name, attrs, kwargs)

    def select(self, call: ast.Call, name: str, evaluate: Evaluate) -> Operand:
        """Emit a choice by score; its probabilities get a name of their own."""
        info = self._checked.gen(call)
        attrs, kwargs = self._options(info, name, evaluate)
        choices = [evaluate(arg) for arg in call.args]
        is_list = len(choices) == 1 and not isinstance(call.args[0], ast.Text)
        operand = choices[0] if is_list else tuple(choices)
        return self._emit("select", call, (operand,), info, name, attrs, kwargs)

    def _emit(
        self,
        op: str,
        call: ast.Call,
        args: tuple[Operand, ...],
        info: GenInfo,
        name: str,
        attrs: dict[str, AttrValue],
        kwargs: dict[str, Operand],
    ) -> Operand:
        emitter: Emitter = self._scope.emitter
        attrs["rng"] = emitter.site()
        value = (name or "out", STR if isinstance(info.type, OneOf) else from_type(info.type))
        results = [("s", STREAM_TYPE), value]
        if op == "select":
            results.append((f"{name or 'out'}_probs", ANY))
        stream, result, *rest = emitter.emit(
            op,
            self._scope.stream,
            *args,
            results=results,
            kwargs=kwargs,
            attrs=attrs,
            span=call.span,
        )
        self._scope.names[STREAM] = stream
        if name and rest:
            self._scope.names[PROBS + name] = rest[0]
        return result

    def _options(
        self, info: GenInfo, name: str, evaluate: Evaluate
    ) -> tuple[dict[str, AttrValue], dict[str, Operand]]:
        attrs: dict[str, AttrValue] = {"name": name} if name else {}
        kwargs: dict[str, Operand] = {}
        for key, value in info.options.items():
            if key in _NOT_OF_A_CALL:
                continue
            if isinstance(value, ast.Node):
                kwargs[key] = evaluate(value)  # type: ignore[arg-type]  # options are expressions
            else:
                attrs[key] = _attr(value)
        return attrs, kwargs


def _attr(value: Any) -> AttrValue:
    return tuple(map(_attr, value)) if isinstance(value, list | tuple) else value
