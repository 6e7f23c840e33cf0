"""A checked program becomes a module of the IR: one function per prompt and fn."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.compiler.frontend.checked import Checked, FnInfo, ParamInfo, PromptInfo, ToolInfo
from sglc.compiler.frontend.graph.calls import ConstraintTable, ModelCalls
from sglc.compiler.frontend.graph.emitter import Emitter
from sglc.compiler.frontend.graph.expressions import Expressions
from sglc.compiler.frontend.graph.regions import NOTHING, Scope
from sglc.compiler.frontend.graph.scan import EFFECT, STREAM, effectful_prompts
from sglc.compiler.frontend.graph.statements import Statements
from sglc.compiler.frontend.graph.types import value_type
from sglc.compiler.ir.graph import Function, Module, Param, ToolDecl
from sglc.compiler.ir.op import Region
from sglc.compiler.ir.values import STREAM as STREAM_TYPE
from sglc.constraints.types import MISSING, Type


def build_graph(checked: Checked) -> Module:
    """Return the graph of a program that was checked without errors."""
    checked.effectful_prompts = effectful_prompts(checked)
    constraints = ConstraintTable()
    functions = [_fn(checked, info, constraints) for info in checked.fns.values()]
    functions += [_prompt(checked, info, constraints) for info in checked.prompts.values()]
    return Module(
        functions={function.name: function for function in functions},
        constraints=constraints.types,
        tools={tool.symbol: _tool(tool) for tool in checked.tools.values()},
        config=dict(checked.config),
        sources=tuple(module.file.name for module in checked.modules),
    )


def _prompt(checked: Checked, info: PromptInfo, constraints: ConstraintTable) -> Function:
    scope, params = _begin(info.params)
    scope.names[STREAM] = scope.emitter.one("s", STREAM_TYPE, "stream", span=info.decl.name.span)
    scope.names[EFFECT] = NOTHING
    expressions = Expressions(checked, scope, ModelCalls(checked, scope, constraints))
    statements = Statements(checked, scope, expressions, info)
    statements.block(info.decl.body)
    if not scope.emitter.is_closed:
        statements.finish(info.decl.name)
    return Function(
        kind="prompt",
        name=info.symbol,
        params=params,
        result=info.returns,
        body=Region(ops=tuple(scope.emitter.ops)),
        doc=info.decl.doc or "",
        span=info.decl.span,
    )


def _fn(checked: Checked, info: FnInfo, constraints: ConstraintTable) -> Function:
    scope, params = _begin(info.params)
    expressions = Expressions(checked, scope, ModelCalls(checked, scope, constraints))
    value = expressions.evaluate(info.decl.body)
    scope.emitter.emit("return", kwargs={"result": value}, span=info.decl.body.span)
    return Function(
        kind="fn",
        name=info.symbol,
        params=params,
        result=info.returns,
        body=Region(ops=tuple(scope.emitter.ops)),
        doc=info.decl.doc or "",
        span=info.decl.span,
    )


def _begin(infos: Sequence[ParamInfo]) -> tuple[Scope, tuple[Param, ...]]:
    emitter = Emitter()
    scope = Scope(emitter)
    params = []
    for info in infos:
        value = emitter.parameter(info.name, value_type(info.type))
        scope.names[info.name] = value
        default = info.default if info.has_default else MISSING
        params.append(Param(value=value, type=info.type, default=default))
    return scope, tuple(params)


def _tool(info: ToolInfo) -> ToolDecl:
    params: tuple[tuple[str, Type], ...] = tuple((p.name, p.type) for p in info.params)
    return ToolDecl(
        name=info.symbol,
        params=params,
        result=info.returns,
        source=info.source,
        effect=info.effect,
        timeout_s=info.timeout_s,
        retries=info.retries,
        required=tuple(p.name for p in info.params if not p.has_default),
    )
