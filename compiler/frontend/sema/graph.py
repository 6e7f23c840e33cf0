"""Who calls whom: the order in which bodies are checked, and calls that never end."""

from __future__ import annotations

from collections.abc import Iterator

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.program import (
    Entity,
    FnEntity,
    Module,
    Namespace,
    Program,
    PromptEntity,
)
from sglc.compiler.frontend.sema.walk import descend
from sglc.compiler.source import Span

Callable_ = PromptEntity | FnEntity


def in_order(program: Program) -> list[Callable_]:
    """Return every prompt and fn, those it calls first; cycles are reported."""
    order: list[Callable_] = []
    done: set[int] = set()
    for module in program.modules:
        for entity in module.names.values():
            if isinstance(entity, PromptEntity | FnEntity) and entity.module is module:
                _visit(program, entity, order, done)
    return order


def _visit(program: Program, root: Callable_, order: list[Callable_], done: set[int]) -> None:
    if id(root) in done:
        return
    path = [root]
    pending = [calls(root)]
    done.add(id(root))
    while path:
        found = next(pending[-1], None)
        if found is None:
            order.append(path.pop())
            pending.pop()
            continue
        callee, span = found
        if callee in path:
            cycle = [*path[path.index(callee) :], callee]
            kind = "fn" if isinstance(callee, FnEntity) else "prompt"
            program.report(faults.recursion(span, kind, tuple(entity.name for entity in cycle)))
        elif id(callee) not in done:
            done.add(id(callee))
            path.append(callee)
            pending.append(calls(callee))


def calls(entity: Callable_) -> Iterator[tuple[Callable_, Span]]:
    """Yield the prompts and fns that the body of ``entity`` calls, and where."""
    module = entity.module
    assert module is not None
    body = entity.decl.body
    roots = body if isinstance(body, tuple) else (body,)
    for node in descend(*roots):
        if isinstance(node, ast.Include | ast.IncludeBind) and isinstance(node.target, ast.Call):
            target = named(module, node.target.callee)
            if isinstance(target, PromptEntity):
                target.included = True
        if isinstance(node, ast.Call):
            callee = named(module, node.callee)
            if isinstance(callee, PromptEntity | FnEntity):
                yield callee, node.callee.span


def named(module: Module, callee: ast.Expr) -> Entity | None:
    """Return what a callee names at the top of the module or of an imported one."""
    match callee:
        case ast.Var(name=name):
            return module.names.get(name)
        case ast.Attr(value=ast.Var(name=owner), name=name):
            space = module.names.get(owner)
            if isinstance(space, Namespace) and space.names is not None:
                return space.names.get(name.value)
    return None
