"""Constraints that cannot work, and how long what they allow can get."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import patterns
from sglc.compiler.frontend.sema.body import Body
from sglc.compiler.frontend.sema.types import literal_values, options_of, show
from sglc.constraints import types as t

# No tokenizer in use has a token of more bytes than this that is not white space or a rule of
# dashes; below it a budget is certainly too small, whatever the model.
_MAX_TOKEN_BYTES = 64
_MAX_INFERRED = 4096
_MAX_HEALED_BYTES = 128
_SAMPLES = ("a", "0", " ", "-", "A")


def inferred_max_tokens(type_: t.Type, *, heals: bool) -> int | None:
    """Return the longest member in bytes: a token is a byte at least. None when there is none.

    With ``heals`` there is room for the word of the prompt that is written once more.
    """
    if isinstance(type_, t.OneOf) or _is_open(type_):
        return None
    from sglc.constraints.language import bounds

    longest = bounds(type_).max_bytes
    if longest is None or not 0 < longest <= _MAX_INFERRED:
        return None
    return longest + _MAX_HEALED_BYTES if heals else longest


def _is_open(type_: t.Type) -> bool:
    """Whether a text may be a single character, and as long as it likes; no bounds to look up."""
    match type_:
        case t.Str(min=low, max=None):
            return low <= 1
    return isinstance(type_, t.Line | t.Word)


def check_type(body: Body, place: ast.Expr, type_: t.Type) -> bool:
    """Report a type that no text satisfies, or one that cannot be held to."""
    empty = _empty_part(type_)
    if empty is not None:
        body.report(codes.empty_language(place.span, show(type_), empty))
        return False
    parts = dict.fromkeys(_patterns(type_))
    if not all(_check_pattern(body, place, type_, part) for part in parts):
        return False
    return _check_rules(body, place, type_) and _check_size(body, place, type_)


def _check_size(body: Body, place: ast.Expr, type_: t.Type) -> bool:
    """Report a type that is surely too large; what may or may not be shows when it is built."""
    if isinstance(type_, t.OneOf) or _is_open(type_):
        return True
    from sglc.constraints.language import language, rough_size
    from sglc.constraints.work import MAX_STATES, AutomatonTooLarge

    try:
        if rough_size(type_) > 2 * MAX_STATES:
            language(type_)
    except AutomatonTooLarge:
        body.report(codes.automaton_too_large(place.span, show(type_), MAX_STATES))
        return False
    return True


def _check_rules(body: Body, place: ast.Expr, type_: t.Type) -> bool:
    """Report what is wrong with the schemas and grammars in a type as a whole."""
    if isinstance(type_, t.OneOf) or _is_open(type_):
        return True
    from sglc.constraints.language import NoMemberError, bounds

    try:
        bounds(type_)
    except NoMemberError:
        body.report(codes.empty_language(place.span, show(type_)))
        return False
    except ValueError as error:
        body.report(codes.unsupported_rules(place.span, "type", str(error)))
        return False
    return True


def _check_pattern(body: Body, place: ast.Expr, type_: t.Type, part: t.Regex) -> bool:
    if any(re.fullmatch(part.pattern, text) for text in _SAMPLES):
        return True
    from sglc.constraints.automaton import MAX_STATES
    from sglc.constraints.language import language
    from sglc.constraints.work import AutomatonTooLarge

    try:
        automaton = language(part)
    except AutomatonTooLarge:
        body.report(codes.automaton_too_large(place.span, show(type_), MAX_STATES))
        return False
    if not automaton.start:
        body.report(codes.empty_language(place.span, show(part)))
        return False
    return True


def check_gen(body: Body, call: ast.Call, type_: t.Type, options: Mapping[str, Any]) -> None:
    """Report options of a gen that do not go with what it generates."""
    own = {kwarg.name.value: kwarg.value for kwarg in call.kwargs}
    if isinstance(type_, t.Regex) and patterns.accepts_empty(type_.pattern):
        body.report(codes.accepts_empty(call.args[0].span if call.args else call.span, show(type_)))
    _check_budget(body, own.get("max_tokens", call), type_, options.get("max_tokens"))
    stop = options.get("stop")
    if "stop" in own and isinstance(stop, list):
        for text in stop:
            _check_stop(body, own["stop"], type_, text)


def _check_budget(body: Body, place: ast.Expr, type_: t.Type, max_tokens: object) -> None:
    if not isinstance(max_tokens, int) or isinstance(type_, t.OneOf) or _is_open(type_):
        return
    from sglc.constraints.language import bounds

    shortest = -(-bounds(type_).min_bytes // _MAX_TOKEN_BYTES)
    if max_tokens < shortest:
        body.report(codes.max_tokens_too_small(place.span, max_tokens, shortest, show(type_)))


def _check_stop(body: Body, place: ast.Expr, type_: t.Type, stop: str) -> None:
    texts = literal_values(type_)
    if texts and all(isinstance(text, str) for text in texts):
        found = [stop in str(text) for text in texts]
        if all(found) or not any(found):
            body.report(codes.bad_stop(place.span, stop, show(type_), always=all(found)))
    elif all(_excludes(option, stop) for option in options_of(type_)):
        body.report(codes.bad_stop(place.span, stop, show(type_), always=False))


def _excludes(type_: t.Type, stop: str) -> bool:
    """Whether no text of the type contains ``stop``; False when that would be work to find out."""
    match type_:
        case t.Line():
            return "\n" in stop
        case t.Word():
            return any(c.isspace() for c in stop)
        case t.Int():
            return any(c not in "-0123456789" for c in stop)
        case t.Number():
            return any(c not in "-.0123456789eE+" for c in stop)
        case t.Bool():
            return stop not in "true" and stop not in "false"
        case t.NoneType():
            return stop not in "none"
        case t.Literal(value=value):
            return stop not in value
        case t.Str(max=limit) if limit is not None:
            return len(stop) > limit
    return False


def _empty_part(type_: t.Type) -> str | None:
    """Return why no text satisfies the type, as far as its bounds tell."""
    match type_:
        case t.Str(min=low, max=high) if high is not None and low > high:
            return f"at least {low} and at most {high} characters"
        case t.Int(lo=low, hi=high) if low is not None and high is not None and low > high:
            return f"from {low} to {high} there is no integer"
        case t.List(item=item, min=low, max=high):
            if high is not None and low > high:
                return f"at least {low} and at most {high} items"
            return _empty_part(item) if low > 0 else None
        case t.Record(fields=fields):
            return next((r for f in fields if (r := _empty_part(f.type)) is not None), None)
        case t.Union(options=options):
            reasons = [_empty_part(option) for option in options]
            return None if None in reasons else next(iter(reasons), "no choices")
    return None


def _patterns(type_: t.Type) -> Iterator[t.Regex]:
    match type_:
        case t.Regex():
            yield type_
        case t.Str(chars=str() as chars):
            yield t.Regex(chars)
        case t.Record(fields=fields):
            for field in fields:
                yield from _patterns(field.type)
        case t.List(item=inner) | t.Optional(inner=inner):
            yield from _patterns(inner)
        case t.Union(options=options):
            for option in options:
                yield from _patterns(option)
