"""Types as JSON Schemas of providers, and the answers to those as texts of the types.

Providers hold whole answers to a schema whose root is an object. A type that is none is asked for
as the one field of one. What their subset of JSON Schema cannot say (the length of a text, which
characters it has) is not in the schema: every text is checked against its type afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sglc.constraints.dtypes import PATTERNS
from sglc.constraints.types import (
    Bool,
    Both,
    Int,
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
    Word,
    only_part,
)
from sglc.constraints.values import render

FIELD: Final = "value"
WRAPPER_TOKENS: Final = 32  # that an answer may have beside the text that it means
_STRICT: Final = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
        "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "pattern", "format", "anyOf", "$defs", "$ref", "title", "description",
    }
)  # fmt: skip
_STRICT_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
_NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_NULL: Final = {"type": "null"}
_PLAIN: Final = {"int": "integer", "float": "number", "str": "string"}
_OF_PATTERN: Final = {pattern: name for name, pattern in PATTERNS.items()}


class _NoSchema(Exception):
    """A part of a type that no schema of a provider says."""


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """What a provider is asked for. ``is_wrapped``: the value is the one field of an object.

    ``is_strict``: every object in it has exactly the properties it names, as strict modes want it.
    """

    type: Type
    schema: dict[str, Any]
    is_wrapped: bool
    is_strict: bool

    def text_of(self, answer: str) -> str:
        """Return the text of the type that an answer means; what is none as it stands."""
        try:
            value = json.loads(answer)
            return _written(self.type, value[FIELD] if self.is_wrapped else value)
        except (ValueError, KeyError, TypeError, RecursionError):
            return answer


def answer_schema(t: Type) -> AnswerSchema | None:
    """Return what a provider is asked for to get a ``t``; None if no schema says what it is."""
    t = _bare(only_part(_bare(t)))
    if isinstance(t, Schema):
        return _given(t)
    try:
        schema = _schema(t, is_root=True)
    except _NoSchema:
        return None
    is_wrapped = schema.get("type") != "object"
    schema = _hoisted(_object({FIELD: schema}) if is_wrapped else schema)
    return AnswerSchema(t, schema, is_wrapped=is_wrapped, is_strict=is_strict(schema))


def _given(t: Schema) -> AnswerSchema | None:
    """Return the schema that an author wrote, in an object if it is none."""
    schema = _without_notes(json.loads(t.text))
    if t.resources or not isinstance(schema, dict):
        return None
    if schema.get("type") == "object":
        return AnswerSchema(t, schema, is_wrapped=False, is_strict=is_strict(schema))
    inner = dict(schema)
    shared = {name: inner.pop(name) for name in ("$defs", "definitions") if name in inner}
    inner.pop("$schema", None)
    if "#" in _refs(inner) or "$id" in inner:
        return None
    wrapped = {**_object({FIELD: inner}), **shared}
    return AnswerSchema(t, wrapped, is_wrapped=True, is_strict=is_strict(wrapped))


def is_strict(schema: Any) -> bool:
    """Whether a schema is one of strict modes: their keywords alone, and in every object exactly
    the properties that it names."""
    if not isinstance(schema, Mapping) or not set(schema) <= _STRICT:
        return False
    if schema.get("type") == "object" or "properties" in schema:
        names = list(schema.get("properties", {}))
        is_closed = schema.get("additionalProperties") is False
        if not is_closed or sorted(schema.get("required", [])) != sorted(names):
            return False
    named = [v for k in ("properties", "$defs") for v in schema.get(k, {}).values()]
    items = [schema["items"]] if "items" in schema else []
    return all(map(is_strict, [*named, *items, *schema.get("anyOf", ())]))


def recurs(schema: Mapping[str, Any]) -> bool:
    """Whether a schema, or a definition in it, refers to itself, be it by way of others."""
    graph = {f"#/$defs/{name}": set(_refs(each)) for name, each in schema.get("$defs", {}).items()}
    graph["#"] = set(_refs(schema))
    for start in graph:
        met, found = set(graph[start]), list(graph[start])
        for name in found:  # grows while it is read
            new = graph.get(name, set()) - met
            met |= new
            found += new
        if start in met:
            return True
    return False


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for each in schema:
            yield from _refs(each)


def _without_notes(schema: Any) -> Any:
    """Leave out what strict modes refuse: what says nothing of values, and other formats than
    theirs, which are checked afterwards."""
    if isinstance(schema, list):
        return [_without_notes(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ("default", "examples") or (name == "format" and value not in _STRICT_FORMATS):
            continue
        if name in ("enum", "const"):
            made[name] = value
        elif name in _NAMED and isinstance(value, dict):
            made[name] = {key: _without_notes(each) for key, each in value.items()}
        else:
            made[name] = _without_notes(value)
    return made


def _bare(t: Type) -> Type:
    """Leave out what bounds the decode and not the value."""
    while isinstance(t, Stopped) or (
        isinstance(t, Sized) and not t.min_chars and t.max_chars is None
    ):
        t = t.inner
    return t


def _schema(t: Type, *, is_root: bool = False) -> dict[str, Any]:
    """Return the schema of a value; at the root only where it says what the text is like.

    Raises:
        _NoSchema: it says too little.
    """
    t = _bare(t)
    match t:
        case Int(lo, hi):
            bounds = {"minimum": lo, "maximum": hi}
            return {"type": "integer"} | {k: v for k, v in bounds.items() if v is not None}
        case Number():
            return {"type": "number"}
        case Bool():
            return {"type": "boolean"}
        case Literal(value):
            return {"type": "string", "enum": [value]}
        case Union(options) if all(isinstance(each, Literal) for each in options):
            return {"type": "string", "enum": [str(each.value) for each in options]}  # type: ignore[attr-defined]  # literals
        case Union(options):
            return {"anyOf": [_schema(each, is_root=is_root) for each in options]}
        case Optional(inner):
            return {"anyOf": [_schema(inner, is_root=is_root), _NULL]}
        case List(item, least, most):
            bounds = {"minItems": least or None, "maxItems": most}
            given = {k: v for k, v in bounds.items() if v is not None}
            return {"type": "array", "items": _schema(item), **given}
        case Record(fields):
            return _object({field.name: _schema(field.type) for field in fields})
        case Regex(pattern) if pattern in _OF_PATTERN:
            name = _OF_PATTERN[pattern]
            if name == "bool":
                return {"type": "string", "enum": ["True", "False"]}
            return {"type": _PLAIN[name]}
        case Str() | Line() | Word() | Regex() | Sized() if not is_root:
            return _text(t)
        case Both(parts):
            return _first(parts, is_root)
        case Schema(resources="") if not is_root:
            found = _without_notes(json.loads(t.text))
            if isinstance(found, dict) and not (
                found.keys() & {"$id", "definitions"} or "#" in _refs(found)
            ):
                return found
    raise _NoSchema


def _first(parts: Sequence[Type], is_root: bool) -> dict[str, Any]:
    """Return the schema of the first part that has one: what the others ask for is checked after.

    Raises:
        _NoSchema: none has one.
    """
    for part in parts:
        with suppress(_NoSchema):
            return _schema(part, is_root=is_root)
    raise _NoSchema


def _hoisted(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with the definitions of its parts at the root, where references look."""
    definitions: dict[str, Any] = {}

    def moved(part: Any, names: Mapping[str, str]) -> Any:
        if isinstance(part, list):
            return [moved(item, names) for item in part]
        if not isinstance(part, dict):
            return part
        own = part.get("$defs")
        if isinstance(own, dict):
            names = {name: f"{name}_{len(definitions) + i}" for i, name in enumerate(own)}
            definitions.update(dict.fromkeys(names.values()))
            definitions.update({names[name]: moved(each, names) for name, each in own.items()})
        made = {key: moved(item, names) for key, item in part.items() if key != "$defs"}
        name = str(part.get("$ref", "")).removeprefix("#/$defs/")
        return made | ({"$ref": f"#/$defs/{names[name]}"} if name in names else {})

    made: dict[str, Any] = moved(schema, {})
    return made | ({"$defs": definitions} if definitions else {})


def _text(t: Type) -> dict[str, Any]:
    if isinstance(t, Regex):
        return {"type": "string", "pattern": f"^(?:{t.pattern})$"}
    if isinstance(t, Sized):
        return _schema(t.inner)
    return {"type": "string"}


def _object(properties: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _written(t: Type, value: Any) -> str:
    """Return a value as its type writes it.

    Raises:
        ValueError: it is none of that type.
    """
    if isinstance(t, Regex):
        if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False) if t.pattern == PATTERNS["str"] else value
        return str(value)
    return render(t, value)
