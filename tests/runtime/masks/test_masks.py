"""Masks against the definition of the end rules, token by token and byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.runtime.core.script import Constraint, EndRule
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.masks.cache import MaskCache

PATTERNS = ["a*", "(a|ab)c?", "[ab]{2,4}", "a?b?", '"[^"]*"', "é+", "(ab|ba)+c", ".{0,3}"]
TOKENS = st.lists(st.text('abcé"', max_size=4).map(str.encode) | st.binary(max_size=3), max_size=25)


def brute_force(constraint: Constraint, state: int, vocabulary: Vocabulary) -> list[bool]:
    """What ``core/script.py`` says about each token."""
    automaton, end = constraint.machine, constraint.end
    allowed = []
    for token, piece in enumerate(vocabulary.token_bytes):
        accepting = automaton.is_accepting(state)
        if not piece:
            is_eos = token in vocabulary.eos_ids
            allowed.append(accepting and (end == "leave" or (end == "eos" and is_eos)))
            continue
        alive = automaton.run(state, piece) != 0
        passes = any(
            automaton.is_accepting(automaton.run(state, piece[:n])) for n in range(len(piece) + 1)
        )
        allowed.append(alive or (end == "leave" and passes))
    return allowed


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    tokens=TOKENS,
    pattern=st.sampled_from(PATTERNS),
    end=st.sampled_from(["closed", "leave", "eos"]),
)
def test_mask_is_what_the_end_rule_says(tokens: list[bytes], pattern: str, end: EndRule) -> None:
    vocabulary = Vocabulary.of([*tokens, b"", b""], [len(tokens)])
    automaton = Automaton.from_regex(pattern)
    constraint = Constraint(automaton, end)
    cache = MaskCache(vocabulary, max_mib=1)
    for state in range(1, automaton.num_states):
        expected = brute_force(constraint, state, vocabulary)
        mask = cache.get(constraint, state)
        assert (~mask.forbidden).tolist() == expected


def test_masks_are_shared_and_bounded() -> None:
    vocabulary = Vocabulary.of([b"a", b"b"] + [b"z" * 5] * 2**16, [])
    cache = MaskCache(vocabulary, max_mib=1)
    constraint = Constraint(Automaton.from_regex("a{30}"), "closed")
    same = Constraint(Automaton.from_regex("a{15}a{15}"), "closed")
    assert cache.get(constraint, 3) is cache.get(same, 3)
    assert cache.masks_built == 1
    for state in range(4, 20):
        cache.get(constraint, state)
    cache.get(constraint, 3)
    assert cache.masks_built == 18  # 16 are kept, state 3 was the oldest


def test_masks_cannot_be_written() -> None:
    cache = MaskCache(Vocabulary.of([b"a"], []), max_mib=1)
    mask = cache.get(Constraint(Automaton.from_regex("a"), "eos"), 1)
    with pytest.raises(ValueError, match="read-only"):
        mask.forbidden[0] = True
