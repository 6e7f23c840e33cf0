"""JSON texts exactly as ``json.dumps(value, ensure_ascii=False)`` writes them.

One freedom is left: in a string without a set of allowed characters a model may write any escape
of JSON (``\\/``, ``\\u00e9``), except for surrogate pairs. Elsewhere a character is escaped only
where it must be.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sglc.constraints import charset
from sglc.constraints.automaton import Automaton
from sglc.constraints.charset import Ranges
from sglc.constraints.escapes import escaped
from sglc.constraints.network import Fragment, Network
from sglc.constraints.patterns import parse_regex
from sglc.constraints.syntax import (
    PLAIN,
    Chars,
    Encoded,
    Encoding,
    Joined,
    Node,
    Repeat,
    Span,
    Text,
    alt,
    optional,
    seq,
)

_ESCAPED: Ranges = ((0, 0x1F), (0x22, 0x22), (0x5C, 0x5C))
RAW = charset.invert(_ESCAPED)
ANY_ESCAPE = r'\\(?:["\\/bfnrt]|u(?:[0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"


class _Escaped:
    """The inside of a JSON string, escaped only where it must be."""

    def spell(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False)[1:-1]

    def chars(self, ranges: Ranges) -> Automaton:
        return _escaped_chars(ranges)

    def span(self, ranges: Ranges, in_bytes: bool) -> Span | None:
        lengths = [len(self.spell(c)) for c in must_escape(ranges)]
        raw = PLAIN.span(charset.intersect(ranges, RAW), in_bytes)
        if raw is not None and raw[1] is not None:
            lengths += [raw[0], raw[1]]
        return (min(lengths), max(lengths)) if lengths else None

    def recode(self, automaton: Automaton) -> Automaton:
        return _escaped(automaton)


class _Free(_Escaped):
    """The inside of a JSON string of any characters, with any escape. Sets are not narrowed."""

    def chars(self, ranges: Ranges) -> Automaton:
        return _free_chars()

    def span(self, ranges: Ranges, in_bytes: bool) -> Span | None:
        return 1, 6


ESCAPED = _Escaped()
FREE = _Free()


@lru_cache(maxsize=64)
def _escaped_chars(ranges: Ranges) -> Automaton:
    must = must_escape(ranges)
    raw = charset.char_automaton(charset.intersect(ranges, RAW))
    return raw.union(Automaton.from_strings(map(ESCAPED.spell, must)))


@lru_cache(maxsize=256)
def _escaped(automaton: Automaton) -> Automaton:
    return escaped(automaton)


@lru_cache(maxsize=1)
def _free_chars() -> Automaton:
    return charset.char_automaton(RAW).union(Automaton.from_regex(ANY_ESCAPE))


def must_escape(ranges: Ranges) -> list[str]:
    """The characters of a set that no JSON string holds as they are."""
    inside = charset.intersect(ranges, _ESCAPED)
    return [chr(c) for low, high in inside for c in range(low, high + 1)]


def string(content: Node) -> Node:
    """A JSON string of one of these texts, escaped only where it must be."""
    return seq(Text('"'), Encoded(content, ESCAPED), Text('"'))


def any_string(least: int = 0, most: int | None = None) -> Node:
    """A JSON string of ``least`` to ``most`` characters, any of them, with any escape."""
    content = Repeat(Chars(charset.ANY_TEXT), least, most)
    return seq(Text('"'), Encoded(content, FREE), Text('"'))


def array(item: Node, least: int = 0, most: int | None = None) -> Node:
    """A JSON array of ``least`` to ``most`` items."""
    if most is not None and most < max(least, 1):
        return Text("[]") if least <= 0 == most else alt()
    if most is None and least < 2:
        items: Node = Joined(item, Text(", "))
    else:
        count = None if most is None else most - 1
        items = seq(item, Repeat(seq(Text(", "), item), max(least - 1, 0), count))
    return seq(Text("["), items if least > 0 else optional(items), Text("]"))


def record(fields: Sequence[tuple[str, Node]]) -> Node:
    """A JSON object with exactly these keys, in order."""
    parts: list[Node] = [Text("{")]
    for i, (name, value) in enumerate(fields):
        parts += [Text((", " if i else "") + json.dumps(name, ensure_ascii=False) + ": "), value]
    return seq(*parts, Text("}"))


@dataclass(frozen=True, slots=True)
class Value(Node):
    """Any JSON value whose arrays and objects nest at most ``depth`` deep."""

    depth: int

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        return net.leaf(_value(self.depth, net.max_states))

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        return (1, None) if self.depth >= 0 else None


@lru_cache(maxsize=16)
def _value(depth: int, max_states: int) -> Automaton:
    if depth < 0:
        return Automaton.empty()
    words = (Text("true"), Text("false"), Text("null"))
    node = alt(any_string(), parse_regex(_NUMBER), *words)
    if depth:
        inner = Value(depth - 1)
        pair = seq(any_string(), Text(": "), inner)
        pairs = optional(Joined(pair, Text(", ")))
        node = alt(node, array(inner), seq(Text("{"), pairs, Text("}")))
    return node.automaton(max_states=max_states)
