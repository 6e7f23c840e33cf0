"""JSON Schemas of types of the language, for constraints inside of what only a schema can say."""

from __future__ import annotations

import json

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
        case t.Number(digits=None, decimals=None):
            return {"type": "number"}
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
        case t.Schema(text=text) if "$" not in text:
            return dict(json.loads(text))
    raise ValueError(
        f"{type_} has no JSON Schema, so it cannot stand in a dict, in a tuple of several types or "
        "in a class that recurs"
    )
