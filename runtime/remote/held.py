"""What a server is told to hold a text to: the type as a regex, a JSON Schema or a grammar."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

from sglc.constraints.python.type_schemas import schema_of
from sglc.constraints.regex_text import regex_of
from sglc.constraints.schemas import compiled
from sglc.constraints.types import Concat, Grammar, Json, Schema, Sized, Stopped, Type
from sglc.runtime.remote.capabilities import Capabilities, Constraints
from sglc.runtime.remote.fitting import is_json
from sglc.runtime.remote.schemas import answer_schema


class Held(NamedTuple):
    """A constraint in a notation of servers."""

    notation: Constraints
    text: str


def held_to(t: Type, capabilities: Capabilities) -> Held | None:
    """Return a type as a server understands it; None if there is no such notation.

    What stands before a stop text is what is held; the stop text is looked for besides.
    """
    if capabilities.schema_mode:
        answer = answer_schema(t)
        return None if answer is None else Held("json_schema", json.dumps(answer.schema))
    match t:
        case Stopped(inner) | Concat((inner,)):
            return held_to(inner, capabilities)
        case Sized(inner, min_chars=0, max_chars=None):  # its bound in tokens is that of the decode
            return held_to(inner, capabilities)
        case Schema(text=text) if "json_schema" in capabilities.constraints:
            return Held("json_schema", text)
        case Json() if "json_schema" in capabilities.constraints:
            return Held("json_schema", "{}")  # how deep it nests is checked afterwards
        case Grammar():
            return None
    if "regex" in capabilities.constraints:
        pattern = regex_of(t)
        if pattern is not None:
            return Held("regex", pattern)
    if "json_schema" in capabilities.constraints and is_json(t):
        schema = _json_schema(t)
        return None if schema is None else Held("json_schema", schema)
    return None


@lru_cache(maxsize=256)
def _json_schema(t: Type) -> str | None:
    """Return the schema of what a type says; None if it has a part that no schema says."""
    try:
        text = json.dumps(schema_of(t), ensure_ascii=False)
        compiled(Schema(text))  # a pattern of Python's may be none of JSON Schema
    except ValueError:
        return None
    return text
