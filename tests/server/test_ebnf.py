"""Grammars of SGLang's clients mean here what they mean there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.types import Grammar
from sglc.server.constraints import constraint_of
from sglc.server.ebnf import EbnfError, to_lark
from sglc.server.errors import ApiError


def accepts(ebnf: str, text: str) -> bool:
    return Grammar(to_lark(ebnf)).accepts(text)


# (EBNF, the same as a regex of Python's)
ATOMS = st.sampled_from(
    [
        ('"a"', "a"),
        ('"ab"', "ab"),
        ('""', ""),
        ('"\\""', '"'),
        ('"/"', "/"),
        ("[ab]", "[ab]"),
        ("[^a]", "[^a]"),
        ("[a-c-]", "[a-c-]"),
        ('["\\\\/]', r'["\\/]'),
        ("[\\x61\\u0062]", "[ab]"),
        (".", "(?s:.)"),
        ("word", "(?:b|cc)"),
    ]
)
TIMES = st.sampled_from(["", "*", "+", "?", "{2}", "{1,}", "{0,2}"])


def grouped(children: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    def joined(parts: list[tuple[str, str]]) -> tuple[str, str]:
        return " ".join(ebnf for ebnf, _ in parts), "".join(regex for _, regex in parts)

    def either(parts: list[tuple[str, str]]) -> tuple[str, str]:
        ebnf = " | ".join(ebnf for ebnf, _ in parts)
        return f"({ebnf})", "(?:" + "|".join(regex for _, regex in parts) + ")"

    def repeated(pair: tuple[tuple[str, str], str]) -> tuple[str, str]:
        (ebnf, regex), times = pair
        if not times:
            return ebnf, regex
        return f"({ebnf}){times}", f"(?:{regex}){times}"

    return (
        st.lists(children, min_size=1, max_size=3).map(joined)
        | st.lists(children, min_size=1, max_size=3).map(either)
        | st.tuples(children, TIMES).map(repeated)
    )


def timed(pair: tuple[tuple[str, str], str]) -> tuple[str, str]:
    (ebnf, regex), times = pair
    return ebnf + times, f"(?:{regex}){times}"


@given(
    grammar=st.recursive(st.tuples(ATOMS, TIMES).map(timed), grouped, max_leaves=5),
    texts=st.lists(st.text('abc"/\\-', max_size=5), min_size=5, max_size=12),
)
@settings(max_examples=100, deadline=None)
def test_a_grammar_without_recursion_is_the_regex_it_looks_like(
    grammar: tuple[str, str], texts: list[str]
) -> None:
    ebnf, regex = grammar
    whole = f'root ::= {ebnf} # a comment\nword ::= "b"\n  | "c"{{2}}'
    for text in texts:
        assert accepts(whole, text) == bool(re.fullmatch(regex, text)), (whole, text)


def test_rules_recur() -> None:
    ebnf = 'root ::= "(" root* ")" | my-name\nmy-name ::= [0-9]+'
    assert accepts(ebnf, "(12(3)())")
    assert not accepts(ebnf, "(12(3)()")


def test_names_that_lark_does_not_take() -> None:
    ebnf = 'root ::= A-b A_b start\nA-b ::= "1"\nA_b ::= "2"\nstart ::= "3"'
    assert accepts(ebnf, "123")
    assert not accepts(ebnf, "113")


def test_larks_own_notation_is_left_alone() -> None:
    assert to_lark('start: "a"') == 'start: "a"'


@pytest.mark.parametrize(
    ("ebnf", "message"),
    [
        ('root ::= "a" missing', "line 1: there is no rule missing"),
        ('x ::= "a"', "no rule root"),
        ('root ::= "a"\nroot ::= "b"', "line 2: the rule root is there twice"),
        ('"a" root ::= "b"', "line 1: a grammar begins with a rule"),
        ('root ::= "a', "line 1: cannot read"),
        ('root ::= * "a"', "nothing before *"),
        ('root ::= "a" )', "nothing before )"),
        ('root ::= ("a"', "a group without an end"),
        ('root ::= "a"{3,2}', "{3,2} must count up"),
        ('root ::= "a"{99999}', "at most 10000"),
        ("root ::= []", "must not be empty"),
        ('root ::= "\\UFFFFFFFF"', "is no character"),
    ],
)
def test_a_mistake_is_told_by_its_line(ebnf: str, message: str) -> None:
    with pytest.raises(EbnfError, match=re.escape(message)):
        to_lark(ebnf)
    with pytest.raises(ApiError) as caught:
        constraint_of(ebnf=ebnf)
    assert caught.value.param == "ebnf"
