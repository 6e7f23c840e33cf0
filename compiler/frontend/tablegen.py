"""Computes the parse tables of the grammar with lark and writes them beside it.

The parser reads the tables, so that checking a program loads no lark and builds nothing. Run as a
module after every change of ``sgl.lark``; a test fails while the two disagree.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from operator import itemgetter
from typing import Any

from lark import Lark
from lark.grammar import Rule, Terminal
from lark.indenter import Indenter
from lark.lexer import PatternStr, TerminalDef
from lark.parsers.lalr_analysis import Shift

from sglc.compiler.frontend.tables import GRAMMAR_DIR, PUNCTUATION, TABLES_FILE


class SglIndenter(Indenter):
    """Turns line starts into ``_INDENT`` and ``_DEDENT``."""

    NL_type = "_NL"
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    OPEN_PAREN_types = ["LPAR", "LSQB", "LBRACE"]  # noqa: RUF012  (as declared by lark)
    CLOSE_PAREN_types = ["RPAR", "RSQB", "RBRACE"]  # noqa: RUF012
    tab_len = 4


def grammar_text() -> str:
    """Return the text of ``sgl.lark``."""
    return (GRAMMAR_DIR / "sgl.lark").read_text(encoding="utf-8")


def build_lark(*, strict: bool = False) -> Lark:
    """Build lark's own parser of the grammar: the oracle for the one that is shipped."""
    return Lark(
        grammar_text(),
        parser="lalr",
        lexer="contextual",
        strict=strict,
        postlex=SglIndenter(),
        maybe_placeholders=True,
    )


def build_tables(lark: Lark) -> dict[str, Any]:
    """Return the tables as JSON data; ``tables.py`` says what each entry means."""
    table = lark.parser.parser._parse_table
    terminals = ["$END", "_INDENT", "_DEDENT", *(t.name for t in lark.terminals)]
    terminals = [name for name in terminals if not name.startswith("__IGNORE")]
    number = {name: index for index, name in enumerate(terminals)}
    rules: list[Rule] = sorted(lark.rules, key=_rule_key)
    rule_number = {rule: index for index, rule in enumerate(rules)}
    nonterminals = sorted({rule.origin.name for rule in rules})
    states = _state_numbers(table)
    actions: list[list[int]] = []
    gotos: list[list[int]] = []
    for state in states:
        row: list[int] = []
        goto: list[int] = []
        for symbol, (kind, target) in sorted(table.states[state].items(), key=itemgetter(0)):
            code = states[target] if kind is Shift else -1 - rule_number[target]
            if symbol in number:
                row += [number[symbol], code]
            elif symbol in nonterminals:
                goto += [nonterminals.index(symbol), code]
        actions.append(row)
        gotos.append(goto)
    return {
        "grammar": hashlib.sha256(grammar_text().encode()).hexdigest(),
        "start": states[table.start_states["start"]],
        "accept": states[table.end_states["start"]],
        "terminals": terminals,
        "patterns": {t.name: t.pattern.to_regexp() for t in lark.terminals if t.name in number},
        "keywords": _keywords(lark.terminals),
        "punctuation": {text: _terminal_of(text, lark.terminals) for text in PUNCTUATION},
        "nonterminals": nonterminals,
        "rules": [_rule(rule, nonterminals) for rule in rules],
        "actions": actions,
        "gotos": gotos,
    }


def _rule_key(rule: Rule) -> tuple[str, int, list[str]]:
    return rule.origin.name, rule.order, [symbol.name for symbol in rule.expansion]


def _state_numbers(table: Any) -> dict[int, int]:
    """Number the states in the order they are reached: lark's own numbers vary between runs."""
    numbers = {table.start_states["start"]: 0}
    queue = list(numbers)
    for state in queue:  # grows while it is read
        for _, (kind, target) in sorted(table.states[state].items(), key=itemgetter(0)):
            if kind is Shift and target not in numbers:
                numbers[target] = len(numbers)
                queue.append(target)
    return numbers


def _keywords(terminals: Collection[TerminalDef]) -> dict[str, str]:
    words = (t for t in terminals if isinstance(t.pattern, PatternStr))
    return {t.pattern.value: t.name for t in words if t.pattern.value.isidentifier()}


def _terminal_of(text: str, terminals: Collection[TerminalDef]) -> str:
    for terminal in sorted(terminals, key=lambda t: not isinstance(t.pattern, PatternStr)):
        pattern = terminal.pattern
        if pattern.max_width <= 2 and re.fullmatch(pattern.to_regexp(), text):
            return terminal.name
    raise ValueError(f"the grammar has no terminal for {text!r}")


def _rule(rule: Rule, nonterminals: list[str]) -> list[Any]:
    """Return [nonterminal, builder name or "", number of symbols, inline, kept children].

    A kept child is the index of a symbol, or -1 for an absent optional one.
    """
    origin = rule.origin.name
    children: list[int] = []
    absent = rule.options.empty_indices
    slots = iter(range(len(rule.expansion)))
    if absent:
        for is_absent in absent:
            children += [-1] if is_absent else _kept(rule, next(slots))
    for slot in slots:
        children += _kept(rule, slot)
    name = "" if origin.startswith("_") else (rule.alias or origin)
    inline = bool(rule.options.expand1 and not rule.alias)
    return [nonterminals.index(origin), name, len(rule.expansion), inline, children]


def _kept(rule: Rule, slot: int) -> list[int]:
    symbol = rule.expansion[slot]
    return [] if isinstance(symbol, Terminal) and symbol.filter_out else [slot]


def dump(tables: dict[str, Any]) -> str:
    """Return the tables as JSON text, one row per line."""
    entries = []
    for key, value in tables.items():
        if key in ("rules", "actions", "gotos"):
            rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in value)
            entries.append(f"{json.dumps(key)}: [\n{rows}\n]")
        else:
            entries.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def main() -> None:
    """Write the tables beside the grammar."""
    (GRAMMAR_DIR / TABLES_FILE).write_text(dump(build_tables(build_lark())), encoding="utf-8")


if __name__ == "__main__":
    main()
