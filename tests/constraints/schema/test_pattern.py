"""Patterns: found as `re.search` finds them, and never where dialects disagree."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.constraints.automaton import MAX_STATES
from sglc.constraints.schema.pattern import PatternError, found

PIECES = st.sampled_from(
    [
        "a",
        "b",
        "^",
        "$",
        "(?:^|a)",
        "(b$|a)",
        "a*",
        "(?=a)",
        "(?!b)",
        "(?<=a)",
        r"\b",
        r"\B",
        "x|^b",
    ]
)
TEXTS = ["".join(text) for n in range(5) for text in itertools.product("abx", repeat=n)]


@given(st.lists(PIECES, max_size=4).map("".join))
def test_a_pattern_is_found_where_re_finds_it(pattern: str) -> None:
    automaton = found(pattern, MAX_STATES)
    for text in TEXTS:
        expected = re.search(pattern, text) is not None
        if pattern.count(r"\B") and not text:
            continue  # the dialects disagree about \B in the empty text
        assert automaton.accepts(text.encode()) == expected, text


@pytest.mark.parametrize(
    "pattern",
    [
        "^a$",
        "a$|b",
        "^.*$",
        "x(?!.)",
        r"^\s*$",
        r"^\S+$",
        r"\W",
        r"[^\d]",
        r"^(?!a$).*$",
        "(a$|b)c?",
    ],
)
def test_what_surely_matches_does_in_python_and_what_may_not_does_not(pattern: str) -> None:
    surely, maybe = found(pattern, MAX_STATES), found(pattern, MAX_STATES, False)
    assert surely.difference(maybe).is_empty
    for text in (
        "a",
        "a\n",
        "\r",
        "x\r",
        "\ufeff",
        "\x1c",
        "é",
        "٣",
        "b",
        "",
        "\n",
        "x\u2028",
        "bc",
    ):
        if surely.accepts(text.encode()):
            assert re.search(pattern, text), text
        if not maybe.accepts(text.encode()):
            assert not re.search(pattern, text), text


@pytest.mark.parametrize(
    ("pattern", "members", "others"),
    [
        (r"^(?<year>\d{4})$", ["2024"], ["202", "٢٠٢٤"]),
        (r"^\cA[^]$", ["\x01\n", "\x01é"], ["\x01"]),
        ("^[]$", [], ["", "x"]),
        (r"^x{,3}$", ["x{,3}"], ["xx", ""]),
        (r"^\ud83d\ude00+$", ["😀😀"], ["\ufffd"]),
        (r"^\p{Lu}\P{L}$", ["É1"], ["é1", "ÉA"]),
        (r"^[a[]$", ["[", "a"], ["]"]),
        (r"^\/\-$", ["/-"], ["-"]),
        (r"^[\p{Nd}x]+$", ["٣x"], ["y"]),
    ],
)
def test_what_ecma_writes_otherwise(pattern: str, members: list[str], others: list[str]) -> None:
    automaton = found(pattern, MAX_STATES)
    assert [text for text in members + others if automaton.accepts(text.encode())] == members


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a)\1", "backreference"),
        ("(?i)a", "flags"),
        (r"\Aa", "no meaning"),
        ("a**", "multiple repeat"),
        ("(a", "missing"),
        (r"\p{Nope}", "Nope"),
        ("(?=(?=a))", "inside of lookaround"),
        ("a++", "possessive"),
    ],
)
def test_what_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        found(pattern, MAX_STATES)
