"""No keyword is dropped in silence, and what is left to check is checked."""

from __future__ import annotations

from typing import Any

import pytest

from sglc.constraints.schema import Invalid, compile_schema
from sglc.constraints.schema.report import Entry

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def statuses(schema: dict[str, Any]) -> dict[str, str]:
    """What became of each keyword, by pointer."""
    report = compile_schema(schema).report
    return {f"{entry.pointer}/{entry.keyword}": entry.status for entry in report.entries}


def test_every_keyword_is_told() -> None:
    schema = {
        "title": "T",
        "type": "object",
        "properties": {"a": {"type": "string", "format": "date", "x-note": 1, "default": ""}},
        "patternProperties": {"^b": {"items": {"minimum": 1}, "uniqueItems": True}},
        "then": {},
        "dependencies": {},
    }
    assert statuses(schema) == {
        "#/title": "annotation",
        "#/type": "enforced",
        "#/properties": "enforced",
        "#/properties/a/type": "enforced",
        "#/properties/a/format": "enforced",
        "#/properties/a/x-note": "annotation",
        "#/properties/a/default": "annotation",
        "#/patternProperties": "enforced",
        "#/patternProperties/^b/items": "enforced",
        "#/patternProperties/^b/uniqueItems": "checked",
        "#/patternProperties/^b/items/minimum": "enforced",
        "#/then": "annotation",
        "#/dependencies": "annotation",
    }
    ignored = {"$schema": DRAFT_7, "properties": {"a": {"$ref": "#/definitions/d", "minimum": 1}},
               "definitions": {"d": {"type": "integer"}}}  # fmt: skip
    assert statuses(ignored)["#/definitions/d/type"] == "enforced"


@pytest.mark.parametrize(
    ("schema", "is_checked"),
    [
        ({"uniqueItems": True}, True),
        ({"uniqueItems": True, "maxItems": 1}, False),
        ({"uniqueItems": True, "items": {"enum": ["a", "b", 1, None]}}, False),
        ({"uniqueItems": True, "prefixItems": [{"type": "boolean"}] * 2, "items": False}, False),
        ({"uniqueItems": False}, False),
        ({"minProperties": 1}, False),
        ({"minProperties": 2}, True),
        (
            {"minProperties": 2, "maxProperties": 3, "propertyNames": {"enum": ["a", "b", "c"]}},
            False,
        ),
        ({"not": {"additionalProperties": {"type": "null"}}}, True),
    ],
)
def test_only_what_no_automaton_can_tell_is_left_to_check(schema: Any, is_checked: bool) -> None:
    assert compile_schema(schema).needs_check == is_checked


def test_a_check_says_where_and_why() -> None:
    compiled = compile_schema({"properties": {"a": {"items": {"uniqueItems": True}}}})
    assert compiled.machine.accepts(b'{"a": [[1], [2, 2]]}')
    compiled.check({"a": [[1], [2, 3]]})
    with pytest.raises(Invalid, match=r"`/a/1`.*two items are equal.*uniqueItems") as error:
        compiled.check({"a": [[1], [2, 2]]})
    assert error.value.path == ("a", 1)
    assert error.value.keyword == "#/properties/a/items/uniqueItems"


def test_a_report_reads_line_by_line() -> None:
    report = compile_schema({"uniqueItems": True, "title": "T"}).report
    assert report.checked == (Entry("#", "uniqueItems", "checked", report.checked[0].note),)
    assert str(report).splitlines()[1] == "annotation #/title"


def test_few_distinct_items_are_counted_in_the_machine() -> None:
    schema = {
        "uniqueItems": True,
        "items": {"enum": [1, True, "1"]},
        "minItems": 2,
        "type": "array",
    }
    machine = compile_schema(schema).machine
    assert machine.accepts(b'[true, 1, "1"]')
    assert not machine.accepts(b"[1, 1]")
    assert not machine.accepts(b"[1]")
    repeated = compile_schema({"not": {"uniqueItems": True}, "items": {"enum": [1, 2]}}).machine
    assert repeated.accepts(b"[1, 2, 1]")
    assert not repeated.accepts(b"[1, 2]")
