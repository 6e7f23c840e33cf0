"""Patterns of the supported grammar, and texts near their members."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from sglc.constraints import types as t
from sglc.constraints.automaton import Automaton

ATOMS = st.sampled_from(
    ["a", "b", "ab", "[ab]", "[^a]", ".", "é", r"\d", r"\w", r"\s", "[ü-ÿ日]", "😀", r"\n", "{", ""]
)
QUANTIFIERS = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?", "{1,3}?", "??"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda p: f"(?:{p[0]}|{p[1]})"),
        st.tuples(inner, QUANTIFIERS).map(lambda p: f"({p[0]}){p[1]}"),
    ),
    max_leaves=6,
)
SMALL_PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "ab", "[ab]", "é", ""]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda p: f"(?:{p[0]}|{p[1]})"),
        st.tuples(inner, QUANTIFIERS).map(lambda p: f"(?:{p[0]}){p[1]}"),
    ),
    max_leaves=6,
)
TEXTS = st.text(st.sampled_from("abc1é \n٣ü日😀{"), max_size=6)

_CHARS = st.sampled_from([None, r'[a"\n]', "[é-ü]"])
_SCALARS = st.one_of(
    st.builds(t.Str, st.integers(0, 2), st.integers(2, 4), _CHARS),
    st.builds(t.Int, st.integers(-30, 3), st.none() | st.integers(3, 900)),
    st.builds(t.Number, st.none() | st.integers(0, 3), st.none() | st.integers(0, 2)),
    st.builds(t.Literal, st.text(max_size=4)),
    st.builds(t.Regex, st.sampled_from(["a|bcd", "[0-9]{2,5}x?", 'é"*', "(ab?){0,2}\\n"])),
    st.sampled_from([t.Line(), t.Word(), t.Bool(), t.Json(1)]),
)
CONSTRAINTS = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.builds(t.Optional, inner),
        st.builds(t.List, inner, st.integers(0, 2), st.none() | st.integers(2, 3)),
        st.builds(t.Union, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.lists(inner, max_size=3).map(
            lambda items: t.Record(tuple(t.Field(f"f{i}", x) for i, x in enumerate(items)))
        ),
    ),
    max_leaves=4,
)


def random_member(automaton: Automaton, rng: random.Random, steps: int = 60) -> bytes:
    """A member: a random walk that heads for the nearest end after ``steps`` bytes."""
    distance = distances(automaton)
    state, out = automaton.start, bytearray()
    while True:
        edges = automaton.edges(state)
        if state in automaton.accepting and (not edges or rng.random() < 0.2 or len(out) > steps):
            return bytes(out)
        choices = list(edges.items())
        if len(out) > steps:
            choices = [min(choices, key=lambda edge: distance[edge[1]])]
        byte, state = rng.choice(choices)
        out.append(byte)


def distances(automaton: Automaton) -> dict[int, int]:
    """Bytes from each state to the nearest end."""
    sources: dict[int, set[int]] = {}
    for state in range(1, automaton.num_states):
        for target in automaton.edges(state).values():
            sources.setdefault(target, set()).add(state)
    found = dict.fromkeys(automaton.accepting, 0)
    order = list(found)
    for state in order:
        for source in sources.get(state, ()):
            if source not in found:
                found[source] = found[state] + 1
                order.append(source)
    return found


def num_distinct(automaton: Automaton) -> int:
    """How many states differ, by refining pairs until nothing changes (Myhill and Nerode)."""
    columns = [list(automaton.classes).index(c) for c in range(automaton.num_classes)]
    block = [int(state in automaton.accepting) for state in range(automaton.num_states)]
    while True:
        signs: dict[tuple[int, ...], int] = {}
        refined = [
            signs.setdefault(
                (block[q], *(block[automaton.step(q, byte)] for byte in columns)), len(signs)
            )
            for q in range(automaton.num_states)
        ]
        if len(signs) == len(set(block)):
            return len(signs)
        block = refined
