"""Rules against the sets of short texts that they stand for, and against automata."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.json_text import array
from sglc.constraints.machine import TooAmbiguousError
from sglc.constraints.pushdown import Pushdown
from sglc.constraints.syntax import (
    Alt,
    Call,
    Chars,
    Joined,
    Node,
    Options,
    Repeat,
    Seq,
    Text,
    alt,
    seq,
)
from tests.constraints.strategies import SMALL_PATTERNS

LONGEST = 5
NAMES = ("s", "a", "b")


def texts(node: Node, known: dict[str, set[str]]) -> set[str]:
    """The texts of ``node`` of at most LONGEST letters, given those of the rules."""
    match node:
        case Text(text):
            found = {text}
        case Chars(ranges):
            found = {chr(c) for low, high in ranges for c in range(low, high + 1)}
        case Alt(options):
            found = set().union(*(texts(o, known) for o in options))
        case Seq(parts):
            found = {""}
            for part in parts:
                more = texts(part, known)
                found = {x + y for x in found for y in more if len(x + y) <= LONGEST}
        case Options(parts):
            found = texts(Seq(tuple(alt(Text(""), part) for part in parts)), known)
        case Joined(item, between):
            found = texts(seq(item, Repeat(seq(between, item), 0, None)), known)
        case Repeat(inner, least, most):
            one = texts(inner, known)
            found, turn = set(), {""}
            for count in range((LONGEST if most is None else most) + least + 1):
                found |= turn if count >= least and (most is None or count <= most) else set()
                turn = {x + y for x in turn for y in one if len(x + y) <= LONGEST}
        case Call(name):
            found = set(known[name])
        case _:
            raise AssertionError(node)
    return {text for text in found if len(text) <= LONGEST}


def members(machine: Pushdown, max_bytes: int) -> Iterator[bytes]:
    """All members of at most ``max_bytes`` bytes, in no particular order."""
    todo = [(machine.start, b"")] if machine.start else []
    while todo:
        state, text = todo.pop()
        if machine.is_accepting(state):
            yield text
        if len(text) < max_bytes:
            todo += [(machine.step(state, b), text + bytes([b])) for b in machine.next_bytes(state)]


def language_of(rules: dict[str, Node]) -> dict[str, set[str]]:
    known: dict[str, set[str]] = {name: set() for name in rules}
    while True:
        again = {name: texts(node, known) for name, node in rules.items()}
        if again == known:
            return known
        known = again


LEAVES = st.one_of(
    st.sampled_from([Text("x"), Text("y"), Text("xy"), Text(""), Alt(())]),
    st.sampled_from([Chars(((0x78, 0x79),)), Repeat(Text("x"), 1, 2)]),
    st.sampled_from(NAMES).map(Call),
)
NODES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda n: Seq(tuple(n))),
        st.lists(inner, min_size=2, max_size=3).map(lambda n: Alt(tuple(n))),
        st.lists(inner, min_size=1, max_size=3).map(lambda n: Options(tuple(n))),
        st.tuples(LEAVES.filter(lambda n: not isinstance(n, Call)), st.integers(0, 1)).map(
            lambda n: Repeat(n[0], n[1], None)
        ),
    ),
    max_leaves=7,
)
RULES = st.fixed_dictionaries(dict.fromkeys(NAMES, NODES))


@settings(max_examples=600, deadline=None)
@given(RULES)
def test_rules_have_the_texts_that_their_definition_says(rules: dict[str, Node]) -> None:
    known = language_of(rules)["s"]
    machine = Pushdown(rules, "s", "")
    found = {text.decode() for text in members(machine, LONGEST)}
    assert found == known
    assert machine.num_states < 2000
    starts = {text[:n] for text in known for n in range(len(text) + 1)}
    for length in range(LONGEST - 1):
        for letters in itertools.product("xy", repeat=length):
            text = "".join(letters)
            if text in starts:
                assert machine.prefix_ok(text.encode())
            state = machine.run(machine.start, text.encode())
            if state:
                check_state(machine, state)


def check_state(machine: Pushdown, state: int) -> None:
    """``completion`` and ``forced`` do what they promise; so the state is not a dead end."""
    way = machine.completion(state)
    assert machine.is_accepting(machine.run(state, way))
    assert machine.is_accepting(state) == (not way)
    following = machine.next_bytes(state)
    assert machine.is_complete(state) == (machine.is_accepting(state) and not following)
    if way:
        after = [len(machine.completion(machine.step(state, byte))) for byte in following]
        assert min(after) == len(way) - 1
        assert following[after.index(min(after))] == way[0]
        assert machine.completion(machine.step(state, way[0])) == way[1:]
    forced = machine.forced(state)
    assert way.startswith(forced)
    if len(following) == 1 and not machine.is_accepting(state):
        assert forced[:1] == following
    at = machine.run(state, forced)
    assert machine.is_accepting(at) or len(machine.next_bytes(at)) > 1


@given(SMALL_PATTERNS)
def test_rules_without_calls_are_automata(pattern: str) -> None:
    from sglc.constraints.patterns import parse_regex

    node = parse_regex(pattern)
    automaton = node.automaton()
    machine = Pushdown({"s": node}, "s", "")
    pairs = {(automaton.start, machine.start)}
    todo = list(pairs)
    while todo:
        mine, theirs = todo.pop()
        assert (mine == 0) == (theirs == 0)
        assert automaton.is_accepting(mine) == machine.is_accepting(theirs)
        assert automaton.completion(mine) == machine.completion(theirs)
        assert automaton.forced(mine) == machine.forced(theirs)
        for byte in {*automaton.edges(mine), *machine.next_bytes(theirs)}:
            pair = (automaton.step(mine, byte), machine.step(theirs, byte))
            if pair not in pairs:
                pairs.add(pair)
                todo.append(pair)


def test_nesting_has_no_limit_and_lists_do_not_grow_the_machine() -> None:
    machine = Pushdown({"v": alt(Text("1"), array(Call("v")))}, "v", "")
    deep = b"[" * 10_000 + b"1" + b"]" * 10_000
    assert machine.accepts(deep)
    assert not machine.accepts(deep[:-1])
    assert machine.prefix_ok(deep[:-1])
    flat = Pushdown({"v": alt(Text("1"), array(Call("v")))}, "v", "")
    assert flat.accepts(b"[" + b"1, " * 10_000 + b"1]")
    assert flat.num_states < 20


def test_right_recursion_does_not_nest() -> None:
    machine = Pushdown({"l": alt(Text("x"), seq(Text("x,"), Call("l")))}, "l", "")
    assert machine.accepts(b"x," * 5_000 + b"x")
    assert machine.num_states < 10


def test_a_copy_numbers_its_states_for_itself() -> None:
    machine = Pushdown({"v": alt(Text("1"), array(Call("v")))}, "v", "d")
    again = pickle.loads(pickle.dumps(machine))
    assert (again.digest, again.start) == (machine.digest, machine.start)
    assert again.key != machine.key
    assert again.accepts(b"[1, [1]]")


def test_a_fresh_machine_has_forgotten_what_was_met() -> None:
    machine = Pushdown({"v": alt(Text("1"), array(Call("v")))}, "v", "d")
    few = machine.num_states
    assert machine.accepts(b"[" * 50 + b"1" + b"]" * 50)
    other = machine.fresh()
    assert other.num_states == few < machine.num_states
    assert other.key != machine.key
    assert other.accepts(b"[[1], 1]")
    assert machine.accepts(b"[[1], 1]")


def test_an_ambiguous_sum_stays_small() -> None:
    grammar = {"e": alt(Text("n"), seq(Call("e"), Text("+"), Call("e")))}
    machine = Pushdown(grammar, "e", "")
    assert machine.accepts(b"n" + b"+n" * 200)
    assert not machine.accepts(b"n" + b"+n" * 200 + b"+")


def test_a_text_with_too_many_readings_is_an_error() -> None:
    machine = Pushdown({"s": alt(Text("a"), seq(Call("s"), Call("s")))}, "s", "")
    assert machine.accepts(b"a" * 30)
    with pytest.raises(TooAmbiguousError, match="too many ways"):
        machine.accepts(b"a" * 500)
    assert machine.accepts(b"a" * 30)


def test_rules_that_never_end_are_left_out() -> None:
    rules = {
        "s": alt(Text("a"), seq(Text("b"), Call("loop"))),
        "loop": seq(Text("c"), Call("loop")),
    }
    machine = Pushdown(rules, "s", "")
    assert machine.next_bytes(machine.start) == b"a"
    assert Pushdown(rules, "loop", "").start == 0


def test_a_rule_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="missing"):
        Pushdown({"s": Call("missing")}, "s", "")
