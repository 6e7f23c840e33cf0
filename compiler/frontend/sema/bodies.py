"""Checks the bodies of prompts and fns and fills in what they give."""

from __future__ import annotations

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import ParamInfo, PromptInfo
from sglc.compiler.frontend.sema.body import Body, Place
from sglc.compiler.frontend.sema.cost import check_dead_gen, check_trailing_space
from sglc.compiler.frontend.sema.exprs import Exprs
from sglc.compiler.frontend.sema.flow import Binding, Env, join_envs
from sglc.compiler.frontend.sema.graph import named
from sglc.compiler.frontend.sema.program import FnEntity, Program, PromptEntity
from sglc.compiler.frontend.sema.stmts import Stmts
from sglc.compiler.frontend.sema.types import ANY, is_optional, is_unknown
from sglc.compiler.frontend.sema.walk import descend, form_calls
from sglc.compiler.frontend.static_types import BranchType, GroupType, StreamType
from sglc.constraints import types as t


def check_fn(program: Program, entity: FnEntity) -> None:
    """Check that the body of a fn computes what it promises."""
    assert entity.module is not None
    assert entity.info is not None
    body = Body(program, entity.module, "fn", entity.name)
    _bind_params(body, entity.decl.params, entity.info.params)
    where = f"the result of `{entity.name}`"
    Exprs(body).expect(entity.decl.body, entity.info.returns, where, Place.VALUE)
    _report_unused(body, keep_bindings=True)


def check_prompt(program: Program, entity: PromptEntity) -> None:
    """Check the body of a prompt and find its captures."""
    assert entity.module is not None
    decl = entity.decl
    body = Body(program, entity.module, "prompt", entity.name)
    body.chat = first_role(entity, set()) is not None
    _bind_params(body, decl.params, entity.params)
    stmts = Stmts(body, entity.returns, lambda prompt: first_role(prompt, set()))
    stmts.block(decl.body)
    returns = entity.returns
    if stmts.live and returns is not None and not is_optional(returns) and not is_unknown(returns):
        program.report(codes.missing_return(decl.name.span, entity.name, str(returns)))
    ends = [*stmts.exits, *([body.env] if stmts.live else [])]
    entity.info = PromptInfo(
        symbol=entity.module.symbol(entity.name),
        decl=decl,
        params=entity.params,
        returns=returns,
        captures=_captures(join_envs(ends)),
    )
    entity.effect = body.effect
    program.checked.prompts[entity.info.symbol] = entity.info
    _report_unused(body, keep_bindings=returns is None)
    if returns is not None and not entity.module.is_std and not entity.included:
        check_dead_gen(body, decl.body)
    check_trailing_space(body, decl.body)


def first_role(entity: PromptEntity, seen: set[int]) -> str | None:
    """Return the first role a prompt opens, itself or by what it includes."""
    if id(entity) in seen or entity.module is None:
        return None
    seen.add(id(entity))
    for node in descend(*entity.decl.body):
        match node:
            case ast.Role(name=name):
                return name.value or "assistant"
            case (
                ast.Include(target=ast.Call(callee=callee))
                | ast.IncludeBind(target=ast.Call(callee=callee))
            ):
                target = named(entity.module, callee)
                role = first_role(target, seen) if isinstance(target, PromptEntity) else None
                if role is not None:
                    return role
    return None


def _bind_params(body: Body, params: tuple[ast.Param, ...], infos: tuple[ParamInfo, ...]) -> None:
    types = {info.name: info.type for info in infos}
    for param in params:
        name = param.name.value
        if name not in body.env.names:
            variable = body.declare(param.name, "param")
            body.env = body.env.bind(name, Binding((variable,), types.get(name, ANY)))


def _captures(env: Env | None) -> tuple[tuple[str, t.Type], ...]:
    """Return the names bound in the body, in order; branches and streams stay inside."""
    if env is None:
        return ()
    places: dict[str, int] = {}
    for name, binding in env.names.items():
        own = [v.span.start for v in binding.variables if v.kind != "param"]
        if own and _is_data(binding.type):
            places[name] = min(own)
    ordered = sorted(places, key=lambda name: places[name])
    return tuple((name, env.names[name].read_type) for name in ordered)


def _is_data(type_: t.Type) -> bool:
    match type_:
        case BranchType() | GroupType() | StreamType():
            return False
        case t.Record(fields=fields):
            return all(_is_data(field.type) for field in fields)
        case t.List(item=inner) | t.Optional(inner=inner):
            return _is_data(inner)
        case t.Union(options=options):
            return all(map(_is_data, options))
    return True


def _report_unused(body: Body, *, keep_bindings: bool) -> None:
    """Report parameters and plain bindings that nothing reads; what a model wrote may be kept."""
    for variable in body.variables.values():
        if variable.used or variable.name.startswith("_"):
            continue
        if variable.kind == "param":
            body.report(codes.unused_name(variable.span, variable.name, "parameter"))
        elif variable.kind == "binding" and not keep_bindings:
            body.report(codes.unused_name(variable.span, variable.name))


def gen_names(entity: PromptEntity, seen: set[int]) -> set[str]:
    """Return the names that model calls of a prompt, and of those it runs, are bound to."""
    if id(entity) in seen or entity.module is None:
        return set()
    seen.add(id(entity))
    names: set[str] = set()
    for node in descend(*entity.decl.body):
        match node:
            case ast.Bind(name=name, value=value):
                bound, expr = name.value, value
            case ast.Hole(name=ast.Name(value=hole), expr=expr):
                bound = hole
            case ast.Call(callee=callee):
                target = named(entity.module, callee)
                if isinstance(target, PromptEntity):
                    names |= gen_names(target, seen)
                continue
            case _:
                continue
        if any(True for form in ("gen", "select") for _ in form_calls(form, expr)):
            names.add(bound)
    return names
