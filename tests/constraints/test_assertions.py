"""Anchors, word boundaries and lookaround: every short text against Python's own engine."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.assertions import MARKS
from sglc.constraints.automaton import Automaton
from sglc.constraints.erasure import erase
from sglc.constraints.json_text import string
from sglc.constraints.patterns import parse_regex
from sglc.constraints.work import AutomatonTooLarge, Work

TEXTS = ["".join(text) for n in range(5) for text in itertools.product("ab\né ", repeat=n)]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bab", r".\b.", r"\B", r"(\B|a)*", r".*\Ba", r"\b(?a:\b).*", r"(?a)(\b.|é)+",
        r"a$\n", r"a$\n?b?", r"(?s).*$.*", r"(?ms).*$.*", r"(?m)(^.$\n?)*", r"(?ms).*^a",
        r"(^a|b)*", r"(?s)(.\Z|.)*", r"(?s)(\A|.)*", r"(?:\b|a){3}", r"(?:$|a|\n)*",
        r"(?=.*a)[ab]{2,3}", r"(?!.*aa)[ab]*", r"[ab]*(?<=ab)", r"[ab]*(?<!ab)b?",
        r"(?:a(?=b)|b(?=a)|b$)*", r"(?<!b)|a", r"(?=a)|(?!b)a|(?<=a)(?<!é)", r"(?=(a|b)c?)\w*",
        r"(?s)(?=a).(?=b).(?!a).?(?<=.).?", r"(?!)|a", r"(?=)a",
        r"(?:a(?!$)|b)*\n?", r"(?:(?<!^)a|b)*", r"(?=[ab]+$)\w*\n*", r"(?m)(?s:.(?=a$))*.*",
        r"(?m)(?:(?<=^)a|[b\n](?!\Z))*.?", r"(?!.*b$|ab\Z)\w*", r"(?s).*(?<=\Aa)b.*",
        r"(?m)(?=a*$)[ab\n]*(?<!^)",
    ],
)  # fmt: skip
def test_assertions_mean_what_python_means(pattern: str) -> None:
    automaton, compiled = Automaton.from_regex(pattern), re.compile(pattern)
    for text in TEXTS:
        assert automaton.accepts(text.encode()) == bool(compiled.fullmatch(text)), text


def test_assertions_see_characters_not_their_spelling() -> None:
    inside = string(parse_regex(r"(?s)(?:.(?<!\n)|\n(?!\n))*")).automaton()
    assert inside.accepts(rb'"a\nb\n"')
    assert not inside.accepts(rb'"a\n\nb"')
    assert inside.accepts(rb'"n\\n"')


def test_lengths_are_safe() -> None:
    node = parse_regex(r"(?=ab?)\w{1,3}\b.?")
    assert node.span(False) == (1, 4)
    assert node.automaton().longest_len() <= node.span(True)[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=5), max_size=8), st.sets(st.sampled_from(b"\x00\x01ab\xff")))
def test_erasing_takes_the_bytes_out(members: Sequence[bytes], erased: set[int]) -> None:
    gone = bytes(sorted(erased))
    expected = [bytes(b for b in member if b not in erased) for member in members]
    assert erase(Automaton.from_strings(members), gone, Work()) == Automaton.from_strings(expected)


def test_erasing_is_bounded() -> None:
    mark = MARKS[:1].decode("latin-1")
    any_, rest = (
        Automaton.from_strings([b"a", b"b"]),
        Automaton.from_strings([mark.encode("latin-1")]),
    )
    automaton = any_.star().concat(rest, Automaton.from_strings([b"a"]), any_.repeat(12, 12))
    assert erase(automaton, MARKS[:1], Work()).num_states == 2**13 + 1
    with pytest.raises(AutomatonTooLarge):
        erase(automaton, MARKS[:1], Work(5_000))
