"""Parse and render: inverse as far as a type has one text per value, and never outside L(T)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints import types as t
from sglc.constraints.language import language, parse, render
from tests.constraints.strategies import CONSTRAINTS, random_member

PERSON = t.Record(
    (
        t.Field("name", t.Str(max=5)),
        t.Field("age", t.Optional(t.Int(0, 130)), None),
        t.Field("size", t.Number(2, 2), 1.5),
        t.Field("kind", t.Union((t.Literal("a"), t.Int())), "a"),
    )
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(CONSTRAINTS, st.integers(0, 99))
def test_laws_hold_for_members(type_: t.Type, seed: int) -> None:
    automaton, rng = language(type_), random.Random(seed)
    for _ in range(3):
        text = random_member(automaton, rng).decode()
        value = parse(type_, text)
        again = render(type_, value)
        assert automaton.accepts(again.encode())
        assert parse(type_, again) == value
        if isinstance(type_, t.Record | t.List):
            assert value == json.loads(text)


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (t.Line(), " a", " a"),
        (t.Int(), "-0", 0),
        (t.Number(), "3", 3),
        (t.Number(), "0.0000001", 1e-7),
        (t.Bool(), "true", True),
        (t.Optional(t.Line()), "none", None),
        (t.Union((t.Int(), t.Line())), "12", 12),
        (t.Union((t.Int(), t.Line())), "12 a", "12 a"),
        (t.Json(), '{"a": [1, 1e400]}', {"a": [1, 1.7976931348623157e308]}),
        (PERSON, '{"name": "é", "age": null, "size": 2, "kind": 7}', None),
    ],
)
def test_values_of_texts(type_: t.Type, text: str, value: Any) -> None:
    found = parse(type_, text)
    assert found == (json.loads(text) if value is None and text != "none" else value)
    assert type(found) is not bool or type_ == t.Bool()


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        (t.Number(2, 1), 1.25, "1.3"),
        (t.Number(2, 2), -0.004, "-0.00"),
        (t.Number(), 1e22, "10000000000000000000000"),
        (t.Number(3, 0), 2.5, "3"),
        (t.Str(), "a\n", "a\n"),
        (t.Optional(t.Int()), None, "none"),
        (t.Record((t.Field("a", t.Optional(t.Int())),)), {"a": None}, '{"a": null}'),
        (PERSON, {"name": "x"}, '{"name": "x", "age": null, "size": 1.5, "kind": "a"}'),
        (t.List(t.Number(2, 1)), (1, 2.25), "[1, 2.3]"),
        (t.Json(), {"é": [None, 1.5]}, '{"é": [null, 1.5]}'),
    ],
)
def test_texts_of_values(type_: t.Type, value: Any, text: str) -> None:
    assert render(type_, value) == text


def test_floats_at_the_limit_stay_inside() -> None:
    for type_ in (t.Number(21, 1), t.List(t.Number(21, 1))):
        text = "9" * 21 + ".9"
        text = text if isinstance(type_, t.Number) else f"[{text}]"
        assert render(type_, parse(type_, text)) == text
    assert parse(t.Number(), "1" * 400 + ".5") == 1.7976931348623157e308


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (t.Int(1, 10), 11),
        (t.Int(), True),
        (t.Int(), "1"),
        (t.Number(2, 2), 99.999),
        (t.Number(), float("nan")),
        (t.Bool(), 1),
        (t.Line(), "a\n"),
        (t.Str(), "\ud800"),
        (t.Str(), 3),
        (t.Union((t.Literal("a"),)), "b"),
        (t.List(t.Int(), max=1), [1, 2]),
        (t.List(t.Int()), "ab"),
        (t.Json(1), [[1]]),
        (t.Json(), float("inf")),
        (t.Json(), {1, 2}),
        (PERSON, {"age": 3}),
        (PERSON, {"name": "x", "nam": 1}),
        (PERSON, {"name": 3}),
    ],
)
def test_values_of_another_type_are_refused(type_: t.Type, value: Any) -> None:
    with pytest.raises(ValueError, match=r"is not|missing|no field"):
        render(type_, value)


@pytest.mark.parametrize(
    ("type_", "text", "reason"),
    [
        (t.Int(1, 10), "11", "not a int(1..10): '1' at position 1 cannot follow"),
        (t.Record((t.Field("é", t.Int()),)), '{"é": x}', "'x}' at position 6 cannot follow"),
        (
            t.Record((t.Field("a", t.Int()),)),
            '{"a":1}',
            "'1}' at position 5 cannot follow, a blank can",
        ),
        (t.Literal("abc"), "ab", "'ab' ends too early"),
        (t.Line(), "\ud800", "at position 0 cannot follow"),
    ],
)
def test_a_text_outside_is_refused_with_its_place(type_: t.Type, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="not a") as caught:
        parse(type_, text)
    assert reason in str(caught.value)


def test_a_record_of_a_union_is_written_by_its_own_option() -> None:
    cat = t.Record((t.Field("kind", t.Literal("cat")), t.Field("lives", t.Int())))
    dog = t.Record((t.Field("kind", t.Literal("dog")), t.Field("name", t.Str())))
    both = t.List(t.Union((cat, dog)))
    texts = [
        render(both, [value])
        for value in ({"kind": "cat", "lives": 9}, {"kind": "dog", "name": "Rex"})
    ]
    assert texts == ['[{"kind": "cat", "lives": 9}]', '[{"kind": "dog", "name": "Rex"}]']
