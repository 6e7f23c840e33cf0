"""Calls of rules in trees: which there are, and other trees in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from sglc.constraints.syntax import Call, Node


def calls_of(node: Node) -> list[str]:
    """The names of the rules that a tree calls, each once."""
    found: dict[str, None] = {}
    todo: list[Node] = [node]
    for at in todo:
        if isinstance(at, Call):
            found[at.name] = None
        todo += children(at)
    return list(found)


def map_calls(node: Node, new: Callable[[str], Node]) -> Node:
    """The tree with ``new(name)`` in the place of every call."""
    if isinstance(node, Call):
        return new(node.name)
    if not children(node):
        return node
    return replace(node, **{f.name: _mapped(getattr(node, f.name), new) for f in fields(node)})


def inlined(rules: Mapping[str, Node], start: str, max_nodes: int) -> Node | None:
    """Rule ``start`` with all rules put in where they are called.

    None if they call each other in circles, or the tree would have more than ``max_nodes`` nodes.
    """
    done: dict[str, tuple[Node, int]] = {}
    path: list[str] = [start]
    while path:
        name = path[-1]
        missing = [called for called in calls_of(rules[name]) if called not in done]
        if not missing:
            size = _size(rules[name], done)
            if size > max_nodes:
                return None
            done[name] = map_calls(rules[name], lambda called: done[called][0]), size
            path.pop()
        elif missing[0] in path:
            return None
        else:
            path.append(missing[0])
    return done[start][0]


def _size(node: Node, done: Mapping[str, tuple[Node, int]]) -> int:
    size, todo = 0, [node]
    for at in todo:
        size += done[at.name][1] if isinstance(at, Call) else 1
        todo += children(at)
    return size


def children(node: Node) -> list[Node]:
    """The trees that a tree is made of."""
    values = [getattr(node, f.name) for f in fields(node)]
    return [n for v in values for n in (v if isinstance(v, tuple) else (v,)) if isinstance(n, Node)]


def _mapped(value: Any, new: Callable[[str], Node]) -> Any:
    if isinstance(value, Node):
        return map_calls(value, new)
    if isinstance(value, tuple):
        return tuple(_mapped(item, new) for item in value)
    return value
