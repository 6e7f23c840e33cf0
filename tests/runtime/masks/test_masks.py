"""Masks against the definition of the end rules, token by token and byte by byte."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.constraints.machine import Machine
from sglc.constraints.pushdown import Pushdown
from sglc.constraints.syntax import Call, Text, alt, seq
from sglc.runtime.core.script import Constraint, EndRule
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.masks.cache import MaskCache
from sglc.runtime.masks.mask import Mask, gather
from sglc.runtime.masks.tables import MAX_PLACES, GrowingTables

PATTERNS = ["a*", "(a|ab)c?", "[ab]{2,4}", "a?b?", '"[^"]*"', "é+", "(ab|ba)+c", ".{0,3}"]
TOKENS = st.lists(st.text('abcé"', max_size=4).map(str.encode) | st.binary(max_size=3), max_size=25)
END_RULES = st.sampled_from(["closed", "leave", "eos"])


def nested() -> Pushdown:
    """Any number of ``a``, then as many ``b``, inside quotes or not."""
    pair = alt(Text("ab"), seq(Text("a"), Call("pair"), Text("b")))
    return Pushdown(
        {"pair": pair, "top": alt(Call("pair"), seq(Text('"'), Call("pair")))}, "top", ""
    )


def brute_force(constraint: Constraint, state: int, vocabulary: Vocabulary) -> list[int]:
    """What ``core/script.py`` says about each token."""
    machine, end = constraint.machine, constraint.end
    accepting = machine.is_accepting(state)
    allowed = []
    for token, piece in enumerate(vocabulary.token_bytes):
        if not piece:
            is_eos = token in vocabulary.eos_ids
            is_allowed = accepting and (end == "leave" or (end == "eos" and is_eos))
        else:
            walk = [machine.run(state, piece[:n]) for n in range(len(piece) + 1)]
            is_allowed = walk[-1] != 0 or (end == "leave" and any(map(machine.is_accepting, walk)))
        if is_allowed:
            allowed.append(token)
    return allowed


def states_of(machine: Machine, pieces: Sequence[bytes]) -> set[int]:
    """States that a few tokens lead to."""
    found = {machine.start}
    for _ in range(3):
        found |= {machine.run(state, piece) for state in found for piece in pieces}
    return found - {0}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(tokens=TOKENS, pattern=st.none() | st.sampled_from(PATTERNS), end=END_RULES)
def test_mask_is_what_the_end_rule_says(
    tokens: list[bytes], pattern: str | None, end: EndRule
) -> None:
    vocabulary = Vocabulary.of([*tokens, b"", b""], [len(tokens)])
    machine = nested() if pattern is None else Automaton.from_regex(pattern)
    constraint = Constraint(machine, end)
    cache = MaskCache(vocabulary, max_mib=1)
    for state in states_of(machine, [*tokens, b"a", b"b", b'"']):
        mask = cache.get(constraint, state)
        expected = brute_force(constraint, state, vocabulary)
        assert mask.ids().tolist() == expected
        assert [token for token in range(len(vocabulary.token_bytes)) if token in mask] == expected


@pytest.mark.parametrize("end", ["closed", "leave", "eos"])
def test_masks_of_a_large_vocabulary(end: EndRule) -> None:
    """Large enough for the wide form of the walk, with a long tail of narrow levels."""
    letters = [bytes([a, b]) for a in b'abcdefg \xc3\xa9"' for b in b'abc"\xc3\xa9 ']
    tokens = [*letters, *(a + b for a in letters for b in letters), b"a" * 40, b"b" * 30 + b'"']
    tokens += tokens[:40]  # tokens of the same bytes
    vocabulary = Vocabulary.of([b"", *tokens, b""], [0])
    for pattern in ('"[^"]*"', "[a-f]{1,30}", "(ab)*a?", "a{3}|[^ ]+é"):
        constraint = Constraint(Automaton.from_regex(pattern), end)
        cache = MaskCache(vocabulary, max_mib=8)
        for state in states_of(constraint.machine, letters[:3]):
            expected = brute_force(constraint, state, vocabulary)
            assert cache.get(constraint, state).ids().tolist() == expected


def test_machines_without_end_are_forgotten_in_part() -> None:
    machine = nested()
    tables = GrowingTables(machine)
    state, byte = machine.start, np.array([ord("a")])
    for _ in range(3 * MAX_PLACES):
        places = tables.step(tables.begin(np.array([state], np.int32)), byte)
        (after,) = tables.states(places).tolist()
        assert after == machine.step(state, ord("a"))
        state = after
    assert tables.num_bytes < 4 * MAX_PLACES * 256 * 8


def test_masks_are_shared_and_counted() -> None:
    vocabulary = Vocabulary.of([b"a", b"b"], [])
    cache = MaskCache(vocabulary, max_mib=1)
    constraint = Constraint(Automaton.from_regex("a{30}"), "closed")
    same = Constraint(Automaton.from_regex("a{15}a{15}"), "closed")
    assert cache.get(constraint, 3) is cache.get(same, 3)
    assert cache.masks_built == 1
    assert cache.get(constraint, 4) is cache.get(constraint, 3)  # another state, the same tokens
    assert cache.masks_built == 2


def test_memory_of_masks_is_bounded() -> None:
    """Every state allows another half of the tokens."""
    tokens = [bytes([i, j]) for i in range(97, 123) for j in range(256)] * 40
    vocabulary = Vocabulary.of(tokens, [])
    parts = [f"[{chr(97 + i)}-{chr(109 + i)}](?s:.)" for i in range(13)] * 5
    constraint = Constraint(
        Automaton.from_regex("|".join(p + "x" * i for i, p in enumerate(parts))), "closed"
    )
    assert constraint.machine.num_states > 40
    cache = MaskCache(vocabulary, max_mib=1)
    for state in range(1, constraint.machine.num_states):
        cache.get(constraint, state)
    assert cache.num_bytes < 2**20 + 2**18


def test_masks_cannot_be_written() -> None:
    cache = MaskCache(Vocabulary.of([b"a"], []), max_mib=1)
    mask = cache.get(Constraint(Automaton.from_regex("a"), "eos"), 1)
    with pytest.raises(ValueError, match="read-only"):
        mask.words[0] = 1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    vocab_size=st.sampled_from([1, 31, 32, 33, 5000]),
    sets=st.lists(st.lists(st.integers(0, 4999), max_size=400), min_size=1, max_size=4),
)
def test_masks_hold_the_tokens_they_are_made_of(vocab_size: int, sets: list[list[int]]) -> None:
    wanted = [sorted({i for i in ids if i < vocab_size}) for ids in sets]
    masks = [Mask.of(np.array(ids, np.int64), vocab_size) for ids in wanted]
    assert [mask.ids().tolist() for mask in masks] == wanted
    buffer = gather(masks)
    assert buffer.shape == (len(masks), -(-vocab_size // 32))
    for row, ids in zip(buffer, wanted, strict=True):
        bits = [i for i in range(vocab_size) if int(row[i // 32]) >> (i % 32) & 1]
        assert bits == ids
