"""Model calls: what is generated, with which options, and whether it can end well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Builtin, GenInfo
from sglc.compiler.frontend.sema import choices, faults, limits
from sglc.compiler.frontend.sema.body import Body, Place
from sglc.compiler.frontend.sema.options import GEN, SELECT, Option
from sglc.compiler.frontend.sema.types import (
    ANY,
    STR,
    element,
    is_text,
    is_unknown,
    options_of,
    show,
    union,
)
from sglc.compiler.plan.arguments import mismatch
from sglc.constraints import types as t

if TYPE_CHECKING:
    from sglc.compiler.frontend.sema.exprs import Exprs

_TEXT_LIST = t.List(STR)


class Gens:
    """Checks the model calls of one body."""

    def __init__(self, body: Body, exprs: Exprs) -> None:
        self._body = body
        self._exprs = exprs

    def gen(self, call: ast.Call, place: Place, expected: t.Type | None) -> t.Type:
        """Check ``gen(T, option=...)`` and return ``T``."""
        self._place(call, "gen", place)
        type_ = self._generated(call, expected)
        options = self._options(call, "gen", GEN)
        if type_ is None:
            return ANY
        if "max_tokens" not in options:
            heals = options.get("healing", False) is not False  # may be known at run time only
            tokens = limits.inferred_max_tokens(type_, heals=heals)
            defaults = (self._body.module.config, self._body.program.checked.config)
            chosen = next((c["max_tokens"] for c in defaults if "max_tokens" in c), None)
            options["max_tokens"] = tokens or chosen or self._body.program.options.max_tokens
        self._body.record_callee(call, Builtin(name="gen"))
        self._body.record_gen(call, GenInfo(type=type_, options=options))
        limits.check_gen(self._body, call, type_, options)
        return type_

    def select(self, call: ast.Call, place: Place) -> t.Type:
        """Check ``select(choice, ..., by=...)`` and return the type of the choices."""
        self._place(call, "select", place)
        type_ = self._choices(call)
        options = self._options(call, "select", SELECT)
        if options.get("tokenizations") == "all" and "by" in options:
            own = {kwarg.name.value: kwarg.span for kwarg in call.kwargs}
            span = own.get("by") or own.get("tokenizations") or call.span
            self._body.report(faults.method_of_all(span))
        self._body.record_callee(call, Builtin(name="select"))
        self._body.record_gen(call, GenInfo(type=type_, options=options))
        return type_

    def with_block(
        self, kwargs: tuple[ast.Kwarg, ...], known: Mapping[str, Option]
    ) -> dict[str, Any]:
        """Check the options of a ``with`` and return them."""
        return self._read(kwargs, "with", known)

    def _place(self, call: ast.Call, form: str, place: Place) -> None:
        if place is Place.NESTED:
            self._body.report(faults.nested_gen(call.span, form))
        self._body.outside(call)
        role = self._body.role
        if self._body.chat and role is not None and role[0] != "assistant":
            self._body.report(codes.gen_outside_assistant(call.span, role[0]))

    # -- types

    def _generated(self, call: ast.Call, expected: t.Type | None) -> t.Type | None:
        """Return what is generated, or None after a report."""
        for arg in call.args[1:]:
            self._body.report(codes.wrong_arguments(arg.span, "gen", extra=["a second type"]))
        if not call.args:
            if expected is None or (is_unknown(expected) and not isinstance(expected, t.Json)):
                return STR
            return self._constraint(call, expected)
        wanted = call.args[0]
        if (
            isinstance(wanted, ast.Call)
            and isinstance(wanted.callee, ast.Var)
            and wanted.callee.name == "one_of"
        ):
            return self._one_of(wanted)
        type_ = self._body.types.read(wanted)
        return None if type_ is None else self._constraint(wanted, type_)

    def _constraint(self, place: ast.Expr, type_: t.Type) -> t.Type | None:
        if _has_one_of(type_):
            reason = "write `gen(one_of(choices))`: the choices must be at hand"
            self._body.report(codes.not_a_constraint(place.span, show(type_), reason))
            return None
        if not t.is_constraint(type_):
            self._body.report(codes.not_a_constraint(place.span, show(type_)))
            return None
        return type_ if limits.check_type(self._body, place, type_) else None

    def _one_of(self, call: ast.Call) -> t.Type | None:
        if len(call.args) != 1 or call.kwargs:
            self._body.report(
                codes.wrong_arguments(call.span, "one_of", signature="(choices: list[str])")
            )
            return None
        return self._choice_list(call.args[0])

    def _choice_list(self, expr: ast.Expr) -> t.Type:
        type_ = self._exprs.present(expr, expected=_TEXT_LIST)
        item = element(type_)
        if item is None or not is_text(item):
            self._body.report(faults.wants(expr.span, "a list of texts", show(type_)))
            return t.OneOf()
        known, values = self._exprs.peek(expr)
        if not known or not values or not all(isinstance(value, str) for value in values):
            if known and not values:
                self._body.report(codes.empty_language(expr.span, "one_of([])", "no choices"))
            return t.OneOf()
        spans = [e.span for e in expr.items] if isinstance(expr, ast.List) else None
        choices.check(self._body, values, spans or [expr.span] * len(values))
        return union(t.Literal(value) for value in values)

    def _choices(self, call: ast.Call) -> t.Type:
        if len(call.args) == 1 and not isinstance(call.args[0], ast.Text):
            return self._choice_list(call.args[0])
        types: list[t.Type] = []
        for arg in call.args:
            type_ = self._exprs.present(arg)
            if not is_text(type_):
                self._body.report(faults.wants(arg.span, "a text to choose", show(type_)))
                type_ = STR
            types.append(type_)
        if not types:
            self._body.report(codes.wrong_arguments(call.span, "select", missing=["choices"]))
            return t.OneOf()
        known = [
            (a, o.value) for a, o in zip(call.args, types, strict=True) if isinstance(o, t.Literal)
        ]
        choices.check(self._body, [value for _, value in known], [arg.span for arg, _ in known])
        if all(isinstance(o, t.Literal) for type_ in types for o in options_of(type_)):
            return union(types)
        return t.OneOf()

    # -- options

    def _options(self, call: ast.Call, form: str, known: Mapping[str, Option]) -> dict[str, Any]:
        """Return the options in force for a call, innermost first."""
        options = self._read(call.kwargs, form, known)
        outer = [*reversed(self._body.with_options)]
        outer += [self._body.module.config, self._body.program.checked.config]
        for layer in outer:
            for name, value in layer.items():
                inherited = name != "max_tokens" or layer in self._body.with_options
                if name in known and inherited:
                    options.setdefault(name, value)
        return options

    def _read(
        self, kwargs: tuple[ast.Kwarg, ...], form: str, known: Mapping[str, Option]
    ) -> dict[str, Any]:
        options: dict[str, Any] = {}
        for kwarg in kwargs:
            name = kwarg.name.value
            option = known.get(name)
            if option is None:
                self._body.report(codes.unknown_option(kwarg.name.span, name, form, known))
                self._exprs.check(kwarg.value)
            elif name in options:
                self._body.report(codes.duplicate_name(kwarg.name.span, name, what="option"))
            else:
                self._option(name, option, kwarg.value, options)
        return options

    def _option(self, name: str, option: Option, expr: ast.Expr, options: dict[str, Any]) -> None:
        self._exprs.expect(expr, option.type, f"`{name}`")
        known, value = self._exprs.peek(expr)
        if not known:
            if option.constant:
                self._body.report(faults.not_constant(expr.span))
            else:
                options[name] = expr
        elif mismatch(option.type, value) is None:
            if not option.fits(value):
                self._body.report(faults.bad_value(expr.span, name, option.wanted))
            else:
                options[name] = [value] if name == "stop" and isinstance(value, str) else value


def _has_one_of(type_: t.Type) -> bool:
    match type_:
        case t.OneOf():
            return True
        case t.Record(fields=fields):
            return any(_has_one_of(field.type) for field in fields)
        case t.List(item=inner) | t.Optional(inner=inner):
            return _has_one_of(inner)
        case t.Union(options=options):
            return any(map(_has_one_of, options))
    return False
