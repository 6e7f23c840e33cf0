"""The automaton of every constraint that the shown functions use, as shapes with coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sglc.compiler.ir.notation import write_type
from sglc.compiler.ir.op import Symbol
from sglc.constraints.automaton import Automaton, AutomatonTooLarge
from sglc.constraints.build import end_rule_of, is_unconstrained, language
from sglc.constraints.machine import Machine
from sglc.constraints.types import Type
from sglc.viz.atlas import Atlas
from sglc.viz.layered import Point, draw
from sglc.viz.machine import Edge, Picture, picture
from sglc.viz.words import clip

CHAR: Final = 6.1
STATE: Final = 26.0
LAYER_GAP: Final = 26.0
MAX_LABEL: Final = 30
MAX_MEMBER: Final = 72


def machine_views(atlases: Sequence[Atlas]) -> list[dict[str, Any]]:
    """Return one view per constraint of any stage, in the order of first use."""
    users: dict[tuple[str, Type], dict[int, tuple[str, ...]]] = {}
    for atlas in atlases:
        for op, number in atlas.numbers.items():
            symbol = op.attrs.get("constraint")
            if isinstance(symbol, Symbol):
                type_ = atlas.module.constraints[symbol.name]
                users.setdefault((symbol.name, type_), {})[number] = atlas.keys(op)
    return [_view(name, type_, ops) for (name, type_), ops in users.items()]


def _view(name: str, type_: Type, ops: Mapping[int, tuple[str, ...]]) -> dict[str, Any]:
    view: dict[str, Any] = {
        "name": name,
        "type": write_type(type_),
        "ids": list(ops),
        "keys": list(dict.fromkeys(key for keys in ops.values() for key in keys)),
    }
    try:
        machine = language(type_)
    except AutomatonTooLarge as error:
        return view | {"note": f"not drawn: {error}", "states": [], "edges": []}
    shown = picture(machine)
    return view | _members(machine) | _note(type_, machine, shown) | _shapes(shown)


def _members(machine: Machine) -> dict[str, Any]:
    if not machine.start:
        return {}
    longest = machine.longest()
    return {
        "shortest": _text(machine.completion(machine.start)),
        "longest": None if longest is None else _text(longest),
        "longest_bytes": None if longest is None else len(longest),
    }


def _text(member: bytes) -> str:
    return clip(member.decode("utf-8", errors="replace"), MAX_MEMBER)


def _note(type_: Type, machine: Machine, shown: Picture) -> dict[str, Any]:
    words = []
    if isinstance(machine, Automaton):
        words.append(f"{shown.num_states} states")
        if shown.inside:
            words.append(f"{shown.inside} of them inside of characters and forced runs")
    else:
        words.append("nests without end: states are made as they are met")
    if shown.hidden:
        words.append(f"{shown.hidden} not drawn")
    elif shown.hidden is None:
        words.append(f"the first {sum(shown.counts)} are drawn")
    if any(count > 1 for count in shown.counts):
        words.append("×n: states alike for the next two ways on")
    if is_unconstrained(type_):
        words.append("every text is a member: no mask is needed")
    rule = {
        "closed": "ends by itself",
        "leave": "ends when the model leaves it",
        "eos": "the model says when it ends",
    }[end_rule_of(type_, machine)]
    return {"note": "; ".join([*words, rule]), "num_states": shown.num_states}


def _shapes(shown: Picture) -> dict[str, Any]:
    """Draw from left to right: layers from the start on; edges back run below."""
    if not shown.counts:
        return {"states": [], "edges": [], "width": 0, "height": 0}
    order = _order(shown)
    place = {state: index for index, state in enumerate(order)}
    forward = [e for e in shown.edges if place[e.source] < place[e.target]]
    # An edge is a small box on its way, so that its label has a place of its own.
    labels = {id(e): clip(" ".join(e.labels), MAX_LABEL) for e in shown.edges}
    numbers = _topological(order, forward, place)
    widths = {id(e): len(labels[id(e)]) * CHAR + 8 for e in shown.edges}
    boxes = [(STATE, STATE) if isinstance(w, int) else (14.0, widths[id(w)]) for w in numbers]
    at = {what if isinstance(what, int) else id(what): i for i, what in enumerate(numbers)}
    pairs = []
    for edge in forward:
        pairs += [(at[edge.source], at[id(edge)]), (at[id(edge)], at[edge.target])]
    drawing = draw(boxes, pairs, layer_gap=LAYER_GAP, sink=False)
    states = [
        {
            "x": drawing.corners[at[s]][1] + STATE / 2,
            "y": drawing.corners[at[s]][0] + STATE / 2,
            "accepting": shown.accepting[s],
            "count": shown.counts[s],
            "start": s == 0,
        }
        for s in range(len(shown.counts))
    ]
    edges = []
    for index, edge in enumerate(forward):
        first, second = drawing.routes[2 * index], drawing.routes[2 * index + 1]
        left, top = drawing.corners[at[id(edge)]]
        label_at = (top + widths[id(edge)] / 2, left + 7)
        edges.append(_edge(edge, labels[id(edge)], _swap([*first, *second]), label_at))
    height = drawing.width
    back = [e for e in shown.edges if place[e.source] >= place[e.target]]
    for edge in back:
        a, b = states[edge.source], states[edge.target]
        ends = ((a["x"], a["y"]), (b["x"], b["y"]))
        if edge.source != edge.target:
            height += 22
        points, label_at = _return(ends, height, edge.source == edge.target)
        edges.append({**_edge(edge, labels[id(edge)], points, label_at), "back": True})
    loops = any(e.source == e.target for e in back)
    return {
        "states": states,
        "edges": edges,
        "width": round(drawing.height + (120 if loops else 0)),
        "height": round(height + (24 if back else 0)),
    }


def _order(shown: Picture) -> list[int]:
    """States as a depth-first search leaves them, reversed: only edges of circles lead back."""
    after: dict[int, list[int]] = {}
    for edge in shown.edges:
        after.setdefault(edge.source, []).append(edge.target)
    left: list[int] = []
    seen = {0}
    stack = [(0, iter(after.get(0, ())))]
    while stack:
        state, targets = stack[-1]
        fresh = next((t for t in targets if t not in seen), None)
        if fresh is None:
            left.append(state)
            stack.pop()
        else:
            seen.add(fresh)
            stack.append((fresh, iter(after.get(fresh, ()))))
    lost = [s for s in range(len(shown.counts)) if s not in seen]
    return [*reversed(left), *lost]


def _topological(order: list[int], forward: list[Edge], place: dict[int, int]) -> list[int | Edge]:
    found: list[int | Edge] = []
    for state in order:
        found.append(state)
        found += [e for e in forward if e.source == state]
    return found


def _edge(edge: Edge, label: str, points: list[Point], at: Point) -> dict[str, Any]:
    return {
        "from": edge.source,
        "to": edge.target,
        "label": label,
        "title": "\n".join(edge.labels),
        "forced": edge.forced,
        "points": [[round(x, 1), round(y, 1)] for x, y in points],
        "at": [round(at[0], 1), round(at[1], 1)],
    }


def _swap(points: list[Point]) -> list[Point]:
    return [(y, x) for x, y in points]


def _return(ends: tuple[Point, Point], depth: float, loop: bool) -> tuple[list[Point], Point]:
    """The way of an edge that leads back: below everything; a loop stands on its state."""
    (ax, ay), (bx, by) = ends
    if loop:
        top = ay - STATE / 2
        return [(ax - 6, top + 2), (ax - 14, top - 16), (ax + 14, top - 16), (ax + 6, top + 2)], (
            ax + 18,
            top - 10,
        )
    points = [(ax, ay + STATE / 2), (ax, depth), (bx, depth), (bx, by + STATE / 2)]
    return points, ((ax + bx) / 2, depth)
