"""Grammars in lark's notation against lark's own parser."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark
from lark.exceptions import LarkError

from sglc import constraints
from sglc.constraints.lark_grammar import GrammarError

GRAMMARS = {
    "sums": ('start: start "+" start | "n" | "(" start ")"', "n+()", 5),
    "left": ('start: sum\n?sum: sum "+" atom -> add | atom\natom: "n" | "(" sum ")"', "n+()", 5),
    "blanks": ('start: "a" [start] "b"\n%ignore " "', "ab ", 5),
    "stars": ('start: ("a" "b"?)* C\nC: /c+/', "abc", 5),
    "counts": ('start: x~2..3\nx: "a" | "b" x', "ab", 6),
    "options": ('start: [a] [b] c?\na: "a"\nb: "b"\nc: "c"', "abc", 4),
    "lists": ('start: "[" [item ("," item)*] "]"\nitem: start | "x"', "[],x", 6),
    "terminals": ('start: A B?\nA: "a"i ("b" | /[cd]/)~1..2\nB: A "!"', "aAbc!", 5),
    "templates": ('start: two{x}\ntwo{y}: y y\nx: "a" | "(" x ")"', "a()", 6),
    "imports": ("start: INT (WS INT)*\n%import common (INT, WS)", "1 ", 5),
}


@pytest.mark.parametrize("name", GRAMMARS)
def test_texts_are_those_that_lark_parses(name: str) -> None:
    text, letters, longest = GRAMMARS[name]
    mine = constraints.grammar(text)
    parser = Lark(text, parser="earley", lexer="dynamic_complete")
    count = 0
    for length in range(1, longest + 1):
        for letter in itertools.product(letters, repeat=length):
            word = "".join(letter)
            assert mine.accepts(word) == parses(parser, word), word
            count += mine.accepts(word)
    assert count > 1


def parses(parser: Lark, text: str) -> bool:
    try:
        parser.parse(text)
    except LarkError:
        return False
    return True


ITEMS = st.recursive(
    st.sampled_from(['"a"', '"b"', "/ab|a/", "x", "y", "start", "B"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda i: "(" + " ".join(i) + ")"),
        st.lists(inner, min_size=2, max_size=3).map(lambda i: "(" + " | ".join(i) + ")"),
        inner.map(lambda i: f"({i})?"),
        inner.map(lambda i: f"({i})+"),
        inner.map(lambda i: f"({i})~1..2"),
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(st.tuples(ITEMS, ITEMS, ITEMS), st.booleans())
def test_random_grammars_agree_with_lark(items: tuple[str, str, str], ignores: bool) -> None:
    text = 'start: {} | x\nx: {} | "b"\ny: {}\nB: /b+/'.format(*items)
    text += '\n%ignore "_"' if ignores else ""
    try:
        parser = Lark(text, parser="earley", lexer="dynamic_complete")
    except LarkError:
        return  # an empty terminal, or rules that are one and the same
    mine = constraints.grammar(text)
    for length in range(1, 5):
        for letters in itertools.product("ab_" if ignores else "ab", repeat=length):
            word = "".join(letters)
            assert mine.accepts(word) == parses(parser, word), word


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("start: A", "A"),
        (r"start: /(a|b)\1/", "not regular"),
        ("start: /a(?=b)/", "looks beyond"),
        ("start: ", None),
        ('start: "a" %', "line 1 column 12$"),
        (r'start: "\x"', r"the text '\\\\x' cannot be read$"),
        ("%import .secrets (x)\nstart: x", "lark's own ones only at 1:1"),
        ("%import nothing (x)\nstart: x", "nothing"),
        ("%declare A\nstart: A", "no pattern"),
        ('other: "a"', "no rule `start`; there are: other"),
        ("x" * (1 << 20) + "yz", "characters"),
    ],
)
def test_a_wrong_grammar_is_an_error(text: str, reason: str | None) -> None:
    if reason is None:
        assert constraints.grammar(text).accepts("")
        return
    with pytest.raises(GrammarError, match=reason):
        constraints.grammar(text)


def test_a_grammar_that_does_not_recur_is_an_automaton() -> None:
    flat = constraints.grammar('start: a a\na: B | "x"\nB: /b{2}/')
    assert flat.longest() == b"bbbb"
    assert "automaton" in flat.explain()


def test_nesting_and_long_lists_cost_no_more_than_their_length() -> None:
    json_like = constraints.grammar(
        'start: value\n?value: "[" [value ("," value)*] "]" | NUMBER\n'
        "NUMBER: /[0-9]+/\n%ignore /[ ]/"
    )
    assert json_like.accepts("[" * 3000 + "1" + "]" * 3000)
    assert json_like.accepts("[" + "1, " * 3000 + "2]")
    assert not json_like.accepts("[" * 3000 + "1" + "]" * 2999)
