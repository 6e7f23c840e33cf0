"""Walks over syntax that need no types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sglc.compiler.frontend import ast

_LEAVES = (ast.Int, ast.Float, ast.Bool, ast.NoneLiteral, ast.Regex, ast.TextChunk)


def descend(*roots: ast.Node) -> Iterator[ast.Node]:
    """Yield the nodes and all that is below them, in source order."""
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, _LEAVES):
            continue
        children: list[ast.Node] = []
        for name in node.FIELDS:
            child = getattr(node, name)
            if isinstance(child, tuple):
                children += child
            elif isinstance(child, ast.Node):
                children.append(child)
        stack += reversed(children)


def bound_names(body: Iterable[ast.Node]) -> set[str]:
    """Return the names that a block binds, also those that stay inside a part of it."""
    names: set[str] = set()
    for node in descend(*body):
        match node:
            case ast.Bind(name=name) | ast.IncludeBind(name=name) | ast.SpanBlock(name=name):
                names.add(name.value)
            case ast.Hole(name=ast.Name(value=value)) | ast.Side(name=ast.Name(value=value)):
                names.add(value)
            case ast.ForkEach(group=group) | ast.ForkNamed(group=group):
                names.add(group.value)
    return names


def read_names(*roots: ast.Node) -> set[str]:
    """Return the names that are used as values."""
    return {node.name for node in descend(*roots) if isinstance(node, ast.Var)}


def form_calls(form: str, *roots: ast.Node) -> Iterator[ast.Call]:
    """Yield the calls of a special form."""
    for node in descend(*roots):
        match node:
            case ast.Call(callee=ast.Var(name=name)) if name == form:
                yield node


def says(body: Iterable[ast.Stmt]) -> bool:
    """Whether a block may add anything to the prompt."""
    for stmt in body:
        match stmt:
            case ast.Say(expr=ast.Text(parts=())) | ast.Pass():
                continue
            case ast.Say() | ast.Include() | ast.IncludeBind() | ast.Keep():
                return True
        if any(isinstance(node, ast.Say | ast.Include | ast.IncludeBind) for node in descend(stmt)):
            return True
        if any(True for form in ("gen", "select") for _ in form_calls(form, stmt)):
            return True
    return False
