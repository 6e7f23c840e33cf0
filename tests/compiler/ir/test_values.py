"""Types of values: where they come from and what may stand for what."""

from __future__ import annotations

import pytest

from sglc.compiler.ir.values import (
    ANY,
    BOOL,
    GROUP,
    INT,
    JSON,
    LIST,
    NONE,
    NUMBER,
    STR,
    STREAM,
    ValueType,
    assignable,
    from_type,
    join,
    list_of,
    literals_of,
    overlaps,
    record_of,
)
from sglc.constraints import types as t


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (t.Line(), "str"),
        (t.Int(1, 3), "int"),
        (t.Union((t.Literal("a"), t.Literal("b"))), '"a" | "b"'),
        (t.Union((t.Int(), t.Number())), "number"),
        (t.Union((t.Int(), t.Str())), "any"),
        (t.Optional(t.Union((t.Literal("a"), t.Literal("b")))), '("a" | "b")?'),
        (t.List(t.Optional(t.Int())), "list[int?]"),
        (t.Record((t.Field("a b", t.Bool()), t.Field("c", t.Json()))), '{"a b": bool, c: json}'),
        (t.OneOf(), "str"),
        (t.AnyType(), "any"),
    ],
)
def test_from_type(type_: t.Type, text: str) -> None:
    assert str(from_type(type_)) == text


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (ANY, STREAM),
        (INT, ANY),
        (STR, literals_of("a")),
        (NUMBER, INT),
        (STR.as_optional(), NONE),
        (STR.as_optional(), STR),
        (JSON, list_of(INT)),
        (LIST, list_of(INT)),
        (LIST, GROUP),
        (list_of(NUMBER), list_of(INT)),
        (literals_of("a", "b"), literals_of("b")),
        (record_of(a=NUMBER), record_of(a=INT)),
    ],
)
def test_assignable_in_one_direction(target: ValueType, source: ValueType) -> None:
    assert assignable(target, source)


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (STR, INT),
        (INT, NUMBER),
        (STR, NONE),
        (STR, STR.as_optional()),
        (BOOL, INT),
        (JSON, STREAM),
        (list_of(STR), list_of(INT)),
        (literals_of("a"), literals_of("a", "b")),
        (record_of(a=INT), record_of(a=INT, b=INT)),
    ],
)
def test_not_assignable(target: ValueType, source: ValueType) -> None:
    assert not assignable(target, source)


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (STR, STR.as_optional()),
        (literals_of("a", "b"), STR),
        (literals_of("a", "b"), literals_of("b", "c")),
        (list_of(INT), list_of(INT.as_optional())),
        (record_of(a=INT, b=STR), record_of(a=INT.as_optional(), b=literals_of("x"))),
        (record_of(a=STR, b=literals_of("x")), record_of(a=literals_of("y"), b=STR.as_optional())),
    ],
)
def test_a_test_may_show_that_a_value_is_of_a_narrower_type(
    target: ValueType, source: ValueType
) -> None:
    assert overlaps(target, source)


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (STR, INT),
        (literals_of("a"), literals_of("b")),
        (list_of(INT), list_of(STR)),
        (record_of(a=INT), record_of(b=INT)),
        (STREAM, STR),
    ],
)
def test_types_without_a_common_value(target: ValueType, source: ValueType) -> None:
    assert not overlaps(target, source)


def test_join() -> None:
    assert join(literals_of("a"), literals_of("b", "a")) == literals_of("a", "b")
    assert join(INT, NUMBER) == NUMBER
    assert join(NONE, INT) == INT.as_optional()
    assert join(INT.as_optional(), NUMBER) == NUMBER.as_optional()
    assert join(INT, STR) == ANY
