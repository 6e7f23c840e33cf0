"""Automata: minimal, canonical, and closed under the operations of sets."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton, AutomatonTooLarge
from tests.constraints.strategies import SMALL_PATTERNS, num_distinct

from_regex = Automaton.from_regex
WORDS = ["".join(word) for n in range(5) for word in itertools.product("abé", repeat=n)]


def members(automaton: Automaton) -> set[str]:
    return {word for word in WORDS if automaton.accepts(word.encode())}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(SMALL_PATTERNS, SMALL_PATTERNS)
def test_operations_are_those_of_sets(one: str, other: str) -> None:
    left, right = from_regex(one), from_regex(other)
    mine, theirs = members(left), members(right)
    assert members(left.union(right)) == mine | theirs
    assert members(left.intersect(right)) == mine & theirs
    assert members(left.difference(right)) == mine - theirs
    assert members(left.complement()) == set(WORDS) - mine
    assert members(left.concat(right)) == {x + y for x in mine for y in theirs} & set(WORDS)
    assert members(left.after(b"a")) >= {w[1:] for w in mine if w.startswith("a")}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(SMALL_PATTERNS, SMALL_PATTERNS)
def test_equal_languages_are_equal_automata(one: str, other: str) -> None:
    left, right = from_regex(one), from_regex(other)
    assert left.union(right) == from_regex(f"(?:{other})|(?:{one})") == right.union(left)
    assert left.concat(right) == from_regex(f"(?:{one})(?:{other})")
    assert left.repeat(2, 3) == from_regex(f"(?:{one}){{2,3}}") == left.concat(left.repeat(1, 2))
    assert left.star() == from_regex(f"(?:{one})*") == left.star().star()
    assert left.difference(left.difference(right)) == left.intersect(right)
    assert left.complement().complement() == left
    assert left.difference(left) == Automaton.empty()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(SMALL_PATTERNS, SMALL_PATTERNS, st.integers(0, 2), st.integers(2, 3))
def test_automata_are_minimal(one: str, other: str, least: int, most: int) -> None:
    left, right = from_regex(one), from_regex(other)
    made = [left, left.concat(right), left.union(right), left.difference(right), left.complement()]
    for automaton in (*made, left.repeat(least, most), left.repeat(least, None)):
        assert num_distinct(automaton) == automaton.num_states
        assert len(set(zip(*(row[0] for row in automaton.rows), strict=True))) == (
            automaton.num_classes
        )


@pytest.mark.parametrize(
    "pattern",
    ["(?:(?:ac)*(?:b|dc)){1,3}", "ab(?:ab)*", "(?:a*|[ab]+)c", "(?:xab|yab|ab)(?:ab)*(?:cd)*"],
)
def test_states_merge_across_cycles(pattern: str) -> None:
    automaton = from_regex(pattern)
    assert num_distinct(automaton) == automaton.num_states


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SMALL_PATTERNS)
def test_lengths_are_those_of_the_members(pattern: str) -> None:
    automaton = from_regex(pattern)
    sizes = [len(word.encode()) for word in members(automaton)]
    shortest = automaton.shortest()
    assert shortest is not None
    assert automaton.accepts(shortest)
    assert not sizes or len(shortest) <= min(sizes)
    longest = automaton.longest_len()
    assert automaton.is_finite == (longest is not None)
    if longest is not None:
        assert (
            from_regex(f"(?:{pattern})").intersect(from_regex("(?s:.*)")).longest_len()
            == longest
            >= len(shortest)
        )
        assert not sizes or longest >= max(sizes)


def test_forced_bytes_stop_at_a_choice_or_an_end() -> None:
    automaton = Automaton.from_strings(["grade: A", "grade: B", "é!"])
    assert automaton.forced(automaton.start) == b""
    state = automaton.run(automaton.start, b"g")
    assert automaton.forced(state) == b"rade: "
    assert automaton.forced(automaton.run(state, b"rade: B")) == b""
    assert automaton.forced(automaton.run(automaton.start, b"\xc3")) == b"\xa9!"
    assert automaton.forced(0) == b""


def test_table_and_steps_agree() -> None:
    automaton = from_regex(r"\w{1,2}|é+")
    for state in range(0, automaton.num_states, 7):
        edges = automaton.edges(state)
        for byte in range(256):
            cell = state * automaton.num_classes + automaton.classes[byte]
            assert automaton.table[cell] == automaton.step(state, byte)
            assert edges.get(byte, 0) == automaton.table[cell]
    assert not any(automaton.step(0, byte) for byte in range(256))


def test_prefixes_of_members_are_alive() -> None:
    automaton = from_regex("é(?:ab)+")
    assert automaton.prefix_ok(b"\xc3")
    assert automaton.prefix_ok("éaba".encode())
    assert not automaton.prefix_ok("éb".encode())
    assert not automaton.accepts("éaba".encode())


def test_the_empty_language_has_only_the_dead_state() -> None:
    empty = Automaton.empty()
    assert (empty.num_states, empty.start, empty.is_empty, empty.shortest()) == (1, 0, True, None)
    assert empty == from_regex("a").intersect(from_regex("b")) == Automaton.from_strings([])
    assert empty == Automaton.any_of([]) == from_regex(r"[^\s\S]") == empty.concat(empty)
    assert empty.optional() == Automaton.sequence([]) == Automaton.from_strings([""])
    assert empty.longest_len() == 0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=4), max_size=6))
def test_strings_are_exactly_the_members(texts: list[str]) -> None:
    automaton = Automaton.from_strings(texts)
    alone = [Automaton.from_strings([text]) for text in texts]
    assert automaton == Automaton.any_of(alone)
    assert all(automaton.accepts(text.encode()) for text in texts)
    assert automaton.longest_len() == max((len(text.encode()) for text in texts), default=0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SMALL_PATTERNS)
def test_data_round_trips_through_json(pattern: str) -> None:
    automaton = from_regex(pattern)
    assert Automaton.from_data(json.loads(json.dumps(automaton.to_data()))) == automaton


@pytest.mark.parametrize("change", [{"rows": [[0], [0, 7]]}, {"classes": "00"}, {"patterns": []}])
def test_foreign_data_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not the data"):
        Automaton.from_data(from_regex("ab*").to_data() | change)


def test_digests_do_not_change() -> None:
    assert from_regex("ab*").digest == Automaton.from_data(from_regex("ab*").to_data()).digest
    assert from_regex("ab*").digest != from_regex("ab").digest
    assert len(from_regex("ab*").digest) == 64


@pytest.mark.parametrize(
    "pattern", ["a{0,999}", "(?:a|b)*a(?:a|b){12}", r"\w{0,30}", "(?:ab|a){0,999}"]
)
def test_too_large_is_an_error_that_says_what_to_do(pattern: str) -> None:
    with pytest.raises(
        AutomatonTooLarge, match="more than 500 states, or the work of as many: bound"
    ) as caught:
        from_regex(pattern, max_states=500)
    assert caught.value.max_states == 500


def test_an_automaton_of_the_largest_size_is_made() -> None:
    assert from_regex("a{0,498}", max_states=500).num_states == 500


@given(SMALL_PATTERNS)
def test_completion_is_the_first_shortest_way_to_a_member(pattern: str) -> None:
    automaton = Automaton.from_regex(pattern)
    for state in range(1, min(automaton.num_states, 12)):
        way = automaton.completion(state)
        assert automaton.is_accepting(automaton.run(state, way))
        if way:
            after = automaton.step(state, way[0])
            assert automaton.completion(after) == way[1:]
            assert not automaton.is_accepting(state)
            for byte, target in automaton.edges(state).items():
                assert len(automaton.completion(target)) + 1 >= len(way)
                if byte < way[0]:
                    assert len(automaton.completion(target)) + 1 > len(way)
