"""Types as JSON Schemas of providers: what is asked for, and what an answer means."""

from __future__ import annotations

import json
from decimal import Decimal

import jsonschema
import pydantic
import pytest

from sglc.constraints.dtypes import PATTERNS
from sglc.constraints.python import as_constraint
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
)
from sglc.constraints.values import is_member
from sglc.runtime.executor.compile_process import prepare
from sglc.runtime.remote.capabilities import SGLC, Capabilities
from sglc.runtime.remote.fitting import fitted
from sglc.runtime.remote.held import Held, held_to
from sglc.runtime.remote.schemas import FIELD, answer_schema, is_strict, recurs

PERSON = Record((Field("name", Str()), Field("age", Int(0, 150)), Field("tags", List(Line()))))
COLOURS = Union((Literal("red"), Literal("green")))


@pytest.mark.parametrize(
    ("t", "value", "text"),
    [
        (Int(1, 9), 7, "7"),
        (Number(), 1.5, "1.5"),
        (Bool(), True, "true"),
        (COLOURS, "green", "green"),
        (Optional(Int()), None, "none"),
        (List(Int(), 1, 3), [1, 2], "[1, 2]"),
        (Union((Int(), Literal("many"))), "many", "many"),
        (Regex(PATTERNS["int"]), 42, "42"),
        (Regex(PATTERNS["float"]), 0.5, "0.5"),
        (Regex(PATTERNS["bool"]), "True", "True"),
        (Regex(PATTERNS["str"]), "a b", '"a b"'),
        (Stopped(Sized(Int(), max_tokens=4), ("\n",)), 3, "3"),
        (Schema('{"type": "array", "items": {"type": "integer"}}'), [1], "[1]"),
        (Both((Number(2, 1), Schema('{"type": "number", "minimum": 1}'))), 1.5, "1.5"),
        (Schema('{"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}'), 5, "5"),
    ],
    ids=str,
)
def test_what_is_no_object_is_the_field_of_one(t: Type, value: object, text: str) -> None:
    found = answer_schema(t)
    assert found is not None
    assert found.is_wrapped
    assert found.is_strict
    jsonschema.validate({FIELD: value}, found.schema)
    made = found.text_of(json.dumps({FIELD: value}))
    assert made == text
    assert is_member(t.inner if isinstance(t, Stopped) else t, made)


def test_a_record_is_the_answer_itself() -> None:
    found = answer_schema(PERSON)
    assert found is not None
    assert not found.is_wrapped
    assert is_strict(found.schema)
    jsonschema.validate({"name": "a", "age": 1, "tags": ["x"]}, found.schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "a", "age": 151, "tags": []}, found.schema)
    assert found.text_of('{"a": 1}') == '{"a": 1}'


def test_the_text_of_a_schema_is_asked_for_as_the_schema() -> None:
    schema = Schema('{"type": "object", "properties": {"a": {"type": "integer"}}}')
    text = Concat((schema,))
    assert answer_schema(text) == answer_schema(schema)
    served = Capabilities(name="x", prompts="text", constraints=frozenset({"regex", "json_schema"}))
    assert held_to(text, served) == Held("json_schema", schema.text)


class Part(pydantic.BaseModel):
    name: str
    parts: list[Part] = []


class Made(pydantic.BaseModel):
    whole: Part
    price: Decimal = pydantic.Field(max_digits=4, decimal_places=2, ge=0)
    spare: Part | None


def test_definitions_of_parts_are_found_at_the_root() -> None:
    type_ = as_constraint(Made)
    found = answer_schema(type_)
    assert found is not None
    assert not found.is_wrapped
    assert found.is_strict
    assert len(found.schema["$defs"]) == 2
    part = {"name": "a", "parts": [{"name": "b", "parts": []}]}
    value = {"whole": part, "price": 1.5, "spare": None}
    jsonschema.validate(value, found.schema)
    text = found.text_of(json.dumps(value))
    assert is_member(type_, text)
    part["parts"] = [{"name": 3, "parts": []}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, found.schema)


def test_what_recurs_is_known() -> None:
    ring = {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}
    assert recurs({"$ref": "#/$defs/a", "$defs": ring})
    assert recurs({"type": "array", "items": {"$ref": "#"}})
    line = {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"type": "integer"}}
    assert not recurs({"$ref": "#/$defs/a", "$defs": line})


