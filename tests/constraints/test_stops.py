"""Stop texts in the machine: every string is judged as the rule in words judges it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints import types as t
from sglc.constraints.automaton import Automaton
from sglc.constraints.language import end_rule, language, parse, until
from sglc.constraints.stops import MAX_STOP_BYTES, stopped
from sglc.constraints.work import AutomatonTooLarge

STOPS = st.lists(st.text(st.sampled_from("abé"), min_size=1, max_size=3), min_size=1, max_size=3)
PATTERNS = [
    "[abé]*",
    "[ab]+",
    "a*b?",
    "(ab|ba)*",
    "(a|b|é){0,3}",
    "(aa)+b*",
    "é[ab]*",
    "(ab)?",
    "aab",
]
TEXTS = ["".join(x) for n in range(6) for x in itertools.product("abé", repeat=n)]


def end_of(text: str, stops: list[str]) -> tuple[str, bool] | None:
    """What stands before the stop text that is complete first, and whether it ends there."""
    for size in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:size].endswith(stop)]
        if found:
            longest = max(found, key=len)
            return text[: size - len(longest)], size == len(text)
    return None


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pattern=st.sampled_from(PATTERNS), stops=STOPS)
def test_members_are_free_of_stops_or_end_with_the_first_one(
    pattern: str, stops: list[str]
) -> None:
    machine = Automaton.from_regex(pattern)
    made = stopped(machine, stops)
    for text in TEXTS:
        found = end_of(text, stops)
        if found is None:
            wanted = machine.accepts(text.encode())
        else:
            before, is_at_end = found
            wanted = is_at_end and not machine.is_closed and machine.accepts(before.encode())
        assert made.accepts(text.encode()) == wanted, (pattern, stops, text)


def test_a_stop_ends_inside_of_no_character() -> None:
    made = stopped(Automaton.from_regex("[aé]*"), ["é"])
    assert made.accepts("aé".encode())
    assert not made.prefix_ok("aéa".encode())
    assert made.is_complete(made.run(made.start, "aé".encode()))


def test_nothing_goes_on_behind_a_stop() -> None:
    made = stopped(Automaton.from_regex(r"[^\n]+"), [".", "!?"])
    assert made.accepts(b"one.")
    assert not made.prefix_ok(b"one. ")
    assert made.accepts(b"one!!?")
    assert not made.prefix_ok(b".")  # nothing before it: no member


def test_what_closes_by_itself_is_only_kept_free() -> None:
    choices = Automaton.from_strings(["a.b", "c"])
    assert stopped(choices, ["."]) == Automaton.from_strings(["c"])


def test_its_size_is_bounded() -> None:
    with pytest.raises(AutomatonTooLarge):
        stopped(Automaton.from_regex("[ab]*a[ab]{6}"), ["ba" * 8], max_states=40)
    with pytest.raises(ValueError, match="too long"):
        stopped(Automaton.from_regex("a*"), ["x" * (MAX_STOP_BYTES + 1)])


def test_types_with_stops() -> None:
    line = until(t.Line(), (".", "."))
    assert line == t.Stopped(t.Line(), (".",))
    assert str(line) == 'line up to "."'
    assert end_rule(line) == "leave"
    assert language(line).accepts(b"one.")
    assert parse(line, "one") == "one"
    with pytest.raises(ValueError, match="not a line"):
        parse(line, "one\ntwo")
    assert until(t.Int(), ()) == t.Int()
    assert until(t.Str(), (".",)) == t.Str()  # any text goes: what stops it is found in it


def test_no_text_and_no_end_are_told() -> None:
    with pytest.raises(ValueError, match="every text of it contains a stop text"):
        language(until(t.Literal("a.b"), (".",)))
    grammar = t.Grammar('start: "(" start? ")"')
    with pytest.raises(ValueError, match="no stop text goes with it"):
        language(until(grammar, (".",)))
