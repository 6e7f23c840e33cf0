"""The language of a type: what a model may write for it, and when it has written enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import lru_cache, reduce
from typing import Final, NamedTuple
from typing import Literal as Choice

from sglc.constraints import charset, json_text, numerals
from sglc.constraints.automaton import MAX_STATES, Automaton
from sglc.constraints.calls import map_calls
from sglc.constraints.machine import Machine
from sglc.constraints.network import NotRegularError
from sglc.constraints.patterns import char_set, parse_regex
from sglc.constraints.sizes import rough_states
from sglc.constraints.stops import containing, stopped
from sglc.constraints.syntax import (
    Call,
    Chars,
    Exactly,
    Node,
    Repeat,
    Text,
    alt,
    seq,
)
from sglc.constraints.types import (
    Bool,
    Both,
    Concat,
    Field,
    Grammar,
    Int,
    Json,
    Line,
    List,
    Literal,
    Number,
    Optional,
    Record,
    Regex,
    Schema,
    Sized,
    Stopped,
    Str,
    Type,
    Union,
    Without,
    Word,
)

EndRule = Choice["closed", "leave", "eos"]

MAX_MET_STATES: Final = 200_000  # more than any automaton has
MAX_INLINED: Final = 20_000  # nodes of a tree that rules without recursion become


class NoMemberError(ValueError):
    """No text satisfies a type, where one was asked for."""

    def __init__(self, t: Type) -> None:
        super().__init__(f"{t} has no member")


class Bounds(NamedTuple):
    """Lengths of the shortest and the longest member; None: there is no longest."""

    min_bytes: int
    max_bytes: int | None
    min_chars: int
    max_chars: int | None


def language(t: Type, *, max_states: int = MAX_STATES) -> Machine:
    """L(t), all texts a model may write for a ``t``. Kept for the next time.

    Top level scalars are bare text and nothing is stripped: a leading space belongs to a line,
    and no number or literal has one. Records, lists and all inside them are JSON. A language that
    nests without end has a pushdown machine, any other one its automaton.

    Raises:
        ValueError: ``t`` is no constraint, see ``is_constraint``.
        RegexError, SchemaError, GrammarError: a part of ``t`` is wrong or cannot be enforced.
        AutomatonTooLarge: the language needs more than ``max_states`` states.
    """
    kept = _language(t, max_states)
    kept[0] = renewed(kept[0])
    return kept[0]


def renewed(machine: Machine) -> Machine:
    """The machine, or a fresh one if it has met so many states that they fill the memory.

    Who holds the old one may go on with it.
    """
    return machine.fresh() if machine.num_states > MAX_MET_STATES else machine


def end_rule(t: Type, *, max_states: int = MAX_STATES) -> EndRule:
    """When a text is complete: ``closed``, ``leave`` or ``eos``.

    ``closed``: no member goes on to another one, so stop at once. ``leave``: stop when the model
    leaves the language after a member. ``eos``: any text goes, the model says when it ends.
    """
    if is_unconstrained(t):
        return "eos"
    if isinstance(t, Record | List):
        return "closed"
    return end_rule_of(t, language(t, max_states=max_states))


def end_rule_of(t: Type, machine: Machine) -> EndRule:
    """The end rule of ``t``, whose language ``machine`` has."""
    if is_unconstrained(t):
        return "eos"
    if isinstance(t, Record | List):
        return "closed"
    return "closed" if isinstance(machine, Automaton) and machine.is_closed else "leave"


def is_unconstrained(t: Type) -> bool:
    """Whether every text is a member, as in plain ``str``: no mask is needed."""
    match t:
        case Str():
            return t.min <= 0 and t.max is None and t.chars is None
        case Optional(inner):
            return is_unconstrained(inner)
        case Sized(inner, min_chars, max_chars):
            return min_chars <= 0 and max_chars is None and is_unconstrained(inner)
        case Union(options):
            return any(map(is_unconstrained, options))
        case Both(parts):
            return all(map(is_unconstrained, parts))
    return False


def max_tokens_of(t: Type) -> int | None:
    """The most tokens a model may write for a ``t``, as ``sized`` says; None: any number."""
    match t:
        case Sized(inner, max_tokens=most):
            return _least((most, max_tokens_of(inner)))
        case Without(inner) | Stopped(inner):
            return max_tokens_of(inner)
        case Both(parts):
            return _least(map(max_tokens_of, parts))
    return None


def _check_token_bounds(t: Type) -> None:
    """Refuse a bound in tokens of a part: the model is held to one for all that it writes.

    Raises:
        ValueError: there is one; says what it bounds.
    """
    whole, inside = [t], list[object]()
    for each in whole:  # both grow while they are read
        match each:
            case Sized(inner) | Without(inner) | Stopped(inner):
                whole.append(inner)
            case Both(parts):
                whole += parts
            case _:
                inside += [getattr(each, field.name) for field in fields(each)]
    for value in inside:
        match value:
            case Sized(max_tokens=int()):
                raise ValueError(
                    f"{value}: max_tokens bounds all that a model writes, not a part of it; put "
                    ".sized(max_tokens=...) outermost"
                )
            case Field():
                inside.append(value.type)
            case tuple():
                inside += value
            case Type():
                inside += [getattr(value, field.name) for field in fields(value)]


def _least(bounds: Iterable[int | None]) -> int | None:
    return min((bound for bound in bounds if bound is not None), default=None)


@lru_cache(maxsize=256)
def bounds(t: Type) -> Bounds:
    """How long members are; of most types computed without an automaton.

    Exact, but for patterns that are empty or repeat the empty text in odd ways: there still safe.
    Of grammars, recursive schemas and what is combined of them, no longest one is known, and the
    characters are bounded by the bytes.

    Raises:
        NoMemberError: ``t`` has no member, so there is no shortest one.
        ValueError: ``t`` is no constraint.
        RegexError, SchemaError, GrammarError: a part of ``t`` is wrong or cannot be enforced.
    """
    builder = _Builder(MAX_STATES)
    node = builder.bare(t)
    if builder.rules:
        machine = language(t)
        if not machine.start:
            raise NoMemberError(t)
        shortest = machine.distance(machine.start)
        return Bounds(shortest, None, -(-shortest // 4), None)
    in_bytes, in_chars = node.span(True), node.span(False)
    if in_bytes is None or in_chars is None:
        raise NoMemberError(t)
    return Bounds(*in_bytes, *in_chars)


def rough_size(t: Type) -> int:
    """About how many states the automaton of ``t`` will have; nothing is built to tell.

    Raises:
        ValueError: as ``language``, but for what is too large.
    """
    return rough_states(_Builder(MAX_STATES).bare(t))


def until(t: Type, stops: Sequence[str]) -> Type:
    """The type that a decode of a ``t`` is held to when ``stops`` may end it."""
    return t if not stops or is_unconstrained(t) else Stopped(t, tuple(dict.fromkeys(stops)))


@lru_cache(maxsize=256)
def _language(t: Type, max_states: int) -> list[Machine]:
    """A list of the machine, in which a fresh one can take its place."""
    if isinstance(t, Stopped):
        return [_stopped(t, max_states)]
    _check_token_bounds(t)
    builder = _Builder(max_states)
    node = builder.bare(t)
    if not builder.rules:
        return [node.automaton(max_states=max_states)]
    from sglc.constraints.ruled import pushdown  # most programs have nothing that recurs

    return [pushdown(t, {**builder.rules, "": node}, "")]


def _stopped(t: Stopped, max_states: int) -> Automaton:
    machine = language(t.inner, max_states=max_states)
    if not isinstance(machine, Automaton):
        raise ValueError(f"{t.inner} nests without end: no stop text goes with it")
    found = stopped(machine, t.stops, max_states=max_states)
    if machine.start and not found.start:
        raise ValueError("every text of it contains a stop text")
    return found


def tree(t: Type) -> Node | None:
    """L(t) as a tree; None if its rules call each other in circles.

    Raises:
        ValueError: ``t`` is no constraint, or a part of it is wrong.
    """
    builder = _Builder(MAX_STATES)
    node = builder.bare(t)
    return None if builder.rules else node


class _Builder:
    """Trees of types. ``rules`` collects those that the trees call."""

    def __init__(self, max_states: int) -> None:
        self.rules: dict[str, Node] = {}
        self._max_states = max_states
        self._owners: dict[Type, int] = {}

    def bare(self, t: Type) -> Node:
        """The language of ``t`` in the notation of the top level."""
        match t:
            case Union(options):
                return alt(*map(self.bare, options))
            case Optional(inner):
                return alt(Text("none"), self.bare(inner))
        return self._content(t) if _is_text(t) else self._combined(t, self.bare) or self._json(t)

    def _content(self, t: Type) -> Node:
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
            case Grammar():
                return self._ruled(t)
            case Concat(parts):
                return seq(*map(self.bare, parts))
            case Union(options):
                return alt(*map(self._content, options))
        combined = self._combined(t, self._content)
        if combined is None:
            raise ValueError(f"{t} is not a constraint: no model can write one")
        return combined

    def _combined(self, t: Type, inside: Callable[[Type], Node]) -> Node | None:
        """Intersections and what else is made of automata, not of trees."""
        match t:
            case Both(parts):
                machines = [self._automaton(inside(part), t) for part in parts]
                return Exactly(reduce(self._intersect, machines))
            case Without(inner, texts):
                free = self._automaton(inside(inner), t)
                return Exactly(free.difference(containing(texts), max_states=self._max_states))
            case Sized(inner, 0, None):
                return inside(inner)
            case Sized(inner, least, most):
                length = Repeat(Chars(charset.ANY_TEXT), least, most)
                sized = self._automaton(length, t)
                return Exactly(self._intersect(self._automaton(inside(inner), t), sized))
        return None

    def _json(self, t: Type) -> Node:
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
                return alt(*map(self._json, options))
            case Optional(inner):
                return alt(Text("null"), self._json(inner))
            case List(item, least, most):
                return json_text.array(self._json(item), least, most)
            case Record(fields):
                return json_text.record([(field.name, self._json(field.type)) for field in fields])
            case Json(depth):
                return json_text.Value(depth)
            case Schema():
                return self._ruled(t)
        if not _is_text(t):
            combined = self._combined(t, self._json)
            if combined is not None:
                return combined
        outer = self.rules
        self.rules = {}
        content = self._content(t)
        if self.rules:
            raise ValueError(f"{t} nests without end: it cannot stand inside of a JSON string")
        self.rules = outer
        return json_text.string(content)

    def _ruled(self, owner: Schema | Grammar) -> Node:
        """A call of the start rule, or a tree without calls where rules do not recur."""
        from sglc.constraints.ruled import rules_of, tree_of

        whole = tree_of(owner, MAX_INLINED)
        if whole is not None:
            return whole
        rules, start = rules_of(owner)
        known = owner in self._owners
        prefix = f"{self._owners.setdefault(owner, len(self._owners))} "
        if not known:
            for name, node in rules.items():
                self.rules[prefix + name] = map_calls(node, lambda n: Call(prefix + n))
        return Call(prefix + start)

    def _automaton(self, node: Node, t: Type) -> Automaton:
        try:
            return node.automaton(max_states=self._max_states)
        except NotRegularError:
            raise ValueError(
                f"{t}: what nests without end cannot be intersected, sized or kept free of texts"
            ) from None

    def _intersect(self, left: Automaton, right: Automaton) -> Automaton:
        return left.intersect(right, max_states=self._max_states)


def _is_text(t: Type) -> bool:
    """Whether the members are texts as they are, quoted inside of JSON."""
    match t:
        case Both((first, *_)) | Without(inner=first) | Sized(inner=first):
            return _is_text(first)
        case Union(options):
            return all(map(_is_text, options))
    return isinstance(t, Str | Line | Word | Literal | Regex | Grammar | Concat)
