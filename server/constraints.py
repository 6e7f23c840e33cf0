"""Constraints of a request: regex, JSON Schema, any JSON, a grammar; at most one of them."""

from __future__ import annotations

import json
from typing import Any

from sglc.constraints.types import Grammar, Json, Regex, Schema, Type
from sglc.server.ebnf import EbnfError, to_lark
from sglc.server.errors import bad_request


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
        ApiError: there is more than one, or the schema is no JSON object.
    """
    given = {"regex": regex, "json_schema": json_schema, "ebnf": ebnf}
    names = [name for name, value in given.items() if value is not None]
    names += ["json_object"] if any_json else []
    if len(names) > 1:
        raise bad_request(f"{' and '.join(names)} exclude each other: give one", names[1])
    if regex is not None:
        return Regex(regex)
    if ebnf is not None:
        try:
            return Grammar(to_lark(ebnf))
        except EbnfError as error:
            raise bad_request(f"ebnf: {error}", "ebnf") from None
    if json_schema is not None:
        return Schema(_schema_text(json_schema))
    return Json() if any_json else None


def _schema_text(schema: str | dict[str, Any]) -> str:
    if isinstance(schema, dict):
        return json.dumps(schema)
    try:
        found = json.loads(schema)
    except ValueError as error:
        raise bad_request(f"json_schema is not JSON: {error}", "json_schema") from None
    if not isinstance(found, dict | bool):
        raise bad_request("json_schema must be an object", "json_schema")
    return schema
