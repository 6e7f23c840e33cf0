"""The keywords: which of them assert something, and what their values must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sglc.constraints.schema.data import is_number
from sglc.constraints.schema.errors import SchemaError, escape_token
from sglc.constraints.schema.options import Draft

TYPES = frozenset(("null", "boolean", "number", "integer", "string", "array", "object"))

ONE = (
    *("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"),
    *("unevaluatedItems", "unevaluatedProperties", "contentSchema", "additionalItems"),
)
MANY = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
MAPS = (
    *("properties", "patternProperties", "$defs", "definitions"),
    *("dependentSchemas", "dependencies"),
)

_COMMON = frozenset(
    (
        *("$ref", "type", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
        *("properties", "patternProperties", "additionalProperties", "propertyNames", "required"),
        *("minProperties", "maxProperties", "items", "contains", "minItems", "maxItems"),
        *("uniqueItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum"),
        *("exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    )
)
ASSERTIONS: Mapping[Draft, frozenset[str]] = {
    "2020-12": _COMMON
    | {"$dynamicRef", "prefixItems", "minContains", "maxContains", "dependentRequired"}
    | {"dependentSchemas", "unevaluatedItems", "unevaluatedProperties"},
    "7": _COMMON | {"additionalItems", "dependencies"},
}
STRUCTURE = frozenset(
    ("$schema", "$id", "$anchor", "$dynamicAnchor", "$defs", "definitions", "$vocabulary")
)
ANNOTATIONS = frozenset(
    (
        *("title", "description", "default", "examples", "$comment", "deprecated", "readOnly"),
        *("writeOnly", "contentEncoding", "contentMediaType", "contentSchema"),
    )
)
REFUSED = {"$recursiveRef": "belongs to draft 2019-09: use $dynamicRef"}


def is_schema(value: Any) -> bool:
    """Whether ``value`` has the form of a schema."""
    return isinstance(value, dict | bool)


def _is_count(value: Any) -> bool:
    return is_number(value) and value >= 0 and value == int(value)


def _is_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_types(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return all(isinstance(name, str) and name in TYPES for name in names)


def _is_schemas(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_schema, value))


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_schema, value.values()))


def _is_dependencies(value: Any) -> bool:
    return isinstance(value, dict) and all(is_schema(v) or _is_strings(v) for v in value.values())


_Check = tuple[Callable[[Any], bool], str]
_TEXT: _Check = (lambda v: isinstance(v, str), "a string")
_COUNT: _Check = (_is_count, "a whole number, 0 or more")
_NUMBER: _Check = (is_number, "a number")
_SCHEMA: _Check = (is_schema, "a schema (an object or a boolean)")
_SCHEMAS: _Check = (_is_schemas, "an array of schemas")
_SOME: _Check = (lambda v: _is_schemas(v) and bool(v), "an array of schemas, not empty")
_MAP: _Check = (_is_map, "an object of schemas")

CHECKS: dict[str, _Check] = {
    **dict.fromkeys(("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor", "$schema"), _TEXT),
    **dict.fromkeys(("pattern", "format"), _TEXT),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _COUNT),
    **dict.fromkeys(("minContains", "maxContains", "minProperties", "maxProperties"), _COUNT),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER),
    **dict.fromkeys(ONE, _SCHEMA),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), _SOME),
    "prefixItems": _SCHEMAS,
    **dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), _MAP),
    "multipleOf": (lambda v: is_number(v) and v > 0, "a number above 0"),
    "type": (_is_types, "one or more of " + ", ".join(sorted(TYPES))),
    "enum": (lambda v: isinstance(v, list), "an array"),
    "required": (_is_strings, "an array of strings"),
    "uniqueItems": (lambda v: isinstance(v, bool), "true or false"),
    "dependentRequired": (
        lambda v: isinstance(v, dict) and all(map(_is_strings, v.values())),
        "an object of arrays of strings",
    ),
    "dependencies": (_is_dependencies, "an object of schemas or arrays of strings"),
}


def check_keyword(raw: Mapping[str, Any], keyword: str, pointer: str, draft: Draft) -> None:
    """Refuse a value that the keyword cannot have.

    Raises:
        SchemaError: with the pointer of the keyword.
    """
    if keyword in REFUSED:
        raise SchemaError(f"`{keyword}` is not supported", f"{pointer}/{keyword}", REFUSED[keyword])
    allowed, expected = CHECKS.get(keyword, (None, ""))
    value = raw[keyword]
    if keyword == "items" and draft == "7" and isinstance(value, list):
        allowed, expected = _SCHEMAS
    if allowed is not None and not allowed(value):
        shown = repr(value)
        shown = shown if len(shown) < 60 else shown[:57] + "..."
        raise SchemaError(
            f"`{keyword}` must be {expected}, not {shown}", f"{pointer}/{escape_token(keyword)}"
        )
