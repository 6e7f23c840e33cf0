"""What a piece of syntax writes: names, the stream, the chain of effects.

The graph has no mutable names: a region hands back every name it writes. These walks tell which
ones, before the region is lowered. Names bound inside a branch or a side stay inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Builtin, Checked, PromptInfo, ToolInfo
from sglc.compiler.frontend.sema.walk import descend

STREAM = "$stream"
EFFECT = "$effect"
PROBS = "$probs."
LIST = "$list."
_FORMS = frozenset({"gen", "select"})
_SELECT = frozenset({"select"})


def writes_text(checked: Checked, expr: ast.Expr) -> bool:
    """Whether evaluating ``expr`` puts its text into the stream: it holds a gen or select."""
    return _holds(checked, expr, _FORMS)


def _holds(checked: Checked, expr: ast.Expr, forms: frozenset[str]) -> bool:
    return any(is_model_call(checked, call, forms) for call in calls(expr))


def is_model_call(checked: Checked, call: ast.Call, forms: frozenset[str] = _FORMS) -> bool:
    """Whether ``call`` is a gen or a select."""
    callee = checked.callee(call)
    return isinstance(callee, Builtin) and callee.name in forms


def has_effect(checked: Checked, expr: ast.Expr) -> bool:
    """Whether evaluating ``expr`` calls an effectful tool."""
    return any(is_effectful(checked, call) for call in calls(expr))


def is_effectful(checked: Checked, call: ast.Call) -> bool:
    """Whether ``call`` may change the world: an effectful tool, or a prompt that calls one."""
    callee = checked.callee(call)
    if isinstance(callee, PromptInfo):
        return callee.symbol in checked.effectful_prompts
    return isinstance(callee, ToolInfo) and callee.effect == "effectful"


def called_prompts(checked: Checked) -> dict[str, frozenset[str]]:
    """Return for every prompt the prompts its body calls or includes."""
    return {
        prompt.symbol: frozenset(
            callee.symbol
            for stmt in prompt.decl.body
            for call in calls(stmt)
            if isinstance(callee := checked.callee(call), PromptInfo)
        )
        for prompt in checked.prompts.values()
    }


def effectful_prompts(checked: Checked) -> frozenset[str]:
    """Return the prompts that call an effectful tool, themselves or through other prompts."""
    called = called_prompts(checked)
    found = {
        prompt.symbol
        for prompt in checked.prompts.values()
        if any(is_effectful(checked, call) for stmt in prompt.decl.body for call in calls(stmt))
    }
    while more := {name for name, callees in called.items() if callees & found} - found:
        found |= more
    return frozenset(found)


def assigned(checked: Checked, body: Iterable[ast.Stmt]) -> list[str]:
    """Return the names a block writes, in order; ``$stream`` and ``$effect`` are among them."""
    return list(dict.fromkeys(_block(checked, body)))


def assigned_by(checked: Checked, *exprs: ast.Expr) -> list[str]:
    """Return what evaluating expressions writes: holes with names, the stream, the effects."""
    return list(dict.fromkeys(name for expr in exprs for name in _expr(checked, expr)))


def calls(node: ast.Node) -> Iterator[ast.Call]:
    """Yield the calls in an expression that are evaluated (those inside types are not)."""
    for inner in descend(node):
        if isinstance(inner, ast.Call):
            yield inner


def _block(checked: Checked, body: Iterable[ast.Stmt]) -> Iterator[str]:
    for stmt in body:
        yield from _stmt(checked, stmt)


def _stmt(checked: Checked, stmt: ast.Stmt) -> Iterator[str]:
    match stmt:
        case ast.Say(expr=expr):
            yield STREAM
            yield from _expr(checked, expr)
        case ast.Bind(name=name, value=value):
            yield from _expr(checked, value)
            yield name.value
            if _holds(checked, value, _SELECT):
                yield PROBS + name.value
        case ast.Include(target=target):
            yield STREAM
            yield from _expr(checked, target)
        case ast.IncludeBind(name=name, target=target):
            yield STREAM
            yield from _expr(checked, target)
            yield name.value
        case ast.Keep(branch=branch):
            yield STREAM
            yield from _expr(checked, branch)
        case ast.Check(condition=condition, message=message):
            yield from _expr(checked, condition)
            if message is not None:
                yield from _expr(checked, message)
        case ast.Return(value=value):
            if value is not None:
                yield from _expr(checked, value)
        case ast.Role(body=body):
            yield STREAM
            yield from _block(checked, body)
        case ast.With(options=options, body=body):
            for option in options:
                yield from _expr(checked, option.value)
            yield from _block(checked, body)
        case ast.SpanBlock(name=name, body=body):
            yield from _block(checked, body)
            yield name.value
        case ast.If(arms=arms, otherwise=otherwise):
            for arm in arms:
                yield from _expr(checked, arm.condition)
                yield from _block(checked, arm.body)
            yield from _block(checked, otherwise or ())
        case ast.Match(subject=subject, cases=cases, otherwise=otherwise):
            yield from _expr(checked, subject)
            for case in cases:
                yield from _block(checked, case.body)
            yield from _block(checked, otherwise or ())
        case ast.For(index=index, var=var, iterable=iterable, body=body):
            yield from _expr(checked, iterable)
            own = {var.value} | ({index.value} if index else set())
            yield from (name for name in _block(checked, body) if name not in own)
        case ast.While(condition=condition, limit=limit, body=body):
            yield from _expr(checked, limit)
            yield from _expr(checked, condition)
            yield from _block(checked, body)
        case ast.ForkEach(iterable=iterable, group=group):
            yield from _expr(checked, iterable)
            yield group.value
        case ast.ForkNamed(group=group):
            yield group.value
        case ast.Side(name=name, body=body):
            yield from (n for n in _block(checked, body) if n == EFFECT)
            if name is not None:
                yield name.value


def _expr(checked: Checked, expr: ast.Expr) -> Iterator[str]:
    for node in descend(expr):
        if isinstance(node, ast.Hole) and node.name is not None:
            yield node.name.value
            if _holds(checked, node.expr, _SELECT):
                yield PROBS + node.name.value
        elif isinstance(node, ast.Call):
            if is_model_call(checked, node):
                yield STREAM
            elif is_effectful(checked, node):
                yield EFFECT
