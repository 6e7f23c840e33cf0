"""The parse tables of the language, as computed from ``sgl.lark`` by ``tablegen``."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sglc import grammar

GRAMMAR_DIR = Path(grammar.__path__[0])
TABLES_FILE = "sgl.tables.json"

# Longest first: the lexer tries them in this order.
PUNCTUATION = (
    *("==", "!=", "<=", ">=", "->", ".."),
    *("=", "<", ">", "+", "-", "*", "%", "/", "(", ")", "[", "]", "{", "}", ".", ",", ":"),
    *("|", "?", "@"),
)

CODE, TEXT1, TEXT3 = range(3)


class Rule(NamedTuple):
    """One production.

    ``children`` are the symbols that count, -1 for an absent optional one; ``name`` is the builder
    method, empty when the children are spliced into the parent; with ``inline`` a single child
    stands for itself; ``is_item`` marks what a file is made of.
    """

    nonterminal: int
    name: str
    num_symbols: int
    inline: bool
    children: tuple[int, ...]
    is_item: bool


class Tables(NamedTuple):
    """An LALR(1) automaton with its lexer.

    ``actions[state][terminal]`` is the next state, or ``-1 - rule`` to reduce. ``modes[state]``
    says how to read the next token: as code, or inside one of the two kinds of text.
    """

    start: int
    accept: int
    actions: tuple[dict[str, int], ...]
    gotos: tuple[dict[int, int], ...]
    modes: tuple[int, ...]
    rules: tuple[Rule, ...]
    keywords: dict[str, str]
    punctuation: dict[str, str]
    patterns: dict[str, str]


@cache
def load_tables() -> Tables:
    """Read the shipped tables (a few milliseconds, once per process)."""
    data = json.loads((GRAMMAR_DIR / TABLES_FILE).read_text(encoding="utf-8"))
    names = data["terminals"]
    items = data["nonterminals"].index("_item")
    actions = tuple(
        {names[t]: action for t, action in zip(row[::2], row[1::2], strict=True)}
        for row in data["actions"]
    )
    return Tables(
        start=data["start"],
        accept=data["accept"],
        actions=actions,
        gotos=tuple(dict(zip(row[::2], row[1::2], strict=True)) for row in data["gotos"]),
        modes=tuple(_mode(row) for row in actions),
        rules=tuple(_rule(rule, items) for rule in data["rules"]),
        keywords=data["keywords"],
        punctuation=data["punctuation"],
        patterns=data["patterns"],
    )


def _mode(row: dict[str, int]) -> int:
    if "CHUNK1" in row:
        return TEXT1
    return TEXT3 if "CHUNK3" in row else CODE


class Patterns(NamedTuple):
    """The lexer: one alternation per mode, its groups named after terminals."""

    code: re.Pattern[str]
    regex: re.Pattern[str]
    text1: re.Pattern[str]
    text3: re.Pattern[str]


@cache
def load_patterns() -> Patterns:
    """Compile the terminals, in the order of their priorities in the grammar."""
    terminals = load_tables().patterns
    operators = "|".join(map(re.escape, PUNCTUATION))

    def alternation(*names: str) -> str:
        return "|".join(f"(?P<{name}>{terminals[name]})" for name in names)

    code = (
        alternation("RAW", "NAME")
        + f"|(?P<NEWLINE>{terminals['_NL']})|"
        + alternation("FLOAT", "INT", "_Q3", "_Q1")
        + f"|(?P<PUNCTUATION>{operators})"
    )
    return Patterns(
        code=re.compile(code),
        regex=re.compile(terminals["REGEX"]),
        text1=re.compile(alternation("CHUNK1", "ESC", "_Q1", "LBRACE")),
        text3=re.compile(alternation("CHUNK3", "ESC", "_Q3", "LBRACE")),
    )


def _rule(row: list[Any], items: int) -> Rule:
    nonterminal, name, num_symbols, inline, children = row
    return Rule(nonterminal, name, num_symbols, inline, tuple(children), nonterminal == items)
