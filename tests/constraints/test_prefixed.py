"""A machine behind a prefix says what the automaton of both, one after the other, says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.constraints.prefixed import Prefixed, any_bytes
from sglc.constraints.pushdown import Pushdown
from sglc.constraints.syntax import Call, Text, alt, seq
from tests.constraints.strategies import SMALL_PATTERNS

PREFIXES = st.sampled_from([b"a", b"ab", b"ba", "é".encode(), "é".encode()[1:], b"\xff"])
DATA = st.lists(st.sampled_from([b"a", b"b", b"\xc3", b"\xa9", b"\xff"]), max_size=7).map(b"".join)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(pattern=SMALL_PATTERNS, prefix=PREFIXES, data=DATA, more=DATA)
def test_it_is_the_concatenation(pattern: str, prefix: bytes, data: bytes, more: bytes) -> None:
    inner = Automaton.from_regex(pattern)
    made = Prefixed(prefix, inner)
    whole = Automaton.from_strings([prefix]).concat(inner)
    data = prefix[: len(data)] + data if more.startswith(b"a") else data
    state, other = made.run(made.start, data), whole.run(whole.start, data)
    assert bool(state) == bool(other) == made.prefix_ok(data)
    assert made.accepts(data) == whole.accepts(data) == made.is_accepting(state)
    assert made.is_complete(state) == whole.is_complete(other)
    assert made.forced(state) == whole.forced(other)
    assert made.completion(state) == whole.completion(other)
    assert made.run(state, more) == made.run(made.start, data + more) if state else True
    stepped = made.start
    for byte in data:
        stepped = made.step(stepped, byte)
    assert stepped == state
    assert state < made.num_states
    assert made.longest() == whole.longest()
    assert bool(made.inner_state(state)) == (state > 0 and len(data) >= len(prefix))


def test_it_goes_before_what_nests_without_end() -> None:
    rules = {"s": alt(Text(""), seq(Text("("), Call("s"), Text(")")))}
    made = Prefixed(b"x", Pushdown(rules, "s", "nested"))
    assert made.accepts(b"x((()))")
    assert made.completion(made.run(made.start, b"x((")) == b"))"
    assert made.key == Prefixed(b"x", made.inner).key != Prefixed(b"y", made.inner).key
    assert made.digest != Prefixed(b"y", made.inner).digest
    fresh = made.fresh()
    assert fresh.accepts(b"x()")


@pytest.mark.parametrize("data", [b"", b"\xff\x00", "é".encode()])
def test_any_bytes_are_any_bytes(data: bytes) -> None:
    assert any_bytes().accepts(data)
    assert Prefixed(b"a", any_bytes()).accepts(b"a" + data)
    assert Prefixed(b"a", any_bytes()).fresh() is not None


def test_without_members_there_is_no_start() -> None:
    assert Prefixed(b"a", Automaton.empty()).start == 0
