"""Types written out as regexes: the pattern has the language of the type."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.constraints.language import language
from sglc.constraints.regex_text import MAX_CHARS, regex_of
from sglc.constraints.types import (
    Bool,
    Both,
    Concat,
    Field,
    Int,
    Json,
    Line,
    List,
    Literal,
    Number,
    Optional,
    Record,
    Regex,
    Str,
    Type,
    Union,
    Word,
)

TYPES: list[Type] = [
    Int(),
    Int(-3, 117),
    Number(3, 2),
    Bool(),
    Line(),
    Word(),
    Str(max=3),
    Str(min=1, max=4, chars=r"[\w\-\]^]"),
    Literal("a.b*[c]\n"),
    Union((Literal("yes"), Literal("no"), Int())),
    Concat((Literal("v"), Int(0, 9), Optional(Bool()))),
    List(Int(0, 5), max=3),
    List(Union((Literal('"'), Word())), min=2),
    Record((Field("name", Str()), Field("age", Int(0, 150)), Field('a"b', Optional(Line())))),
    Record((Field("words", List(Str(chars=r"[a-c\"\\\n]"))),)),
]


@pytest.mark.parametrize("t", TYPES, ids=str)
def test_the_pattern_has_the_language_of_the_type(t: Type) -> None:
    pattern = regex_of(t)
    assert pattern is not None
    assert Automaton.from_regex(pattern) == language(t)
    re.compile(pattern)


TEXTS = st.text(st.sampled_from('ab.*\\"]^-\n\té😀'), max_size=4)
LEAVES = (
    st.builds(Literal, TEXTS)
    | st.tuples(st.integers(-99, 99), st.integers(0, 200)).map(lambda p: Int(p[0], p[0] + p[1]))
    | st.sampled_from([Bool(), Line(), Word(), Str(), Int(), Number(2, 1)])
    | st.sampled_from(["a{2,3}", "[^x]|y+", r"\w\d?", r"(?:ab)*\.", "é|[α-ω]"]).map(Regex)
    | st.builds(lambda least, more: Str(least, least + more), st.integers(0, 2), st.integers(0, 2))
)


def _composed(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    fields = st.dictionaries(st.sampled_from(["a", 'b"', "c d"]), inner, max_size=2)
    return (
        some.map(Union)
        | some.map(Concat)
        | inner.map(Optional)
        | st.builds(lambda t, most: List(t, 0, most), inner, st.none() | st.integers(0, 2))
        | fields.map(lambda d: Record(tuple(Field(k, t) for k, t in d.items())))
    )


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(t=st.recursive(LEAVES, _composed, max_leaves=5))
def test_every_pattern_has_the_language_of_its_type(t: Type) -> None:
    try:
        wanted = language(t, max_states=5_000)
    except ValueError:  # a part of it is no text, or it is too large
        return
    pattern = regex_of(t)
    if pattern is not None:
        assert Automaton.from_regex(pattern) == wanted
        re.compile(pattern)


def test_a_regex_is_sent_as_it_was_written() -> None:
    assert regex_of(Regex(r"\d{4}-(?:0\d|1[0-2])")) == r"\d{4}-(?:0\d|1[0-2])"


@pytest.mark.parametrize(
    "t",
    [Json(), Both((Str(), Regex("a*"))), Literal("x" * (MAX_CHARS + 1))],
    ids=["json", "both", "long"],
)
def test_no_pattern_for_what_has_none(t: Type) -> None:
    assert regex_of(t) is None
