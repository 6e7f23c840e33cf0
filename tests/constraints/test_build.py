"""The language of each type, when it ends, and how long its members are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints import types as t
from sglc.constraints.automaton import AutomatonTooLarge
from sglc.constraints.language import bounds, end_rule, is_unconstrained, language
from sglc.constraints.patterns import RegexError
from sglc.constraints.syntax import Options, Text, optional, seq
from tests.constraints.strategies import CONSTRAINTS

A, B = t.Literal("a"), t.Literal("b")
NAMED = t.Record((t.Field("n", t.Int()), t.Field("why", t.Optional(t.Str(max=3)))))


@pytest.mark.parametrize(
    ("type_", "inside", "outside"),
    [
        (t.Str(), ["", "a\n", "é"], []),
        (t.Str(1, 2, "[ab]"), ["a", "bb"], ["", "aba", "c"]),
        (t.Line(), [" a", "\r"], ["", "a\n"]),
        (t.Word(), ["a-b"], ["", " a", "a b"]),
        (t.Int(), ["0", "-7", "-0"], ["", "07", " 7", "1.0"]),
        (t.Int(1, 10), ["1", "10"], ["0", "11", "01"]),
        (t.Number(2, 2), ["3", "-12.25"], ["123", "1.", "1.255"]),
        (t.Bool(), ["true", "false"], ["True"]),
        (t.Union((A, t.Int(0, 3))), ["a", "2"], ['"a"', "4"]),
        (t.Optional(t.Int()), ["none", "3"], ["null", ""]),
        (t.Regex("a+"), ["aa"], [""]),
        (t.List(A, 1, 2), ['["a"]', '["a", "a"]'], ["[]", '["a","a"]', "[a]"]),
        (t.Json(1), ['{"a": 1}', "[]", "1.5e3", '"x"'], ["[[]]", '{"a":1}', "tru"]),
        (NAMED, ['{"n": 3, "why": null}', '{"n": 3, "why": "abc"}'], ['{"n": 3}', "none"]),
        (t.Record((t.Field("l", t.Line()),)), [r'{"l": "\"\t"}'], [r'{"l": "\n"}', '{"l": ""}']),
        (t.Str(max=-1), [], [""]),
        (t.Union(()), [], ["", "a"]),
    ],
)
def test_members(type_: t.Type, inside: list[str], outside: list[str]) -> None:
    automaton = language(type_)
    assert [text for text in inside if not automaton.accepts(text.encode())] == []
    assert [text for text in outside if automaton.accepts(text.encode())] == []


@pytest.mark.parametrize(
    ("type_", "rule"),
    [
        (t.Str(), "eos"),
        (t.Optional(t.Str()), "eos"),
        (t.Str(max=3), "leave"),
        (t.Str(2, 2), "closed"),
        (t.Line(), "leave"),
        (t.Word(), "leave"),
        (t.Int(), "leave"),
        (t.Int(1, 10), "leave"),
        (t.Int(1, 9), "closed"),
        (t.Number(), "leave"),
        (t.Bool(), "closed"),
        (t.Union((A, B)), "closed"),
        (t.Union((A, t.Literal("ab"))), "leave"),
        (t.Regex("a{3}"), "closed"),
        (t.Regex("a{2,3}"), "leave"),
        (t.Json(), "leave"),
        (NAMED, "closed"),
        (t.List(t.Int()), "closed"),
    ],
)
def test_end_rules(type_: t.Type, rule: str) -> None:
    assert end_rule(type_) == rule
    assert is_unconstrained(type_) == (rule == "eos")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(CONSTRAINTS)
def test_bounds_are_those_of_the_automaton(type_: t.Type) -> None:
    automaton = language(type_)
    shortest = automaton.shortest()
    assert shortest is not None
    found = bounds(type_)
    assert (found.min_bytes, found.max_bytes) == (len(shortest), automaton.longest_len())
    assert found.min_chars <= len(shortest.decode())
    assert (found.max_chars is None) == (found.max_bytes is None)


def test_bounds_count_characters_and_bytes() -> None:
    assert bounds(t.Str(1, 3, "[aé😀]")) == (1, 12, 1, 3)
    assert bounds(t.Record((t.Field("é", t.Str(max=2, chars='["é]')),))) == (10, 14, 9, 13)
    assert bounds(t.Int(-5, 100)) == (1, 3, 1, 3)
    assert bounds(t.Line()).max_bytes is None


@pytest.mark.parametrize("empty", [t.Union(()), t.Str(3, 2), t.Int(5, 1), t.Regex(r"[^\s\S]a")])
def test_an_empty_type_has_no_bounds(empty: t.Type) -> None:
    assert language(empty).is_empty
    with pytest.raises(ValueError, match="has no member"):
        bounds(empty)


@pytest.mark.parametrize("other", [t.OneOf(), t.Image(), t.List(t.AnyType()), t.NoneType()])
def test_what_no_model_writes_has_no_language(other: t.Type) -> None:
    for ask in (language, bounds, end_rule):
        if not (ask is end_rule and isinstance(other, t.List)):
            with pytest.raises(ValueError, match="is not a constraint"):
                ask(other)  # type: ignore[operator]  # three functions of one type


def test_errors_of_patterns_and_sizes_come_through() -> None:
    with pytest.raises(RegexError):
        language(t.Str(chars="ab"))
    with pytest.raises(RegexError):
        bounds(t.List(t.Regex("(a")))
    with pytest.raises(AutomatonTooLarge):
        language(t.Record((t.Field("a", t.Str(max=300)),)), max_states=999)


def test_a_language_is_kept() -> None:
    assert language(t.Str(max=3)) is language(t.Str(max=3))


@given(st.lists(st.sampled_from(["a", "b", "c", "ab"]), max_size=5))
def test_options_are_what_nested_optionals_are(texts: list[str]) -> None:
    parts = [Text(text) for text in texts]
    one_by_one = seq(*map(optional, parts))
    assert Options(tuple(parts)).automaton() == one_by_one.automaton()
    assert (
        seq(Options(tuple(parts)), Text("!")).automaton() == seq(one_by_one, Text("!")).automaton()
    )


def test_lists_of_different_numbers_stay_apart() -> None:
    threes = t.Schema('{"type": "integer", "multipleOf": 3}')
    fives = t.Schema('{"type": "integer", "multipleOf": 5}')
    both = t.Record((t.Field("a", t.List(threes, 1, 3)), t.Field("b", t.List(fives, 1, 3))))
    assert both.accepts('{"a": [3, 6], "b": [5, 10]}')
    assert not both.accepts('{"a": [3, 6], "b": [3, 6]}')
