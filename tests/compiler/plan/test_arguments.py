"""Arguments are checked as a whole before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from sglc.compiler.plan.arguments import ArgumentError, bind_arguments, mismatch, parse_argument
from sglc.compiler.plan.plan import Block, Function, Parameter
from sglc.constraints import types as t

CARD = t.Record((t.Field("name", t.Str(max=4)), t.Field("age", t.Int(0, 150), 30)))


def function(*parameters: tuple[str, t.Type, Any]) -> Function:
    return Function(
        kind="prompt",
        name="ask",
        params=tuple(
            Parameter(
                name=name, value=i, type=type_, has_default=default is not ..., default=default
            )
            for i, (name, type_, default) in enumerate(parameters)
        ),
        result=None,
        body=Block(),
        num_values=len(parameters),
    )


def test_defaults_are_filled_in() -> None:
    ask = function(("q", t.Str(), ...), ("n", t.Int(), 3))
    assert bind_arguments(ask, {"q": "x"}) == {"q": "x", "n": 3}


def test_every_problem_is_reported_at_once() -> None:
    ask = function(("q", t.Str(), ...), ("n", t.Int(), ...))
    with pytest.raises(ArgumentError) as caught:
        bind_arguments(ask, {"n": "three", "m": 1})
    assert caught.value.problems == (
        "no parameter `m` (it has q, n)",
        "`q` (str) is missing",
        "`n` must be int: not a text",
    )


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (t.Str(), "any text"),
        (t.Line(), "one line"),
        (t.Int(1, 3), 3),
        (t.Number(), 2),
        (t.Number(), 2.5),
        (t.Bool(), False),
        (t.Optional(t.Int()), None),
        (t.List(t.Int(), 1, 2), [1, 2]),
        (CARD, {"name": "Ron", "age": 11}),
        (CARD, {"name": "Ron"}),
        (t.Union((t.Literal("a"), t.Literal("b"))), "b"),
        (t.Json(), {"a": [1, None]}),
        (t.AnyType(), {1}),
    ],
    ids=str,
)
def test_a_value_of_the_type_fits(type_: t.Type, value: Any) -> None:
    assert mismatch(type_, value) is None


@pytest.mark.parametrize(
    ("type_", "value", "reason"),
    [
        (t.Str(), 1, "not an integer"),
        (t.Str(max=2), "abc", ""),
        (t.Line(), "two\nlines", ""),
        (t.Int(1, 3), 4, "4 is out of range"),
        (t.Int(), True, "not a truth value"),
        (t.Number(), float("nan"), "not a finite number"),
        (t.Bool(), 1, "not an integer"),
        (t.List(t.Int(), 1, 2), [], "0 items"),
        (t.List(t.Int()), [1, "x"], "item 1: not a text"),
        (CARD, {"age": 11}, "field `name` is missing"),
        (CARD, {"name": "Ron", "house": 1}, "unknown field `house`"),
        (t.Union((t.Literal("a"), t.Literal("b"))), "c", 'not "c"'),
        (t.Json(), {"a": {1}}, "not JSON serializable"),
        (t.Str(), "\ud800", "half a surrogate"),
    ],
    ids=str,
)
def test_another_value_is_refused_with_the_reason(type_: t.Type, value: Any, reason: str) -> None:
    told = mismatch(type_, value)
    assert told is not None
    assert told.startswith(f"must be {type_}: ")
    assert reason in told


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (t.Str(), "12", "12"),
        (t.Int(), "12", 12),
        (t.Number(), "1.5", 1.5),
        (t.Bool(), "true", True),
        (t.Optional(t.Int()), "none", None),
        (t.List(t.Str()), '["a"]', ["a"]),
        (CARD, '{"name": "Ron", "age": 1}', {"name": "Ron", "age": 1}),
        (t.Union((t.Int(), t.Literal("all"))), "all", "all"),
        (t.Union((t.Int(), t.Literal("all"))), "7", 7),
    ],
    ids=str,
)
def test_words_of_a_command_line_become_values(type_: t.Type, text: str, value: Any) -> None:
    parsed = parse_argument(Parameter(name="x", value=0, type=type_), text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("type_", "text"),
    [(t.Int(), "x"), (t.Bool(), "yes"), (t.List(t.Int()), "[1"), (t.Int(1, 3), "9")],
    ids=str,
)
def test_words_that_are_no_value_are_refused(type_: t.Type, text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_argument(Parameter(name="x", value=0, type=type_), text)
