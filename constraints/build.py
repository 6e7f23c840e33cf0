"""The language of a type: what a model may write for it, and when it has written enough."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal as Choice
from typing import NamedTuple

from sglc.constraints import charset, json_text, numerals
from sglc.constraints.automaton import MAX_STATES, Automaton
from sglc.constraints.regex import char_set, parse_regex
from sglc.constraints.syntax import Chars, Node, Repeat, Text, alt
from sglc.constraints.types import (
    Bool,
    Int,
    Json,
    Line,
    List,
    Literal,
    Number,
    Optional,
    Record,
    Regex,
    Str,
    Type,
    Union,
    Word,
)

EndRule = Choice["closed", "leave", "eos"]


class Bounds(NamedTuple):
    """Lengths of the shortest and the longest member; None: there is no longest."""

    min_bytes: int
    max_bytes: int | None
    min_chars: int
    max_chars: int | None


def language(t: Type, *, max_states: int = MAX_STATES) -> Automaton:
    """L(t), all texts a model may write for a ``t``. Kept for the next time.

    Top level scalars are bare text and nothing is stripped: a leading space belongs to a line,
    and no number or literal has one. Records, lists and all inside them are JSON.

    Raises:
        ValueError: ``t`` is no constraint, see ``is_constraint``.
        RegexError: a pattern in ``t`` is wrong.
        AutomatonTooLarge: the language needs more than ``max_states`` states.
    """
    return _language(t, max_states)


def end_rule(t: Type, *, max_states: int = MAX_STATES) -> EndRule:
    """When a text is complete: ``closed``, ``leave`` or ``eos``.

    ``closed``: no member goes on to another one, so stop at once. ``leave``: stop when the model
    leaves the language after a member. ``eos``: any text goes, the model says when it ends.
    """
    if is_unconstrained(t):
        return "eos"
    if isinstance(t, Record | List):
        return "closed"
    return "closed" if language(t, max_states=max_states).is_closed else "leave"


def is_unconstrained(t: Type) -> bool:
    """Whether every text is a member, as in plain ``str``: no mask is needed."""
    match t:
        case Str():
            return t.min <= 0 and t.max is None and t.chars is None
        case Optional(inner):
            return is_unconstrained(inner)
        case Union(options):
            return any(map(is_unconstrained, options))
    return False


def bounds(t: Type) -> Bounds:
    """How long members are, computed from the type alone; no automaton is built.

    Exact, but for patterns that are empty or repeat the empty text in odd ways: there still safe.

    Raises:
        ValueError: ``t`` has no member (then there is no shortest one), or is no constraint.
        RegexError: a pattern in ``t`` is wrong.
    """
    node = syntax_of(t)
    in_bytes, in_chars = node.span(True), node.span(False)
    if in_bytes is None or in_chars is None:
        raise ValueError(f"{t} has no member")
    return Bounds(*in_bytes, *in_chars)


def syntax_of(t: Type) -> Node:
    """The language of ``t`` as a tree, in the notation of the top level."""
    match t:
        case Str() | Line() | Word() | Literal() | Regex():
            return _content(t)
        case Union(options):
            return alt(*map(syntax_of, options))
        case Optional(inner):
            return alt(Text("none"), syntax_of(inner))
    return _json(t)


@lru_cache(maxsize=256)
def _language(t: Type, max_states: int) -> Automaton:
    return syntax_of(t).automaton(max_states=max_states)


def _content(t: Type) -> Node:
    """The characters of a text type, before they are quoted."""
    match t:
        case Str(least, most, chars):
            allowed = charset.ANY_TEXT if chars is None else char_set(chars)
            return Repeat(Chars(allowed), least, most)
        case Line():
            return Repeat(Chars(char_set(r"[^\n]")), 1, None)
        case Word():
            return Repeat(Chars(char_set(r"\S")), 1, None)
        case Literal(value):
            return Text(value)
        case Regex(pattern):
            return parse_regex(pattern)
    raise ValueError(f"{t} is not a constraint: no model can write one")


def _json(t: Type) -> Node:
    match t:
        case Str(least, most, None):
            return json_text.any_string(least, most)
        case Int(low, high):
            return numerals.integer(low, high)
        case Number(digits, decimals):
            return numerals.number(digits, decimals)
        case Bool():
            return alt(Text("true"), Text("false"))
        case Union(options):
            return alt(*map(_json, options))
        case Optional(inner):
            return alt(Text("null"), _json(inner))
        case List(item, least, most):
            return json_text.array(_json(item), least, most)
        case Record(fields):
            return json_text.record([(field.name, _json(field.type)) for field in fields])
        case Json(depth):
            return json_text.Value(depth)
    return json_text.string(_content(t))
