"""Reads that make the turns of a loop wait for each other, in functions that run step by step."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from sglc.compiler.python.pieces import Words
from sglc.compiler.python.source import FunctionSource

_WAITING: Final = frozenset(
    {"text", "messages", "get_var", "get_meta_info", "sync", "error", "text_iter"}
)


def forced_reads(source: FunctionSource, words: Words) -> list[ast.expr]:
    """Return the first read of each loop over states that waits before the next turn has begun.

    Such a loop lets the model go on in the state that its turn is for, and reads of that state in
    the same turn. Where the loop is behind the reads, all turns are asked for at once.
    """
    loops = [node for node in ast.walk(source.tree) if isinstance(node, ast.For)]
    found = (next(_reads(loop, source, words), None) for loop in loops)
    return [read for read in found if read is not None]


def _reads(loop: ast.For, source: FunctionSource, words: Words) -> Iterator[ast.expr]:
    turned = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    written: set[str] = set()
    for statement in loop.body:
        for node in ast.walk(statement):
            name = _read_of(node)
            if name in written and isinstance(node, ast.expr):
                yield node
        match statement:
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                if name in turned and _asks(value, source, words):
                    written.add(name)


def _read_of(node: ast.AST) -> str:
    """The name of the state that an expression reads, and waits for; "" if it does not."""
    match node:
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Load()):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in _WAITING:
            return name
    return ""


def _asks(value: ast.expr, source: FunctionSource, words: Words) -> bool:
    """Whether an expression has a call of the model in it."""
    calls = [node for node in ast.walk(value) if isinstance(node, ast.Call)]
    found = [source.resolve_node(call.func) for call in calls]
    return any(words.is_word(each) and words.role_of(each) is None for each in found)
