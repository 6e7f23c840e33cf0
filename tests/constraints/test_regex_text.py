"""Types written out as regexes: the pattern has the language of the type."""

from __future__ import annotations

import re

import pytest

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


def test_a_regex_is_sent_as_it_was_written() -> None:
    assert regex_of(Regex(r"\d{4}-(?:0\d|1[0-2])")) == r"\d{4}-(?:0\d|1[0-2])"


@pytest.mark.parametrize(
    "t",
    [Json(), Both((Str(), Regex("a*"))), Literal("x" * (MAX_CHARS + 1))],
    ids=["json", "both", "long"],
)
def test_no_pattern_for_what_has_none(t: Type) -> None:
    assert regex_of(t) is None
