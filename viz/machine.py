"""A constraint's machine as a graph that a reader can take in.

States inside of a character are left out: an edge is a set of characters. States that only one
byte leads on from are left out too: an edge is then a run of text. If there are still too many,
states that agree on the next two ways on are drawn as one, by Moore's refinement stopped early:
what a counter has counted is then not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sglc.constraints.automaton import Automaton
from sglc.constraints.machine import Machine, TooAmbiguousError

MAX_EXPLORED: Final = 4000  # states of an automaton that are looked at
MAX_MET: Final = 200  # states of a machine that makes them as they are met
MAX_DRAWN: Final = 36
NUM_BEYOND_ASCII: Final = 0x110000 - 0x800 - 0x80  # characters; surrogates are none
_ROUNDS: Final = 2  # of the refinement, where there are too many states to draw


@dataclass
class Edge:
    """The ways from one drawn state to another. ``forced``: no other way leads on."""

    source: int
    target: int
    labels: list[str] = field(default_factory=list)
    forced: bool = False


@dataclass
class Picture:
    """States by number from 0, the start first; ``counts`` says how many states each stands for.

    ``hidden`` counts the states that are in no way part of the picture: ``None`` where the
    machine has no end of them.
    """

    accepting: list[bool]
    counts: list[int]
    edges: list[Edge]
    num_states: int
    inside: int
    hidden: int | None


Ways = Mapping[str, int]  # label -> the state it leads to, -1 where it was not looked at


def picture(machine: Machine) -> Picture:
    """Return the machine in at most ``MAX_DRAWN`` states."""
    finite = isinstance(machine, Automaton)
    machine = machine if finite else machine.fresh()
    if not machine.start:
        return Picture([], [], [], 0, 0, 0)
    ways, cut = _explore(machine, MAX_EXPLORED if finite else MAX_MET)
    group = _grouped(machine, ways)
    order: dict[int, int] = {}
    for state in ways:  # classes in the order in which they are met
        order.setdefault(group[state], len(order))
    drawn = {state: order[g] for state, g in group.items() if order.get(g, MAX_DRAWN) < MAX_DRAWN}
    size = min(len(order), MAX_DRAWN)
    counts, accepting = [0] * size, [False] * size
    for state, number in drawn.items():
        counts[number] += 1
        accepting[number] = machine.is_accepting(state)
    edges = _edges(machine, ways, drawn)
    total = machine.num_states - 1
    looked = len(ways)
    unseen = looked - len(drawn)
    passed = 0 if cut else total - looked
    hidden = None if cut and not finite else unseen + (total - looked if cut else 0)
    return Picture(accepting, counts, edges, total, passed, hidden)


def _explore(machine: Machine, limit: int) -> tuple[dict[int, Ways], bool]:
    """The ways on of the states at borders of characters, breadth first; whether some are cut."""
    ways: dict[int, Ways] = {}
    queue, seen = [machine.start], {machine.start}
    for state in queue:
        if len(ways) == limit:
            break
        found = ways[state] = _ways(machine, state)
        for target in found.values():
            if target not in seen:
                seen.add(target)
                queue.append(target)
    return ways, len(seen) > len(ways)


def _ways(machine: Machine, state: int) -> Ways:
    try:
        run = machine.forced(state)
        if run:
            cut = _whole(run)
            if cut:
                return {quoted(cut): machine.run(state, cut)}
        return _characters(_step(machine), state)
    except TooAmbiguousError:
        return {}


def _whole(run: bytes) -> bytes:
    """``run`` without the beginning of a character at its end."""
    return run.decode("utf-8", errors="ignore").encode()


def _step(machine: Machine) -> Callable[[int], Mapping[int, int]]:
    if isinstance(machine, Automaton):
        return machine.edges
    return lambda state: {b: t for b in range(256) if (t := machine.step(state, b))}


def _characters(edges: Callable[[int], Mapping[int, int]], state: int) -> Ways:
    """Label -> target, one character on: sets of ASCII, longer characters counted."""
    single: dict[int, list[int]] = {}
    leads: Counter[tuple[int, int]] = Counter()  # the state after a lead byte, bytes to come
    for byte, target in edges(state).items():
        if byte < 0x80:
            single.setdefault(target, []).append(byte)
        else:
            leads[target, 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3] += 1
    far: Counter[int] = Counter()
    for (target, more), count in leads.items():
        reached = Counter({target: count})
        for _ in range(more):
            reached = _onward(edges, reached)
        far += reached
    found: dict[str, int] = {}
    for target in dict.fromkeys((*single, *far)):
        label = char_set(single.get(target, []), far[target])
        while label in found:  # which characters beyond ASCII they are is not said
            label += "′"
        found[label] = target
    return found


def _onward(edges: Callable[[int], Mapping[int, int]], reached: Counter[int]) -> Counter[int]:
    """The states one byte on, each with the number of ways to it."""
    after: Counter[int] = Counter()
    for state, count in reached.items():
        for target in edges(state).values():
            after[target] += count
    return after


def _grouped(machine: Machine, ways: Mapping[int, Ways]) -> dict[int, int]:
    """State -> class: all apart if they are few, else those alike for the next two ways on."""
    if len(ways) <= MAX_DRAWN:
        return {state: state for state in ways}
    group = {state: int(machine.is_accepting(state)) for state in ways}
    for _ in range(_ROUNDS):
        numbers: dict[object, int] = {}
        finer: dict[int, int] = {}
        for state, on in ways.items():
            look = (group[state], *((label, group.get(t, -1)) for label, t in on.items()))
            finer[state] = numbers.setdefault(look, len(numbers))
        if len(numbers) > MAX_DRAWN:
            break
        group = finer
    return group


def _edges(machine: Machine, ways: Mapping[int, Ways], drawn: Mapping[int, int]) -> list[Edge]:
    edges: dict[tuple[int, int], Edge] = {}
    for state, number in drawn.items():
        only = len(ways[state]) == 1 and not machine.is_accepting(state)
        for label, target in ways[state].items():
            if target not in drawn:
                continue
            edge = edges.setdefault((number, drawn[target]), Edge(number, drawn[target]))
            if label not in edge.labels:
                edge.labels.append(label)
            edge.forced = only and label.startswith("“")
    return list(edges.values())


def char_set(found: list[int], num_beyond: int = 0) -> str:
    """ASCII bytes and ``num_beyond`` more characters as a set: ``[0-9a-f]``.

    All characters beyond ASCII together are told by what is missing, ``[^\\n]``; some of them
    are an ellipsis.
    """
    if len(found) == 1 and not num_beyond:
        return quoted(bytes(found))
    if num_beyond == NUM_BEYOND_ASCII:
        missing = _ranges(sorted(set(range(128)) - set(found)))
        return f"[^{missing}]" if missing else "any character"
    return f"[{_ranges(found)}{'…' if num_beyond else ''}]"


def _ranges(found: list[int]) -> str:
    out, at = [], 0
    while at < len(found):
        end = at
        while end + 1 < len(found) and found[end + 1] == found[end] + 1:
            end += 1
        first, last = _visible(found[at]), _visible(found[end])
        out.append(first if end == at else f"{first}{last}" if end == at + 1 else f"{first}-{last}")
        at = end + 1
    return "".join(out)


def _visible(byte: int) -> str:
    char = chr(byte)
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r", " ": "␣", "]": "\\]", "-": "\\-", "\\": "\\\\"}
    if char in named:
        return named[char]
    return char if char.isprintable() else f"\\x{byte:02x}"


def quoted(data: bytes) -> str:
    """A run of text between quotation marks, with escapes for control characters."""
    text = data.decode("utf-8", errors="backslashreplace")
    shown = "".join(c if ord(c) >= 128 or " " <= c <= "~" else _visible(ord(c)) for c in text)
    return f"“{shown}”"
