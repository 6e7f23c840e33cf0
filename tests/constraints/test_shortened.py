"""The short members of an automaton: the same language as the product with all lengths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.constraints.pushdown import Pushdown
from sglc.constraints.shortened import Shortened
from sglc.constraints.syntax import Call, Text, seq

PATTERNS = st.sampled_from(
    ["a*", "(ab)*c?", "a{3,5}|b", "[ab]*a[ab]", "x", "", "(abc|d)*", "[^a]b*"]
)


@given(PATTERNS, st.integers(0, 7))
def test_it_is_the_product_with_all_lengths(pattern: str, most: int) -> None:
    members = Automaton.from_regex(pattern)
    expected = members.intersect(Automaton.from_regex(f"(?s)[\\x00-\\x7f]{{0,{most}}}"))
    ascii_only = members.intersect(Automaton.from_regex(r"[\x00-\x7f]*"))
    node = Shortened(ascii_only, most)
    assert node.automaton() == expected
    span = node.span(True)
    if expected.is_empty:
        assert span is None
    else:
        longest = expected.longest_len()
        assert span is not None
        assert span[0] == len(expected.shortest() or b"")
        assert longest is not None
        assert longest <= (span[1] or 0) <= most


@pytest.mark.parametrize("most", [1, 6, 3_000])
def test_only_the_states_that_are_met_are_made(most: int) -> None:
    members = Automaton.from_regex("(ab|c)*d")
    rules = {"s": seq(Text("<"), Call("m"), Text(">")), "m": Shortened(members, most)}
    machine = Pushdown(rules, "s", "test")
    for text in (b"d", b"abd", b"ccccd", b"cccccd", b"ccccccd", b"ab", b""):
        expected = members.accepts(text) and len(text) <= most
        assert machine.accepts(b"<" + text + b">") == expected
        assert machine.prefix_ok(b"<" + text) == (
            (members.prefix_ok(text) and members.completion(members.run(members.start, text)) != b""
            and len(text + members.completion(members.run(members.start, text))) <= most)
            or expected
        )  # fmt: skip
    assert machine.num_states < 60
    walk = machine.completion(machine.start)
    assert walk == b"<d>"
