"""Regexes mean what re.fullmatch means, and what is refused is pointed at."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.constraints.patterns import RegexError, char_set, parse_regex
from tests.constraints.strategies import PATTERNS, TEXTS, random_member

from_regex = Automaton.from_regex


@settings(max_examples=80, deadline=None, derandomize=True)
@given(PATTERNS, st.lists(TEXTS, max_size=8), st.randoms(use_true_random=False))
def test_language_is_that_of_fullmatch(pattern: str, texts: list[str], rng: random.Random) -> None:
    automaton, compiled = from_regex(pattern), re.compile(pattern)
    for text in texts:
        assert automaton.accepts(text.encode()) == bool(compiled.fullmatch(text)), text
    for _ in range(4):
        member = random_member(automaton, rng)
        assert compiled.fullmatch(member.decode())
        mutated = bytearray(member or b"a")
        mutated[rng.randrange(len(mutated))] = rng.choice(b"ab1 \x80\xc3\xff")
        try:
            expected = bool(compiled.fullmatch(mutated.decode()))
        except UnicodeDecodeError:
            expected = False
        assert automaton.accepts(bytes(mutated)) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "yes|yes please",
        "a*?b??",
        r"(?a)\w+|\d",
        r"(?a:\d)\d",
        r"(?s)a.b|(?-s:.)",
        "(?x) a b  # comment\n [ ]",
        "(?i)straße|K|σ",
        "(?i)[a-s]ſ",
        "(?ai)k+",
        "(?i)[^k]",
        "(?i:a)b",
        r"[^\W\d_]",
        r"[\S\s]",
        r"\x41\u00e9\U0001F600\t",
        "a{,2}|a{x}|{}",
        "^a$|^b",
        r"\A(?:^ab$)\Z",
        "(?P<name>a|b)c",
        "",
        "(?#comment)a",
        r"(ab)\1|(?P<n>x)A(?P=n)",
        r"()\1a",
        r"\^\$\.",
    ],
)
def test_syntax_is_python_s(pattern: str) -> None:
    automaton, compiled = from_regex(pattern), re.compile(pattern)
    alphabet = "abkKKſsSßẞσςΣé٣1_ \nxA{}^$.,2"
    texts = ["", "yes", "yes please", "STRASSE", "strasse", "straße", "aa", "a{x}", "{}", "a b"]
    texts += list(alphabet) + [x + y for x in alphabet for y in alphabet]
    texts += ["a" + x + "b" for x in alphabet] + ["^$.", "Aé😀\t", "aé😀\t", "ab c", "ab "]
    for text in texts:
        assert automaton.accepts(text.encode()) == bool(compiled.fullmatch(text)), text


@pytest.mark.parametrize("pattern", [r"\w", r"\d", r"\s", r"\W", ".", "(?i)[^i]", r"(?a)\s"])
def test_classes_are_exact_over_all_of_unicode(pattern: str) -> None:
    text = "".join(map(chr, range(0x110000)))
    inside = (text[low : high + 1] for low, high in char_set(pattern))
    assert "".join(inside) == "".join(re.findall(pattern + "+", text))


@pytest.mark.parametrize(
    ("pattern", "position", "word"),
    [
        (r"(a|b)\1", 5, "backreference"),
        (r"(a)?\1", 4, "backreference"),
        (r"(?:(a)|b)\1", 9, "backreference"),
        (r"(a)(?i:\1)", 7, "backreference"),
        (r"\\(?P<n>[ab])(?P=n)", 13, "backreference"),
        ("(a)?(?(1)b|c)", 4, "conditional"),
        ("a++", 1, "possessive"),
        ("b(?>a)", 1, "atomic"),
        (r"a(?#(?=^)(?=[$])(?=b(c$)d)", 22, "nside of a lookaround"),
        (r"a(?=b$)(?!b|\Z)(?=^a\b)", 18, "nside of a lookaround"),
        (r"(?=a)^a(?!a\b)", 11, "nside of a lookaround"),
        (r"(?=(?=a))", 3, "nside of a lookaround"),
        ("(?<=ab|c)d", 0, "fixed-width"),
        ("".join(f"(?={c})?" for c in "abcdefghijklmnop"), 78, "more than 13"),
        ("a(b", 1, "missing )"),
        ("*a", 0, "nothing to repeat"),
        ("[b-a]", 1, "bad character range"),
        ("(?L)a", 3, "bad inline flags"),
        ("(?au)a", 4, "bad inline flags"),
        ("a{99999999999}", 0, "too large"),
    ],
)
def test_refusals_name_the_place(pattern: str, position: int, word: str) -> None:
    with pytest.raises(RegexError, match=re.escape(word)) as caught:
        parse_regex(pattern)
    assert (caught.value.position, caught.value.pattern) == (position, pattern)


@pytest.mark.parametrize("pattern", ["ab", "a*", "", "a|bc", "(?:)"])
def test_one_character_is_asked_for(pattern: str) -> None:
    with pytest.raises(RegexError, match="exactly one character"):
        char_set(pattern)


def test_odd_sets_are_read_without_warnings() -> None:
    assert from_regex("[[a]").accepts(b"[")
