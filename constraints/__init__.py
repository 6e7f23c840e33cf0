"""Constraints: what a model may write, as types, regexes and grammars.

    from sglc import constraints

    date = constraints.regex(r"\\d{4}-\\d{2}-\\d{2}")
    answer = constraints.choices(["yes", "no"]) + constraints.regex(", because [^\\n]+")
    date.accepts("2024-02-30"), answer.forced("yes"), answer.explain()

What these functions return are types of the language (``sglc.constraints.types``): a ``gen`` takes
them as they are. Their methods are those of ``sglc.constraints.members.Members``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc.constraints.types import Grammar, Regex, Type

__all__ = ["choices", "grammar", "regex"]


def regex(pattern: str, *, ascii: bool = False) -> Regex:
    """The texts that ``re.fullmatch(pattern, text)`` matches.

    ``ascii`` lets ``\\w``, ``\\d`` and ``\\s`` mean ASCII characters only, as ``(?a)`` does.

    Raises:
        RegexError: wrong syntax, or something that is not regular or not supported; ``position``
            says where.
    """
    from sglc.constraints.patterns import ascii_only, parse_regex
    from sglc.constraints.types import Regex

    whole = ascii_only(pattern) if ascii else pattern
    parse_regex(whole)
    return Regex(whole)


def choices(texts: Iterable[str]) -> Type:
    """Exactly these texts.

    Raises:
        ValueError: there is none, or one comes twice.
    """
    from sglc.constraints.types import Literal, Union

    listed = list(texts)
    if not listed:
        raise ValueError("there must be a choice at least")
    if len(set(listed)) < len(listed):
        twice = next(text for i, text in enumerate(listed) if text in listed[:i])
        raise ValueError(f"choice {twice!r} comes twice")
    return Literal(listed[0]) if len(listed) == 1 else Union(tuple(map(Literal, listed)))


def grammar(text: str, *, start: str = "start") -> Grammar:
    """The texts of rule ``start`` of a context-free grammar in lark's notation.

    Terminals may be cut in every way (lark's ``dynamic_complete`` lexer).

    Raises:
        GrammarError: the grammar is wrong, or has a terminal that is not regular.
    """
    from sglc.constraints.lark_grammar import grammar_rules
    from sglc.constraints.types import Grammar

    grammar_rules(text, start)
    return Grammar(text, start)
