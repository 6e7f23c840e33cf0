"""The OpenAPI document, made of the declarations that the endpoints are served by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sglc.server.http.endpoint import Endpoint

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "type": {"type": "string"},
        "error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "integer", "null"]},
            },
        },
    },
}
# Before OpenAPI 3.2 a stream of events has the schema of one of them.
_EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    "additionalProperties": False,
}
_EVENTS = {"text/event-stream": {"schema": _EVENT}}

Mode = Literal["validation", "serialization"]


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """Return the document of all endpoints as data for JSON."""
    schemas, components = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = _PARAMETER.sub(r"{\1}", endpoint.path)
        for method in endpoint.methods:
            paths.setdefault(path, {})[method.lower()] = _operation(endpoint, method, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "sglc", "version": version},
        "paths": paths,
        "components": {
            "schemas": {**components, "Error": _ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(
    endpoints: Iterable[Endpoint],
) -> tuple[Mapping[tuple[type[BaseModel], Mode], dict[str, Any]], dict[str, Any]]:
    """Return the schema of each model in its role, and what they refer to."""
    wanted: dict[tuple[type[BaseModel], Mode], None] = {}
    for each in endpoints:
        if each.body is not None:
            wanted[each.body, "validation"] = None
        if each.reply is not None:
            wanted[each.reply, "serialization"] = None
    found, whole = models_json_schema(list(wanted), ref_template=_REF)
    return {key: found[key] for key in wanted}, whole.get("$defs", {})


def _operation(
    endpoint: Endpoint,
    method: str,
    schemas: Mapping[tuple[type[BaseModel], Mode], dict[str, Any]],
) -> dict[str, Any]:
    name = re.sub(r"\W+", "_", endpoint.path).strip("_")
    made: dict[str, Any] = {
        "operationId": f"{method.lower()}_{name}",
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "security": [] if endpoint.is_open else [{}, {"key": []}],
        "responses": {"200": _answer(endpoint, schemas), "default": _error()},
    }
    parameters = [
        {"name": found, "in": "path", "required": True, "schema": {"type": "string"}}
        for found in _PARAMETER.findall(endpoint.path)
    ]
    if endpoint.query is not None:
        parameters += _query(endpoint.query)
    if parameters:
        made["parameters"] = parameters
    if endpoint.body is not None and method not in {"GET", "DELETE"}:
        kind = "multipart/form-data" if endpoint.is_multipart else "application/json"
        made["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": schemas[endpoint.body, "validation"]}},
        }
    return made


def _answer(
    endpoint: Endpoint, schemas: Mapping[tuple[type[BaseModel], Mode], dict[str, Any]]
) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if endpoint.reply is not None:
        content["application/json"] = {"schema": schemas[endpoint.reply, "serialization"]}
    if endpoint.streams:
        content |= _EVENTS
    return {"description": "Done.", **({"content": content} if content else {})}


def _error() -> dict[str, Any]:
    schema = {"$ref": _REF.format(model="Error")}
    return {
        "description": "Refused: the message names the field and the limit.",
        "content": {"application/json": {"schema": schema}},
    }


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the parameters of a query."""
    schema = model.model_json_schema(ref_template=_REF)
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        for name, part in schema.get("properties", {}).items()
    ]
