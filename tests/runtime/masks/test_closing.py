"""The closing guard against its definition, and what it promises: no text is cut off."""

from __future__ import annotations

import random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.constraints.machine import Machine
from sglc.constraints.pushdown import Pushdown
from sglc.constraints.syntax import Call, Text, alt, seq
from sglc.runtime.core.script import NEVER, Constraint, EndRule
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.masks.cache import MaskCache
from sglc.runtime.masks.closing import Needs, Spellings

NESTED = Pushdown(
    {"top": alt(Text("b"), seq(Text("[a"), Call("top"), Text("ca]")), seq(Text("a"), Call("top")))},
    "top", "",
)  # fmt: skip
MACHINES: list[Machine] = [
    NESTED,
    *map(Automaton.from_regex, ["a*", "(ab){2,5}c?", "a?b?c{3}", "[ab]*ca(bb)?", "(a|bca)*|é{2}"]),
]
PIECES = st.lists(
    st.text("abcé[]", min_size=1, max_size=4).map(str.encode) | st.sampled_from([b"\xc3", b"\xa9"]),
    min_size=1,
    max_size=14,
)
END_RULES = st.sampled_from(["closed", "leave", "eos"])


def fewest(text: bytes, pieces: frozenset[bytes]) -> int:
    """The fewest pieces that spell a text, by trying all of them."""
    if not text:
        return 0
    rests = [text[len(p) :] for p in pieces if text.startswith(p)]
    return min((fewest(rest, pieces) + 1 for rest in rests), default=NEVER)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(machine=st.sampled_from(MACHINES), pieces=PIECES, text=st.text("abc[", max_size=4))
def test_needs_are_the_fewest_tokens(machine: Machine, pieces: list[bytes], text: str) -> None:
    vocabulary = Vocabulary.of([*pieces, b"ab"], [len(pieces)])
    state = machine.run(machine.start, text.encode())
    assume(state)
    needs = Needs(machine, Spellings(vocabulary))
    for at in (state, machine.start):
        assert needs.of(at) == min(fewest(machine.completion(at), frozenset(pieces)), NEVER)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    machine=st.sampled_from(MACHINES),
    pieces=PIECES,
    all_bytes=st.booleans(),
    end=END_RULES,
    budget=st.integers(1, 12),
    text=st.text("abc[", max_size=3),
)
def test_closing_masks_are_what_the_definition_says(
    machine: Machine, pieces: list[bytes], all_bytes: bool, end: EndRule, budget: int, text: str
) -> None:
    pieces += [bytes([byte]) for byte in range(256)] * all_bytes
    vocabulary = Vocabulary.of([*pieces, b""], [len(pieces)])
    state = machine.run(machine.start, text.encode())
    assume(state)
    cache = MaskCache(vocabulary, max_mib=1)
    constraint = Constraint(machine, end)
    expected = []
    for token in cache.get(constraint, state).ids().tolist():
        target = machine.run(state, vocabulary.token_bytes[token])
        ends = not target or not vocabulary.token_bytes[token]
        if ends or fewest(machine.completion(target), frozenset(pieces)) <= budget - 1:
            expected.append(token)
    assert cache.get_closing(constraint, state, budget).ids().tolist() == expected


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    machine=st.sampled_from(MACHINES),
    pieces=PIECES,
    end=END_RULES,
    spare=st.integers(0, 5),
    seed=st.integers(0, 2**32),
)
def test_whoever_begins_with_enough_tokens_ends_with_a_member(
    machine: Machine, pieces: list[bytes], end: EndRule, spare: int, seed: int
) -> None:
    """Whatever allowed token is drawn, the walk ends as a member, or is stuck only as one."""
    vocabulary = Vocabulary.of([*pieces, b""], [len(pieces)])
    cache = MaskCache(vocabulary, max_mib=1)
    constraint = Constraint(machine, end)
    need = cache.need(machine, machine.start)
    assume(need < NEVER)
    draw = random.Random(seed)
    state, left = machine.start, need + spare
    while left and not machine.is_complete(state):
        allowed = cache.get_closing(constraint, state, left).ids().tolist()
        if not allowed:
            assert machine.is_accepting(state)
            return
        piece = vocabulary.token_bytes[draw.choice(allowed)]
        passed = [machine.run(state, piece[:at]) for at in range(len(piece) + 1)]
        state, left = passed[-1], left - 1
        if not piece or not state:  # the decode ends with what was a member on the way
            assert any(map(machine.is_accepting, passed))
            return
    assert machine.is_accepting(state)


def test_far_from_the_budget_nothing_is_worked_out_again() -> None:
    vocabulary = Vocabulary.of([bytes([byte]) for byte in range(256)], [])
    constraint = Constraint(Automaton.from_regex("[ab]{3}(cccc)?"), "leave")
    cache = MaskCache(vocabulary, max_mib=1)
    far = cache.get_closing(constraint, 1, 100)
    assert far is cache.get_closing(constraint, 1, 3)  # two more bytes are needed after the first
    assert cache.masks_built == 1
    assert not cache.get_closing(constraint, 1, 2).ids().tolist()
    assert cache.get_closing(constraint, 1, 2) is cache.get_closing(constraint, 1, 1)
    assert cache.masks_built == 2