def test_a_format_that_strict_modes_refuse_is_left_out() -> None:
    formats = {"url": "uri", "day": "date", "format": "email"}
    schema = {
        "type": "object",
        "properties": {k: {"type": "string", "format": v} for k, v in formats.items()},
        "required": list(formats),
        "additionalProperties": False,
    }
    found = answer_schema(Schema(json.dumps(schema)))
    assert found is not None
    assert found.is_strict
    properties = found.schema["properties"]
    assert {k: each.get("format") for k, each in properties.items()} == {**formats, "url": None}


def test_a_part_that_is_open_is_not_strict() -> None:
    found = answer_schema(as_constraint(list[dict[str, int]]))
    assert found is not None
    assert not found.is_strict
    closed = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert is_strict(closed)
    assert not is_strict({**closed, "patternProperties": {}})
    assert not is_strict({**closed, "anyOf": [{"oneOf": []}]})


def test_what_says_nothing_of_values_is_left_out() -> None:
    text = (
        '{"type": "object", "required": ["default"], "additionalProperties": false, "properties": '
        '{"default": {"enum": [{"default": 1}], "default": {"default": 1}, "examples": [2]}}}'
    )
    found = answer_schema(Schema(text))
    assert found is not None
    assert found.schema["properties"] == {"default": {"enum": [{"default": 1}]}}
    assert found.is_strict


def test_an_open_object_is_not_strict() -> None:
    found = answer_schema(Schema('{"type": "object", "properties": {"a": {"type": "string"}}}'))
    assert found is not None
    assert not found.is_strict


@pytest.mark.parametrize(
    "t",
    [
        Regex("[a-c]{3}"),
        Str(max=3),
        Sized(Line(), max_chars=3),
        Grammar('start: "a"'),
        Json(),
        Schema('{"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#"}}]}'),
        Schema('{"$ref": "a:b"}', resources='{"a:b": {"type": "integer"}}'),
        Union((Int(), Regex("x+"))),
    ],
    ids=str,
)
def test_what_no_schema_says_is_not_asked_for(t: Type) -> None:
    assert answer_schema(t) is None


def test_an_answer_that_is_cut_off_stays_as_it_is() -> None:
    found = answer_schema(Int())
    assert found is not None
    for odd in ('{"value": 4', '{"other": 4}', "[1]", "7", '{"value": "x"}'):
        assert found.text_of(odd) == odd


BOUNDED = Record((
    Field("price", Both((Number(3, 2), Schema('{"type":"number","minimum":1}')))),
    Field("day", Regex("[0-9]{4}")),
    Field("name", Sized(Regex("[a-z]+"), 1, 3)),
    Field("score", Schema('{"type":"number","exclusiveMaximum":1}')),
))  # fmt: skip


def test_what_no_regex_says_is_told_as_a_schema_that_says_all() -> None:
    held = held_to(BOUNDED, SGLC)
    assert held is not None
    assert held.notation == "json_schema"
    price = {
        "type": "number", "multipleOf": 0.01, "exclusiveMinimum": -1000, "exclusiveMaximum": 1000,
        "minimum": 1,
    }  # fmt: skip
    assert json.loads(held.text)["properties"] == {
        "price": price,
        "day": {"type": "string", "pattern": "^(?:[0-9]{4})$"},
        "name": {"type": "string", "pattern": "^(?:[a-z]+)$", "minLength": 1, "maxLength": 3},
        "score": {"type": "number", "exclusiveMaximum": 1},
    }
    within = Record((Field("price", Both((Int(0, 9), Int(5, 20)))), Field("x", BOUNDED)))
    inner = held_to(within, SGLC)
    assert inner is not None
    assert json.loads(inner.text)["properties"]["price"] == {
        "allOf": [{"type": "integer", "minimum": 0, "maximum": 9},
                  {"type": "integer", "minimum": 5, "maximum": 20}]
    }  # fmt: skip


def test_what_no_schema_says_either_is_held_by_nothing() -> None:
    python_only = Record((Field("a", Regex("(?i:a)")), *BOUNDED.fields))
    assert held_to(python_only, SGLC) is None
    assert held_to(Both((Regex("a+"), Regex("aa?"))), SGLC) is None


def test_records_of_a_union_are_written_as_their_type_writes_them() -> None:
    other = Record((Field("kind", Literal("b")), Field("n", Int())))
    prepared = prepare(Union((BOUNDED, other)))
    assert fitted(prepared.constraint, '{"n":3,\n"kind":"b"}') == '{"kind": "b", "n": 3}'
