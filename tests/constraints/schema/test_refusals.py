"""What is refused, with its place and the way out; what is hostile costs little."""

from __future__ import annotations

from typing import Any

import pytest

from sglc.constraints.schema import Limits, SchemaError, compile_schema


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "strin"}, "#/type"),
        ({"properties": {"a/b": {"minLength": -1}}}, "#/properties/a~1b/minLength"),
        ({"required": "a"}, "#/required"),
        ({"allOf": []}, "#/allOf"),
        ({"items": [True]}, "#/items"),
        ({"multipleOf": 0}, "#/multipleOf"),
        ({"$ref": "#/$defs/a"}, "#/$ref"),
        ({"$ref": "other.json"}, "#/$ref"),
        ({"$ref": "#gone"}, "#/$ref"),
        ({"$recursiveRef": "#"}, "#/$recursiveRef"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "#/$schema"),
        ({"pattern": "(a)\\1"}, "#/pattern"),
        ({"patternProperties": {"(": True}}, "#/patternProperties/("),
        ({"format": "regex"}, "#/format"),
        ({"multipleOf": 0.123456789}, "#/multipleOf"),
        ({"$ref": "#"}, "#/$ref"),
        ({"anyOf": [{"type": "null"}, {"$ref": "#"}]}, "#"),
        ({"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, "#/$defs/a"),
        ({"dependentSchemas": {"a": {"$ref": "#"}}}, "#"),
        ({"maxLength": 10**9}, "#/maxLength"),
        ({"items": {"maxItems": 10**9}}, "#/items"),
        ({"minProperties": 10**9}, "#"),
    ],
)
def test_places(schema: dict[str, Any], pointer: str) -> None:
    with pytest.raises(SchemaError) as error:
        compile_schema(schema)
    assert error.value.pointer == pointer
    assert str(error.value).startswith(pointer)


def test_a_schema_is_an_object_or_a_boolean() -> None:
    with pytest.raises(SchemaError, match="an object or a boolean"):
        compile_schema(3)  # type: ignore[arg-type]  # what a caller may do
    assert not compile_schema(False).machine.start
    assert compile_schema(True).machine.accepts(b'[{"a": null}]')


@pytest.mark.parametrize("word", ["properties", "not", "items", "allOf"])
def test_deep_schemas_are_refused(word: str) -> None:
    schema: dict[str, Any] = {}
    inner = schema
    for _ in range(20_000):
        new: dict[str, Any] = {}
        inner[word] = {"a": new} if word == "properties" else [new] if word == "allOf" else new
        inner = new
    with pytest.raises(SchemaError, match="nest"):
        compile_schema(schema)


PAIRS = [{"anyOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(30)]
OVERLAPPING = [{"properties": {f"p{i}{j}": {"type": "null"} for j in range(9)}} for i in range(9)]
MULTIPLYING: dict[str, dict[str, Any]] = {
    "product": {"allOf": PAIRS},
    "overlap": {"oneOf": OVERLAPPING},
    "patterns": {"patternProperties": {f"a{i}": {"minimum": i} for i in range(12)}},
    "repeats": {"pattern": "^(a{1,1000}){1,1000}$"},
    "constants": {"enum": [f"{i:09}" * 3 for i in range(40_000)]},
    "keys": {"properties": {f"p{i}": {"type": "null"} for i in range(60_000)}},
    "places": {"properties": {f"p{i}": {"const": i} for i in range(400)}},
    "counts": {"contains": {"type": "null"}, "minContains": 10**6},
}


@pytest.mark.parametrize("name", MULTIPLYING)
def test_what_multiplies_is_refused(name: str) -> None:
    with pytest.raises(SchemaError):
        _ = compile_schema(
            MULTIPLYING[name], limits=Limits(max_states=20_000, max_rules=300)
        ).machine


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(("required", "count"), [(True, 1_000), (False, 1_000), (False, 10_000)])
def test_thousands_of_properties_cost_linear_space(
    required: bool, count: int, closed: bool
) -> None:
    names = [f"p{i}" for i in range(count)]
    schema: dict[str, Any] = {"properties": {name: {"type": "string"} for name in names}}
    if required:
        schema["required"] = names
    if closed:
        schema["additionalProperties"] = False
    compiled = compile_schema(schema)
    assert len(compiled.rules) <= 2
    machine = compiled.machine
    assert machine.num_states < 10
    text = ", ".join(f'"{name}": ""' for name in (names if required else names[:: count // 3]))
    assert machine.accepts(f"{{{text}}}".encode())


def test_rules_that_never_end_have_no_texts() -> None:
    endless = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
    assert not compile_schema(endless).machine.start


def test_tagged_unions_stay_small() -> None:
    branches = [
        {
            "type": "object",
            "properties": {
                "kind": {"const": f"k{i}"},
                f"x{i}": {"type": "integer"},
                "y": {"minimum": i},
            },
            "required": ["kind"],
        }
        for i in range(60)
    ]
    tags = {"type": "string", "not": {"enum": [f"k{i}" for i in range(60)]}}
    branches.append({"properties": {"kind": tags}, "required": ["kind"]})
    machine = compile_schema({"oneOf": branches}).machine
    assert machine.accepts(b'{"kind": "other"}')
    assert machine.accepts(b'{"kind": "k7", "x7": 1, "y": 7}')
    assert not machine.accepts(b'{"kind": "k7", "x7": 1, "y": 6}')
    chain = [
        {"if": {"properties": {"kind": {"const": f"k{i}"}}}, "then": {"required": [f"x{i}"]}}
        for i in range(40)
    ]
    machine = compile_schema({"required": ["kind"], "allOf": chain}).machine
    assert machine.accepts(b'{"kind": "k3", "x3": 0}')
    assert not machine.accepts(b'{"kind": "k3", "x4": 0}')
    assert machine.accepts(b'{"kind": "other"}')
