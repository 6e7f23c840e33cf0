"""Context-free grammars in lark's notation, as rules over bytes.

lark itself reads the notation; what is generated is the set of texts that ``lark.Lark(text,
parser="earley", lexer="dynamic_complete")`` parses: terminals may be cut in every way, and what is
ignored may stand between any two of them, at the begin and at the end. A terminal stands for all
that ``re.fullmatch`` matches, whatever the order of its alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sglc.constraints.assertions import Asserted
from sglc.constraints.patterns import RegexError, parse_regex
from sglc.constraints.syntax import Call, Node, Repeat, alt, seq

MAX_GRAMMAR_CHARS = 1 << 20
_RELATIVE_IMPORT = re.compile(r"^[ \t]*%import[ \t]+\.", re.MULTILINE)


class GrammarError(ValueError):
    """A grammar that is wrong, or has something that cannot be enforced. Lines count from 1."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        place = f" at {line}:{column}" if line is not None else ""
        super().__init__(f"{message}{place}")
        self.message = message
        self.line = line
        self.column = column


@lru_cache(maxsize=64)
def grammar_rules(text: str, start: str) -> dict[str, Node]:
    """Return the rules of a grammar by their names; ``start`` is one of them.

    Raises:
        GrammarError: the grammar is wrong, too long, imports files, or has a terminal whose
            pattern is not regular.
    """
    if len(text) > MAX_GRAMMAR_CHARS:
        raise GrammarError(f"a grammar may have {MAX_GRAMMAR_CHARS} characters, not {len(text)}")
    found = _RELATIVE_IMPORT.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise GrammarError("a grammar may import lark's own ones only", line, 1)
    terminals, rules, ignored = _compiled(text, start)
    nodes = {terminal.name: _terminal(terminal) for terminal in terminals}
    declared = [name for name in ignored if name not in nodes]
    if declared:
        raise GrammarError(f"terminal {declared[0]} is ignored but has no pattern")
    blanks = Repeat(alt(*(nodes[name] for name in dict.fromkeys(ignored))), 0, None)
    arms: dict[str, list[Node]] = {}
    for rule in rules:
        symbols = (_symbol(s, nodes, blanks if ignored else None) for s in rule.expansion)
        arms.setdefault(str(rule.origin.name), []).append(seq(*symbols))
    found_rules = {name: alt(*dict.fromkeys(parts)) for name, parts in arms.items()}
    if ignored:
        found_rules[start] = _begun_by(blanks, start, found_rules)
    return found_rules


def _begun_by(blanks: Node, start: str, rules: dict[str, Node]) -> Node:
    """The start rule with what is ignored before it; the rule itself goes by another name."""
    inner = f"{start} "  # no rule of a grammar has a space in its name
    rules[inner] = rules[start]
    return seq(blanks, Call(inner))


def _symbol(symbol: Any, nodes: dict[str, Node], blanks: Node | None) -> Node:
    name = str(symbol.name)
    if not symbol.is_term:
        return Call(name)
    if name not in nodes:
        raise GrammarError(f"terminal {name} has no pattern")
    return nodes[name] if blanks is None else seq(nodes[name], blanks)


def _terminal(terminal: Any) -> Node:
    pattern = terminal.pattern.to_regexp()
    try:
        node = parse_regex(pattern)
    except RegexError as error:
        raise GrammarError(f"terminal {terminal.name} is not regular: {error}") from None
    if isinstance(node, Asserted):
        raise GrammarError(f"terminal {terminal.name} looks beyond its own text: /{pattern}/")
    return node


def _reason(error: Exception) -> str:
    """What lark says of a grammar: one line, without the name that the text was given here."""
    said = error.args[0] if error.args else ""
    if len(error.args) > 1:  # a literal that Python cannot read, and why
        return f"the text {said!r} cannot be read"
    first = str(said).strip().partition("\n")[0]
    return first.replace(" in <grammar>", "").rstrip(": ") or "this is not lark's notation"


def _compiled(text: str, start: str) -> tuple[Iterable[Any], Iterable[Any], Iterable[str]]:
    from lark.exceptions import LarkError, UnexpectedInput
    from lark.load_grammar import load_grammar

    try:
        load: Any = load_grammar  # untyped
        grammar, _ = load(text, "<grammar>", [], False)
        known = [str(rule[0]) for rule in grammar.rule_defs]
        if start not in known:
            raise GrammarError(
                f"there is no rule `{start}`; there are: {', '.join(known) or 'none'}"
            )
        terminals, rules, ignored = grammar.compile([start], "*")
    except UnexpectedInput as error:
        line, column = getattr(error, "line", -1), getattr(error, "column", -1)
        raise GrammarError("this is not lark's notation", line, column) from None
    except LarkError as error:
        raise GrammarError(_reason(error)) from None
    except OSError as error:
        raise GrammarError(f"there is no grammar {error.filename} to import from") from None
    except (RecursionError, re.error, AssertionError) as error:
        reason = str(error) or "it is nested too deeply"
        raise GrammarError(f"the grammar cannot be read: {reason}") from None
    return terminals, rules, list(ignored)
