"""Patterns of the whole syntax against the running Python's own engine."""

from __future__ import annotations

import os
import random
import re
import warnings
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.constraints.patterns import RegexError
from tests.constraints.regex_patterns import PatternWriter, mutated, random_text
from tests.constraints.strategies import random_member

MAX_LEN = 14  # of a text that a backtracking engine is asked about


def compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern as Python reads it; None if it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(pattern)
        except (re.error, ValueError, OverflowError):
            return None


def disagreements(automaton: Automaton, one: re.Pattern[str], rng: random.Random) -> list[str]:
    """Texts near the members, and random ones, that only one of the two accepts."""
    texts = [random_text(rng) for _ in range(4)]
    for _ in range(4 * (not automaton.is_empty)):
        member = random_member(automaton, rng, 8).decode()
        texts += [member, mutated(member, rng), mutated(mutated(member, rng), rng)]
    return [
        text
        for text in texts
        if len(text) <= MAX_LEN and automaton.accepts(text.encode()) != bool(one.fullmatch(text))
    ]


def read(pattern: str) -> Automaton | RegexError:
    """The automaton, or why there is none."""
    try:
        return Automaton.from_regex(pattern)
    except RegexError as error:
        return error


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_generated_patterns_mean_what_fullmatch_means(rng: random.Random, size: int) -> None:
    pattern = PatternWriter(rng).pattern(size)
    one, found = compiled(pattern), read(pattern)
    if isinstance(found, RegexError):
        assert one is None or "inside of a lookaround" in found.message, pattern
    else:
        assert one is not None, pattern
        assert disagreements(found, one, rng) == [], pattern


def test_the_tests_of_cpython() -> None:
    try:
        from test.re_tests import tests
    except ImportError:
        assert os.environ.get("CI") != "true", "this Python ships without its own tests"
        pytest.skip("this Python ships without its own tests")
    rng = random.Random(0)
    reasons: Counter[str] = Counter()
    for pattern, text, *_ in tests:
        one, found = compiled(pattern), read(pattern)
        if isinstance(found, RegexError):
            reasons["wrong" if one is None else found.message] += 1
            place = pattern[found.position :]
            assert one is None or re.match(r"\\[1-9]|\(\?P=", place), pattern
            continue
        assert one is not None, pattern
        assert found.accepts(text.encode()) == bool(one.fullmatch(text)), (pattern, text)
        assert disagreements(found, one, rng) == [], pattern
    assert len(tests) > 400
    assert sum(reasons.values()) <= 0.15 * len(tests)
    assert set(reasons) == {
        "wrong",
        "a backreference to more than one possible text is not regular",
    }


CARD = r"""\{
    "name": "[\w\d\s]{1,16}",
    "house": "(Gryffindor|Slytherin|Ravenclaw|Hufflepuff)",
    "wand": \{
        "wood": "[\w\d\s]{1,16}",
        "length": [0-9]{1,2}\.[0-9]{0,2}
    \},
    "alive": "(Alive|Deceased)"
\}"""


def test_bare_braces_are_text_where_they_count_nothing() -> None:
    escaped = Automaton.from_regex(CARD)
    assert Automaton.from_regex(CARD.replace(r"\{", "{").replace(r"\}", "}")) == escaped
    card = '{\n    "name": "Ζoë 1",\n    "house": "Gryffindor",\n    "wand": {\n        '
    card += '"wood": "oak",\n        "length": 11.5\n    },\n    "alive": "Alive"\n}'
    assert escaped.accepts(card.encode())
    assert not escaped.accepts(card.replace("oak", "").encode())
