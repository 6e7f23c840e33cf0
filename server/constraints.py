"""Constraints of a request: regex, JSON Schema, any JSON, a grammar; at most one of them."""

from __future__ import annotations

import json
from typing import Any

from sglc.constraints.types import Grammar, Json, Regex, Schema, Type
from sglc.server.ebnf import EbnfError, to_lark
from sglc.server.errors import bad_request
from sglc.server.http.json_text import read_json

MAX_GRAMMAR_CHARS = 1 << 16
MAX_SCHEMA_CHARS = 1 << 20


def constraint_of(
    *,
    regex: str | None = None,
    json_schema: str | dict[str, Any] | None = None,
    any_json: bool = False,
    ebnf: str | None = None,
) -> Type | None:
    """Return the type that a text is held to, None if it is free.

    Whether it can be one is found when it is built, beside the engine; see ``ConstraintError``.

    Raises:
        ApiError: there is more than one, one is too long, or the schema is no JSON object.
    """
    given = {"regex": regex, "json_schema": json_schema, "ebnf": ebnf}
    names = [name for name, value in given.items() if value is not None]
    names += ["json_object"] if any_json else []
    if len(names) > 1:
        raise bad_request(f"{' and '.join(names)} exclude each other: give one", names[1])
    if regex is not None:
        return Regex(regex)
    if ebnf is not None:
        _check_length("ebnf", ebnf, MAX_GRAMMAR_CHARS)
        try:
            return Grammar(to_lark(ebnf))
        except EbnfError as error:
            raise bad_request(f"ebnf: {error}", "ebnf") from None
    if json_schema is not None:
        return Schema(_schema_text(json_schema))
    return Json() if any_json else None


def _check_length(name: str, text: str, most: int) -> None:
    if len(text) > most:
        raise bad_request(f"{name} has {len(text)} characters; at most {most} are taken", name)


def _schema_text(schema: str | dict[str, Any]) -> str:
    if isinstance(schema, dict):
        text = json.dumps(schema)
        _check_length("json_schema", text, MAX_SCHEMA_CHARS)
        return text
    _check_length("json_schema", schema, MAX_SCHEMA_CHARS)
    try:
        found = read_json(schema.encode())
    except ValueError as error:
        raise bad_request(f"json_schema is not JSON: {error}", "json_schema") from None
    if not isinstance(found, dict | bool):
        raise bad_request("json_schema must be an object", "json_schema")
    return schema
