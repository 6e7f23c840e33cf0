"""JSON Schemas as types of the language: alone, inside of records and in unions."""

from __future__ import annotations

import json
from typing import Any
from typing import Literal as Choice

import pydantic
import pytest

from sglc import constraints
from sglc.constraints import build
from sglc.constraints import types as t
from sglc.constraints.language import end_rule, parse, render
from sglc.constraints.schema import SchemaError
from sglc.constraints.type_data import from_data, to_data

UNIQUE = constraints.json_schema(
    {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
)
TREE = constraints.json_schema(
    {
        "type": "object",
        "properties": {"v": {"type": "integer"}, "c": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["v"],
        "additionalProperties": False,
    }
)


def test_a_schema_is_text_mapping_or_boolean() -> None:
    as_text = constraints.json_schema('{"type":"null"}')
    assert as_text == constraints.json_schema({"type": "null"})
    assert as_text.parse("null") is None
    assert constraints.json_schema(True).parse('{"a": [1, "x"]}') == {"a": [1, "x"]}
    with pytest.raises(SchemaError, match="#/type"):
        constraints.json_schema({"type": "nul"})
    with pytest.raises(SchemaError, match="not JSON"):
        constraints.json_schema("{")
    with pytest.raises(SchemaError, match="order"):
        constraints.json_schema({}, order="none")  # type: ignore[arg-type]  # what a caller may do


def test_references_lead_to_the_documents_that_are_given() -> None:
    remote = {"$ref": "https://example.org/age"}
    ages = {"https://example.org/age": {"type": "integer", "minimum": 0}}
    age = constraints.json_schema(remote, resources=ages)
    assert age.accepts("3")
    assert not age.accepts("-3")
    assert from_data(json.loads(json.dumps(to_data(age)))) == age
    with pytest.raises(SchemaError, match=r"#/\$ref"):
        constraints.json_schema(remote)


def test_what_no_machine_sees_is_checked_when_it_is_parsed() -> None:
    assert UNIQUE.prefix_ok('["a", "a"]')
    assert UNIQUE.accepts('["a", "b"]')
    assert not UNIQUE.accepts('["a", "a"]')
    with pytest.raises(ValueError, match="uniqueItems"):
        UNIQUE.parse('["a", "a"]')
    pair = t.Record((t.Field("x", UNIQUE), t.Field("y", t.Optional(t.List(UNIQUE)))))
    assert pair.accepts('{"x": [], "y": [["a"]]}')
    assert pair.accepts('{"x": [], "y": null}')
    assert not pair.accepts('{"x": [], "y": [["a", "a"]]}')
    assert not pair.accepts('{"x": ["a", "a"], "y": null}')


def test_another_option_of_a_union_may_have_what_one_refuses() -> None:
    any_list = t.List(t.Str())
    assert (UNIQUE | any_list).parse('["a", "a"]') == ["a", "a"]
    assert not (UNIQUE | t.Literal("-")).accepts('["a", "a"]')
    inside = t.List(UNIQUE | t.Bool())
    assert inside.accepts('[true, ["a", "b"]]')
    assert not inside.accepts('[true, ["a", "a"]]')
    assert t.List(UNIQUE | any_list).accepts('[["a", "a"]]')
    assert not (any_list & UNIQUE).accepts('["a", "a"]')


@pytest.mark.parametrize(("layout", "pair"), [("spaced", "[1, 1]"), ("compact", "[1,1]")])
def test_what_is_combined_is_checked_in_every_layout(layout: Any, pair: str) -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
    unique = constraints.json_schema(schema, layout=layout)
    good = pair.replace("1]", "2]")
    behind = unique + t.Literal("[") + unique
    for part, frame in (
        (t.List(unique | t.Bool()), "[{}]"),
        (t.Record((t.Field("x", t.Optional(unique | t.Int())),)), '{{"x": {}}}'),
        (behind, "{}[[1]"),
        (behind, "[1][{}"),
        (t.List(behind), '["[1][{}"]'),
        (behind | t.Int(), "{}[[]"),
    ):
        assert part.accepts(frame.format(good))
        assert part.machine.accepts(frame.format(pair).encode())
        assert not part.accepts(frame.format(pair))
        with pytest.raises(ValueError, match="not a"):
            part.parse(frame.format(pair))


def test_a_text_may_be_cut_so_that_every_part_is_valid() -> None:
    numbers = constraints.json_schema({"type": "array", "items": {"type": "integer"}})
    either = (UNIQUE | numbers | t.Literal('["a", "a"]')) + t.Regex(".*")
    assert either.accepts('["a", "a"]')
    assert (t.Regex(".*") + UNIQUE).accepts('["a", "a"]["a"]')
    assert not (t.Regex("x*") + UNIQUE).accepts('["a", "a"]')


def test_a_recursive_schema_nests_without_end() -> None:
    value: dict[str, Any] = {"v": 0}
    for level in range(200):
        value = {"v": level, "c": [value, {"v": -1}]}
    text = json.dumps(value)
    assert TREE.parse(text) == value
    with pytest.raises(ValueError, match="nested too deeply"):
        render(TREE, value)
    assert not TREE.accepts(text[:-1])
    assert t.Record((t.Field("tree", TREE),)).accepts(f'{{"tree": {text}}}')
    assert end_rule(TREE) == "leave"
    too_deep = '{"v": 0, "c": [' * 3_000 + '{"v": 1}' + "]}" * 3_000
    with pytest.raises(ValueError, match="nested too deeply"):
        parse(TREE, too_deep)


def test_states_that_were_met_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MAX_MET_STATES", 200)
    depths = [TREE.accepts('{"v": 0, "c": [' * n + '{"v": 1}' + "]}" * n) for n in range(9)]
    assert all(depths)
    old = TREE.machine
    assert old.num_states <= 200
    assert old.accepts(b'{"v": 0, "c": [' * 99 + b'{"v": 1}' + b"]}" * 99)
    assert old.num_states > 200
    assert TREE.machine is not old
    assert TREE.machine.num_states < 10


def test_a_value_is_written_in_the_order_of_the_schema() -> None:
    assert render(TREE, {"c": [], "v": 3}) == '{"v": 3, "c": []}'
    with pytest.raises(ValueError, match="is not a"):
        render(TREE, {"v": "3"})
    compact = constraints.json_schema({"type": "array"}, layout="compact")
    assert render(compact, [1, {"a": None}]) == '[1,{"a":null}]'


class Weapon(pydantic.BaseModel):
    kind: Choice["bow", "axe"]


class Wizard(pydantic.BaseModel):
    name: str = pydantic.Field(max_length=9)
    age: int = pydantic.Field(ge=0, le=900)
    weapons: list[Weapon] = pydantic.Field(max_length=2)


def test_a_pydantic_model_reads_what_its_schema_allows() -> None:
    wizard = constraints.pydantic(Wizard)
    text = '{"name": "Gandalf", "age": 900, "weapons": [{"kind": "axe"}]}'
    assert Wizard.model_validate_json(text).model_dump() == wizard.parse(text)
    for bad in (text.replace("900", "901"), text.replace("axe", "pen"), text.replace("Ga", "Gaga")):
        with pytest.raises(pydantic.ValidationError):
            Wizard.model_validate_json(bad.replace("Gagand", "Gagagand"))
        assert not wizard.accepts(bad.replace("Gagand", "Gagagand"))
    with pytest.raises(TypeError, match="not a Pydantic model"):
        constraints.pydantic(dict)


def test_explain_lists_every_keyword() -> None:
    page = UNIQUE.explain()
    assert "enforced   #/items" in page
    assert "checked    #/uniqueItems" in page
    part = t.Record((t.Field("x", t.Optional(UNIQUE)),)).explain()
    assert f"  keywords of {UNIQUE}\n" in part
    assert "checked    #/uniqueItems" in part
    assert "pushdown" in TREE.explain()
