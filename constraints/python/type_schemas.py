"""JSON Schemas of types of the language, for constraints inside of what only a schema can say."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sglc.constraints import types as t
from sglc.constraints.python.codec import Data


def schema_of(type_: t.Type) -> Data:
    """Return the schema whose values are those of ``type_``.

    Raises:
        ValueError: there is none.
    """
    match type_:
        case t.Str(min=low, max=high, chars=None):
            data: Data = {"type": "string"}
            data |= {"minLength": low} if low else {}
            return data | ({} if high is None else {"maxLength": high})
        case t.Regex(pattern=pattern):
            return {"type": "string", "pattern": f"^(?:{pattern})$"}
        case t.Literal(value=text):
            return {"const": text}
        case t.Int(lo=low, hi=high):
            data = {"type": "integer"} | ({} if low is None else {"minimum": low})
            return data | ({} if high is None else {"maximum": high})
        case t.Sized(inner=t.Str() | t.Regex() as inner, min_chars=low, max_chars=high):
            data = schema_of(inner) | ({"minLength": low} if low else {})
            return data | ({} if high is None else {"maxLength": high})
        case t.Number(digits=digits, decimals=decimals):
            return number_schema(digits, decimals)
        case t.Both(parts=parts):
            return merged([schema_of(part) for part in parts])
        case t.Bool():
            return {"type": "boolean"}
        case t.Optional(inner=inner):
            return {"anyOf": [{"type": "null"}, schema_of(inner)]}
        case t.Union(options=options):
            return {"anyOf": [schema_of(option) for option in options]}
        case t.List(item=item, min=low, max=high):
            data = {"type": "array", "items": schema_of(item)}
            data |= {"minItems": low} if low else {}
            return data | ({} if high is None else {"maxItems": high})
        case t.Record(fields=fields):
            return {
                "type": "object",
                "properties": {field.name: schema_of(field.type) for field in fields},
                "required": [field.name for field in fields],
                "additionalProperties": False,
            }
        case t.Schema(text=text, resources=""):
            given = json.loads(text)
            if isinstance(given, dict) and not _refers(given):
                return given
    raise ValueError(
        f"{type_} has no JSON Schema, so it cannot stand in a dict, in a tuple of several types or "
        "in a class that recurs"
    )


def number_schema(digits: int | None, decimals: int | None) -> Data:
    """Return the schema of numbers with so many digits before the point, and behind it."""
    data: Data = {"type": "number"}
    if decimals is not None:
        data["multipleOf"] = float(f"1e-{decimals}") if decimals else 1
    if digits is not None:
        data |= {"exclusiveMinimum": -(10**digits), "exclusiveMaximum": 10**digits}
    return data


def merged(parts: Sequence[Data]) -> Data:
    """Return the schema of what all parts allow: their words, if none is said in two ways."""
    made: Data = {}
    for part in parts:
        if any(made.get(word, value) != value for word, value in part.items()):
            return {"allOf": list(parts)}
        made |= part
    return made


def _refers(schema: object) -> bool:
    """Whether something in a schema has a name, or is a reference to one."""
    if isinstance(schema, list):
        return any(map(_refers, schema))
    if not isinstance(schema, dict):
        return False
    return any(word.startswith("$") or _refers(part) for word, part in schema.items())
