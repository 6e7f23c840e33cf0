"""Where blanks stand and in which order keys come."""

from __future__ import annotations

import itertools
import json
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.constraints.schema import CompiledSchema, SchemaError, SchemaOptions, compile_schema

VALUE = st.fixed_dictionaries(
    {"id": st.integers(-99, 99), "tags": st.lists(st.text(max_size=3), max_size=3)},
    optional={"inner": st.fixed_dictionaries({}, optional={"x": st.none(), "y": st.booleans()})},
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "inner": {
            "type": "object",
            "properties": {"x": {"type": "null"}, "y": {"type": "boolean"}},
            "additionalProperties": False,
        },
    },
    "required": ["id", "tags"],
    "additionalProperties": False,
}
DUMPS: dict[Any, dict[str, Any]] = {
    "spaced": {},
    "compact": {"separators": (",", ":")},
    0: {"indent": 0},
    2: {"indent": 2},
}


@lru_cache(maxsize=8)
def compiled_in(layout: Any) -> CompiledSchema:
    """The schema in a layout."""
    return compile_schema(SCHEMA, options=SchemaOptions(layout=layout))


@pytest.mark.parametrize("layout", DUMPS)
@given(value=VALUE)
def test_layouts_are_those_of_json_dumps(layout: Any, value: Any) -> None:
    compiled = compiled_in(layout)
    value = {key: value[key] for key in SCHEMA["properties"] if key in value}
    if "inner" in value:
        value["inner"] = dict(sorted(value["inner"].items()))
    text = json.dumps(value, ensure_ascii=False, **DUMPS[layout])
    assert compiled.canonical_text(value) == text
    assert compiled.machine.accepts(text.encode())
    for other in DUMPS:
        if other != layout:
            wrong = json.dumps(value, ensure_ascii=False, **DUMPS[other])
            assert not compiled.machine.accepts(wrong.encode()) or wrong == text


def test_indents_need_a_depth() -> None:
    with pytest.raises(SchemaError, match="without end"):
        compile_schema({"type": "array"}, options=SchemaOptions(layout=2))
    tree = {"type": "array", "items": {"$ref": "#"}}
    with pytest.raises(SchemaError, match="#: values nest more than 60 levels"):
        compile_schema(tree, options=SchemaOptions(layout=0))


@pytest.mark.parametrize("order", ["schema", "any"])
def test_orders_of_keys(order: Any) -> None:
    machine = compile_schema(SCHEMA, options=SchemaOptions(order=order)).machine
    pairs = {"id": 1, "tags": ["a"], "inner": {}}
    for keys in itertools.permutations(pairs):
        text = json.dumps({key: pairs[key] for key in keys})
        assert machine.accepts(text.encode()) == (order == "any" or list(keys) == list(pairs))
    assert not machine.accepts(b'{"id": 1, "id": 2, "tags": []}')


def test_keys_that_are_not_listed_come_last() -> None:
    schema = {"properties": {"a": True, "b": True}, "required": ["b"]}
    machine = compile_schema(schema).machine
    assert machine.accepts(b'{"b": 1, "x": 2, "y": 3}')
    assert not machine.accepts(b'{"x": 2, "b": 1}')
    assert not machine.accepts(b'{"b": 1, "a": 2}')
    assert not machine.accepts(b'{"b": 1, "\\u0062": 2}')  # b again, in disguise
    free = compile_schema(schema, options=SchemaOptions(order="any")).machine
    assert free.accepts(b'{"x": 2, "b": 1, "y": 3, "a": 2}')


def test_many_keys_in_any_order_are_refused() -> None:
    schema = {"properties": {f"k{i}": True for i in range(11)}}
    with pytest.raises(SchemaError, match="order='schema'"):
        compile_schema(schema, options=SchemaOptions(order="any"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("order", "random"), ("layout", -1), ("layout", "wide"), ("formats", "all"), ("draft", "4")],
)
def test_options_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name}="):
        SchemaOptions(**{name: value})
