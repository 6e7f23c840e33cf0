"""What a prompt takes and gives, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sglc.compiler.plan.plan import Function, ToolSpec
from sglc.constraints import types as t
from sglc.runtime.executor.rendered import json_value
from sglc.server.programs.upload import Data


def prompt_data(function: Function, captures: Mapping[str, t.Type] | None) -> Data:
    """Describe a prompt. ``captures`` are what it gives if it declares no result, where known."""
    properties: Data = {}
    for parameter in function.params:
        schema = schema_of(parameter.type)
        if parameter.has_default:
            schema["default"] = json_value(parameter.default)
        properties[parameter.name] = schema
    return {
        "name": function.name,
        "doc": function.doc,
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": [p.name for p in function.params if not p.has_default],
            "additionalProperties": False,
        },
        "result": None if function.result is None else schema_of(function.result),
        "captures": None
        if captures is None
        else {name: schema_of(type_) for name, type_ in captures.items()},
    }


def tool_data(tool: ToolSpec) -> Data:
    """Describe a tool that someone outside answers."""
    return {
        "name": tool.name,
        "parameters": {
            "type": "object",
            "properties": {name: schema_of(type_) for name, type_ in tool.params},
            "required": list(tool.required),
            "additionalProperties": False,
        },
        "result": schema_of(tool.result),
        "effect": tool.effect,
        "timeout_s": tool.timeout_s,
    }


def schema_of(type_: t.Type) -> Data:
    """Return the schema of the values of a type; where it says less, ``description`` says more."""
    match type_:
        case t.Str(min=low, max=high):
            schema: Data = {"type": "string"}
            schema |= {"minLength": low} if low else {}
            schema |= {"maxLength": high} if high is not None else {}
            return schema | ({} if type_.chars is None else {"description": str(type_)})
        case t.Int(lo=low, hi=high):
            bounds = {"minimum": low, "maximum": high}
            return {"type": "integer"} | {k: v for k, v in bounds.items() if v is not None}
        case t.Number():
            return {"type": "number"}
        case t.Bool():
            return {"type": "boolean"}
        case t.NoneType():
            return {"type": "null"}
        case t.Literal(value=value):
            return {"const": value}
        case t.Optional(inner=inner):
            return {"anyOf": [schema_of(inner), {"type": "null"}]}
        case t.Union(options=options):
            texts = [option.value for option in options if isinstance(option, t.Literal)]
            if len(texts) == len(options):
                return {"enum": texts}
            return {"anyOf": [schema_of(option) for option in options]}
        case t.List(item=item, min=low, max=high):
            schema = {"type": "array", "items": schema_of(item)}
            schema |= {"minItems": low} if low else {}
            return schema | ({"maxItems": high} if high is not None else {})
        case t.Record(fields=fields):
            return _record(fields)
        case t.Json() | t.AnyType() | t.OneOf():
            return {}
    return {"type": "string", "description": str(type_)}


def _record(fields: tuple[t.Field, ...]) -> Data:
    properties: dict[str, Any] = {}
    for field in fields:
        schema = schema_of(field.type)
        if field.default is not t.MISSING:
            schema["default"] = json_value(field.default)
        properties[field.name] = schema
    return {
        "type": "object",
        "properties": properties,
        "required": [field.name for field in fields if field.default is t.MISSING],
        "additionalProperties": False,
    }
