"""JSON texts: what json.loads reads, spelled as json.dumps spells it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints import json_text
from sglc.constraints.patterns import parse_regex
from sglc.constraints.syntax import Node, Text, alt, seq
from tests.constraints.strategies import PATTERNS, random_member

_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _FLOATS, st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def depth(value: Any) -> int:
    if isinstance(value, list | dict):
        items = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, items), default=0)
    return 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(VALUES, st.integers(0, 3))
def test_values_up_to_a_depth(value: Any, limit: int) -> None:
    data = json.dumps(value, ensure_ascii=False).encode()
    assert json_text.Value(limit).automaton().accepts(data) == (depth(value) <= limit)


def test_members_of_a_value_are_json() -> None:
    rng = random.Random(7)
    automaton = json_text.Value(2).automaton()
    for _ in range(60):
        assert depth(json.loads(random_member(automaton, rng))) <= 2


@settings(max_examples=40, deadline=None, derandomize=True)
@given(PATTERNS, st.text(st.sampled_from('ab"\\\n\té\x01😀/'), max_size=3))
def test_strings_hold_what_the_pattern_matches(pattern: str, text: str) -> None:
    node = parse_regex(pattern)
    plain, quoted = node.automaton(), json_text.string(node).automaton()
    spelled = json.dumps(text, ensure_ascii=False).encode()
    assert quoted.accepts(spelled) == plain.accepts(text.encode())
    decoded = json.loads(random_member(quoted, random.Random(1)))
    assert plain.accepts(decoded.encode())


def test_any_string_counts_decoded_characters() -> None:
    automaton = json_text.any_string(1, 2).automaton()
    for text in ('"a"', '"é😀"', r'"\"\\"', r'"\/\n"', r'"\u00e9\u0000"', r'"\ufFfF"'):
        assert automaton.accepts(text.encode()), text
        assert 1 <= len(json.loads(text)) <= 2
    for text in ('""', '"abc"', '"\n"', r'"\x"', r'"\u12"', r'"\ud83d\ude00"', '"a', 'a"'):
        assert not automaton.accepts(text.encode()), text


@pytest.mark.parametrize(
    ("least", "most", "sizes"),
    [
        (0, None, range(9)),
        (2, None, range(2, 9)),
        (0, 0, [0]),
        (0, 2, range(3)),
        (1, 3, range(1, 4)),
        (3, 3, [3]),
        (3, 2, []),
        (1, 0, []),
    ],
)
@pytest.mark.parametrize("item", [alt(Text("1"), Text("12")), Text('"x"')])
def test_arrays_of_a_size(least: int, most: int | None, sizes: list[int], item: Node) -> None:
    automaton = json_text.array(item, least, most).automaton()
    first = json.loads((item.automaton().shortest() or b"").decode())
    for size in range(9):
        assert automaton.accepts(json.dumps([first] * size).encode()) == (size in sizes)


def test_records_have_their_keys_in_order() -> None:
    automaton = json_text.record([("a", Text("1")), ('q"', Text("null"))]).automaton()
    assert automaton.shortest() == json.dumps({"a": 1, 'q"': None}).encode()
    assert automaton.longest_len() == len(automaton.shortest() or b"")
    assert json_text.record([]).automaton().shortest() == b"{}"
    assert seq() == Text("")
