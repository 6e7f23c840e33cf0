"""Calls: what is called, whether the arguments fit, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Builtin, ParamInfo, ToolInfo
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.body import Body, Place
from sglc.compiler.frontend.sema.builtins import SIGNATURES, Signature
from sglc.compiler.frontend.sema.gens import Gens
from sglc.compiler.frontend.sema.program import (
    Broken,
    Entity,
    FnEntity,
    Namespace,
    PromptEntity,
    ToolEntity,
)
from sglc.compiler.frontend.sema.types import ANY, NUMBER, STR, element, literal_values, show
from sglc.compiler.frontend.sema.typexprs import TYPE_NAMES
from sglc.constraints import types as t
from sglc.constraints.quoting import quote_value

if TYPE_CHECKING:
    from sglc.compiler.frontend.sema.exprs import Exprs


class Calls:
    """Checks the calls of one body."""

    def __init__(self, body: Body, exprs: Exprs) -> None:
        self._body = body
        self._exprs = exprs
        self._gens = Gens(body, exprs)

    def check(self, call: ast.Call, place: Place, expected: t.Type | None) -> t.Type:
        """Return the type of what a call gives."""
        match call.callee:
            case ast.Var(name=name) if name in self._body.env.names:
                self._exprs.check(call.callee)
                self._body.report(faults.not_callable(call.callee.span, f"`{name}`"))
            case ast.Var(name=name) if name in self._body.module.names:
                return self._entity(self._body.module.names[name], call, name)
            case ast.Var(name=name):
                return self._built_in(name, call, place, expected)
            case ast.Attr(value=owner, name=name):
                space = self._body.namespace(owner)
                if space is not None:
                    space.used = True
                    entity = self.member(space, name)
                    if entity is not None:
                        return self._entity(entity, call, name.value)
                else:
                    self._method(call, owner, name)
            case ast.Index(value=ast.Var(name="list")):
                self._body.report(faults.type_as_value(call.span))
                return ANY
            case _:
                self._exprs.check(call.callee)
                self._body.report(faults.not_callable(call.callee.span, "this"))
        self._check_loose(call)
        return ANY

    def member(self, space: Namespace, name: ast.Name) -> Entity | None:
        """Return what an imported module calls ``name``, or None after a report."""
        if space.names is None:
            return None
        entity = space.names.get(name.value)
        if entity is None:
            public = [key for key in space.names if not key.startswith("_")]
            self._body.report(codes.unknown_import(name.span, space.name, name.value, public))
        return entity

    def is_form(self, expr: ast.Expr, form: str) -> bool:
        """Whether ``expr`` is a call of the special form ``form``."""
        match expr:
            case ast.Call(callee=ast.Var(name=name)):
                names = self._body.env.names
                return name == form and name not in names and name not in self._body.module.names
        return False

    def is_model_call(self, expr: ast.Expr) -> bool:
        """Whether the value of ``expr`` is what a gen or select writes here."""
        match expr:
            case ast.Try(value=first, fallback=second):
                return self.is_model_call(first) or self.is_model_call(second)
            case ast.Ternary(then=first, otherwise=second):
                return self.is_model_call(first) or self.is_model_call(second)
        return self.is_form(expr, "gen") or self.is_form(expr, "select")

    def included(self, target: ast.Expr) -> PromptEntity | None:
        """Return the prompt that an ``include`` names, or None after a report."""
        if isinstance(target, ast.Call):
            entity = self._entity_of(target.callee)
            if isinstance(entity, PromptEntity):
                entity.used = True
                return entity
            if entity is None or isinstance(entity, Broken):
                self.check(target, Place.NESTED, None)
                return None
        elif self._entity_of(target) is None:
            self._exprs.check(target)
        helps = "write `include name(...)`"
        self._body.report(
            faults.wants(target.span, "the call of a prompt", target.span.text, (helps,))
        )
        return None

    def arguments(self, call: ast.Call, name: str, params: Sequence[ParamInfo]) -> None:
        """Check that the arguments of ``call`` fit ``params``."""
        by_name = {param.name: param for param in params}
        given: set[str] = set()
        extra: list[str] = []
        for position, arg in enumerate(call.args):
            if position < len(params):
                given.add(params[position].name)
                self._argument(arg, params[position], name)
            else:
                extra.append(f"a {_ordinal(position + 1)} value")
                self._exprs.check(arg)
        for kwarg in call.kwargs:
            param = by_name.get(kwarg.name.value)
            if param is None or param.name in given:
                extra.append(kwarg.name.value)
                self._exprs.check(kwarg.value)
                continue
            given.add(param.name)
            self._argument(kwarg.value, param, name)
        missing = [p.name for p in params if p.name not in given and not p.has_default]
        if extra or missing:
            self._body.report(
                codes.wrong_arguments(
                    call.span,
                    name,
                    missing=missing,
                    extra=extra,
                    signature=signature_text(params),
                    candidates=[p.name for p in params if p.name not in given],
                )
            )

    def _argument(self, arg: ast.Expr, param: ParamInfo, callee: str) -> None:
        self._exprs.expect(arg, param.type, f"argument `{param.name}` of `{callee}`")

    def _check_loose(self, call: ast.Call) -> None:
        """Check the arguments of a call whose callee is not known."""
        for arg in call.args:
            self._exprs.check(arg)
        for kwarg in call.kwargs:
            if not isinstance(kwarg.value, ast.Selector):
                self._exprs.check(kwarg.value)

    def _entity_of(self, callee: ast.Expr) -> Entity | None:
        match callee:
            case ast.Var(name=name) if self._body.is_module_name(name):
                return self._body.module.names[name]
            case ast.Attr(value=owner, name=name):
                space = self._body.namespace(owner)
                if space is not None and space.names is not None:
                    space.used = True
                    return space.names.get(name.value)
        return None

    def _entity(self, entity: Entity, call: ast.Call, name: str) -> t.Type:
        entity.used = True
        match entity:
            case PromptEntity():
                return self._prompt(entity, call, name)
            case FnEntity(info=info) if info is not None:
                self._body.record_callee(call, info)
                self.arguments(call, name, info.params)
                return info.returns
            case ToolEntity(info=info) if info is not None:
                return self._tool(info, call, name)
            case Broken() | FnEntity() | ToolEntity():
                self._check_loose(call)
                return ANY
            case Namespace():
                if entity.names is not None:
                    self._body.report(faults.not_callable(call.callee.span, f"module `{name}`"))
            case _:
                self._body.report(faults.not_callable(call.callee.span, f"`{name}`"))
        self._check_loose(call)
        return ANY

    def _prompt(self, entity: PromptEntity, call: ast.Call, name: str) -> t.Type:
        if self._forbidden(call, name):
            self._check_loose(call)
            return ANY
        self.arguments(call, name, entity.params)
        if entity.info is None:
            return entity.returns or ANY
        self._body.record_callee(call, entity.info)
        if entity.effect:
            self._effect(call, entity.effect)
        return result_type(entity)

    def _tool(self, info: ToolInfo, call: ast.Call, name: str) -> t.Type:
        if self._forbidden(call, name):
            self._check_loose(call)
            return ANY
        self._body.record_callee(call, info)
        self._body.program.checked.tools.setdefault(info.symbol, info)
        self.arguments(call, name, info.params)
        if info.effect == "effectful":
            self._effect(call, name)
        return info.returns

    def _effect(self, call: ast.Call, tool: str) -> None:
        """Note that ``call`` calls an effectful tool, itself or through a prompt."""
        self._body.effect = self._body.effect or tool
        if self._body.forks:
            self._body.report(codes.effect_in_fork(call.callee.span, tool, self._body.forks[-1]))

    def _forbidden(self, call: ast.Call, name: str) -> bool:
        """Report a call that the kind of the body does not allow."""
        if self._body.kind == "fn":
            self._body.report(codes.stream_op_in_fn(call.callee.span, name, self._body.owner))
        elif self._body.kind == "test":
            self._body.report(faults.call_in_test(call.span, name))
        return self._body.kind != "prompt"

    def _method(self, call: ast.Call, owner: ast.Expr, name: ast.Name) -> None:
        self._exprs.check(owner)
        helps = (
            (f"write `{name.value}({owner.span.text}, ...)`",) if name.value in SIGNATURES else ()
        )
        self._body.report(faults.not_callable(name.span, "values have no methods: this", helps))

    def _built_in(self, name: str, call: ast.Call, place: Place, expected: t.Type | None) -> t.Type:
        match name:
            case "gen" | "select" | "special" if self._forbidden(call, name):
                return ANY
            case "gen":
                return self._gens.gen(call, place, expected)
            case "select":
                return self._gens.select(call, place)
            case "special":
                return self._special(call, place)
            case "probs":
                return self._probs(call)
            case "load":
                self._body.report(faults.load_outside_let(call.span))
                return STR
        signature = SIGNATURES.get(name)
        if signature is not None:
            return self._builtin(name, signature, call)
        if name in TYPE_NAMES:
            self._body.report(faults.type_as_value(call.span))
            return ANY
        access = self._body.env.inside.get(name)
        candidates = [*self._exprs.visible_names(), "gen", "select", "special", "probs"]
        self._body.report(
            codes.name_in_branch(call.callee.span, name, access)
            if access
            else codes.undefined_name(call.callee.span, name, candidates, self._body.owner)
        )
        self._check_loose(call)
        return ANY

    def _builtin(self, name: str, signature: Signature, call: ast.Call) -> t.Type:
        self._body.record_callee(call, Builtin(name=name))
        types: list[t.Type] = []
        extra: list[str] = []
        for position, arg in enumerate(call.args):
            type_ = self._exprs.present(arg)
            types.append(type_)
            if position >= len(signature.params) and not signature.repeats:
                extra.append(f"a {_ordinal(position + 1)} value")
                continue
            wanted, fits = signature.params[min(position, len(signature.params) - 1)]
            if not fits(type_):
                self._body.report(faults.wrong_operand(arg.span, name, show(type_), wanted))
                types[-1] = ANY
        for kwarg in call.kwargs:
            if kwarg.name.value == "by" and signature.by:
                self._selector(kwarg.value, types)
            else:
                extra.append(kwarg.name.value)
                if not isinstance(kwarg.value, ast.Selector):
                    self._exprs.check(kwarg.value)
        missing = [wanted for wanted, _ in signature.params[len(call.args) : signature.required]]
        if extra or missing:
            candidates = ["by"] if signature.by else []
            self._body.report(
                codes.wrong_arguments(
                    call.span, name, missing=missing, extra=extra, candidates=candidates
                )
            )
        return ANY if missing else signature.result(tuple(types))

    def _selector(self, selector: ast.Expr, types: Sequence[t.Type]) -> None:
        if not isinstance(selector, ast.Selector):
            type_ = self._exprs.check(selector)
            helps = "write the path to a field, such as `by=.score`"
            self._body.report(faults.wants(selector.span, "a selector", show(type_), (helps,)))
            return
        type_ = element(types[0]) or ANY if types else ANY
        for name in selector.path:
            type_ = self._exprs.field(type_, name)

    def _special(self, call: ast.Call, place: Place) -> t.Type:
        self._body.record_callee(call, Builtin(name="special"))
        if len(call.args) != 1 or call.kwargs:
            fault = codes.wrong_arguments(call.span, "special", signature="(token: str)")
            self._body.report(fault)
        for arg in call.args:
            self._exprs.expect(arg, STR, "`special`")
        if place is not Place.SAID:
            self._body.report(faults.misplaced_special(call.span))
        return STR

    def _probs(self, call: ast.Call) -> t.Type:
        self._body.record_callee(call, Builtin(name="probs"))
        name = call.args[0] if len(call.args) == 1 and not call.kwargs else None
        type_ = ANY if name is None else self._exprs.check(name)
        binding = self._body.env.names.get(name.name) if isinstance(name, ast.Var) else None
        if binding is None or not binding.selected:
            self._body.report(faults.probs_of_nothing(call.span))
            return ANY
        values = literal_values(type_)
        if values is None or not all(isinstance(value, str) for value in values):
            return ANY
        return t.Record(tuple(t.Field(str(value), NUMBER) for value in values))


def result_type(entity: PromptEntity) -> t.Type:
    """Return the type of the value of a prompt: what it returns, or the record of its captures."""
    if entity.returns is not None:
        return entity.returns
    if entity.info is None:
        return ANY
    return t.Record(tuple(t.Field(name, type_) for name, type_ in entity.info.captures))


def signature_text(params: Sequence[ParamInfo]) -> str:
    """Return parameters as the language writes them."""
    parts = (
        f"{p.name}: {p.type}" + (f" = {quote_value(p.default)}" if p.has_default else "")
        for p in params
    )
    return f"({', '.join(parts)})"


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 < number % 100 < 14 else endings.get(number % 10, 'th')}"
