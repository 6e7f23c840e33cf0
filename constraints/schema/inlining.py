"""Rules put in where they are called, so that small schemas become one tree without calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from sglc.constraints.calls import calls_of, map_calls
from sglc.constraints.schema.graph import Graph, Times
from sglc.constraints.shortened import Shortened
from sglc.constraints.syntax import (
    Alt,
    Call,
    Chars,
    Encoded,
    Exactly,
    Joined,
    Node,
    Repeat,
    Seq,
    Text,
)

MAX_STATES_AT_ONCE = 1_500  # estimated states up to which a schema becomes one finite automaton
MAX_COPIED = 40  # estimated states of a rule that may be copied
MAX_HEIGHT = 8  # rules inside of rules
MAX_HEIGHT_OF_ALL = 40


def simplified(rules: Mapping[str, Node], start: str) -> dict[str, Node]:
    """Equal rules, fewer of them: a single one without calls if that is small.

    Rules that recur stay, and so do large ones that are called more than once.
    """
    order, recursive = _callees_first(rules, start)
    copies = _num_calls(rules, order)
    whole: dict[str, float] = {}  # estimated states with all calls put in
    for name in order:
        whole[name] = size(rules[name], whole)
    fits = whole[start] <= MAX_STATES_AT_ONCE
    bodies: dict[str, Node] = {}
    heights: dict[str, int] = {}
    kept: dict[str, Node] = {}
    for name in order:
        node = rules[name]
        put_in = [c for c in calls_of(node) if c in bodies]
        height = 1 + max((heights[c] for c in put_in), default=0)
        body = map_calls(node, lambda c: bodies.get(c) or Call(c)) if put_in else node
        alone = copies[name] == 1 or whole[name] <= MAX_COPIED
        is_inner = name != start and name not in recursive
        if is_inner and height < (MAX_HEIGHT_OF_ALL if fits else MAX_HEIGHT) and (alone or fits):
            bodies[name], heights[name] = body, height
        else:
            kept[name] = body
    return {name: kept[name] for name in (start, *(n for n in kept if n != start))}


def _callees_first(rules: Mapping[str, Node], start: str) -> tuple[list[str], set[str]]:
    """The rules that ``start`` reaches, callees first, and those that are called in circles."""
    order: list[str] = []
    recursive: set[str] = set()
    state: dict[str, int] = {start: 1}  # 1: on the path, 2: done
    path = [(start, iter(calls_of(rules[start])))]
    while path:
        name, called = path[-1]
        for callee in called:
            known = state.get(callee, 0)
            if known == 1:
                recursive.add(callee)
            elif not known:
                state[callee] = 1
                path.append((callee, iter(calls_of(rules[callee]))))
                break
        else:
            path.pop()
            state[name] = 2
            order.append(name)
    return order, recursive


def _num_calls(rules: Mapping[str, Node], order: list[str]) -> Counter[str]:
    """How often each rule is called in the trees of the others."""
    found: Counter[str] = Counter()
    for name in order:
        todo = [rules[name]]
        for node in todo:
            if isinstance(node, Call):
                found[node.name] += 1
            todo += _children(node)
    return found


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Seq(parts):
            return parts
        case Alt(options):
            return options
        case Graph(texts):
            return texts
        case Joined(item, between):
            return (item, between)
        case Repeat(inner) | Times(inner) | Encoded(inner):
            return (inner,)
    return ()


def size(node: Node, whole: Mapping[str, float] = MappingProxyType({})) -> float:
    """About how many states the automaton of a tree has; ``whole`` are those of called rules."""
    match node:
        case Call(name):
            return whole.get(name, float("inf"))
        case Text(text):
            return len(text)
        case Exactly(members):
            return members.num_states
        case Shortened(members, max_bytes):
            return members.num_states * max_bytes
        case Chars():
            return 8
        case Repeat(inner, least, most) | Times(inner, least, most):
            return size(inner, whole) * max(least, 1 if most is None else most, 1)
        case Graph(texts):
            sizes = [size(text, whole) for text in texts]
            skips = sum(1 for text in texts if text == Text(""))
            names = sum(
                len(t.text) for text in texts for t in _children(text)[:1] if isinstance(t, Text)
            )
            return sum(sizes) + skips * names / 2
    return sum(size(child, whole) for child in _children(node))
