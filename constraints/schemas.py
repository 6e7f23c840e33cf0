"""JSON Schemas as types: each compiled once, and kept.

The compiler of schemas is loaded with the first one: most programs have none.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from sglc.constraints.types import Schema

if TYPE_CHECKING:
    from sglc.constraints.schema import CompiledSchema

MAX_SCHEMA_CHARS = 16 << 20


@lru_cache(maxsize=128)
def compiled(t: Schema) -> CompiledSchema:
    """The rules of a schema.

    Raises:
        SchemaError: the schema is wrong, or has a keyword that cannot be enforced.
    """
    from sglc.constraints.schema import SchemaError, SchemaOptions
    from sglc.constraints.schema import compile_schema as compile_

    size = len(t.text) + len(t.resources)
    if size > MAX_SCHEMA_CHARS:
        raise SchemaError(f"a schema may have {MAX_SCHEMA_CHARS} characters, not {size}", "#")
    try:
        schema = json.loads(t.text, parse_constant=_refuse)
        resources = json.loads(t.resources or "{}")
    except (ValueError, RecursionError) as error:
        reason = str(error) or "it is nested too deeply"
        raise SchemaError(f"this is not JSON: {reason}", "#") from None
    try:
        options = SchemaOptions(cast(Any, t.order), cast(Any, t.layout), cast(Any, t.formats))
    except ValueError as error:
        raise SchemaError(str(error), "#") from None
    return compile_(schema, options=options, resources=resources)


def _refuse(constant: str) -> None:
    raise ValueError(f"there is no {constant} in it")


def fault_of(t: Schema, value: Any) -> str | None:
    """Why a value is not valid; None if it is."""
    from sglc.constraints.schema import Invalid

    try:
        compiled(t).check(value)
    except Invalid as error:
        return str(error)
    except RecursionError:
        return "it is nested too deeply to be checked"
    return None


def text_of(t: Schema, value: Any) -> str:
    """The canonical text of a value, which is a member only if the value is valid.

    Raises:
        ValueError: ``value`` is not JSON, or nested too deeply.
    """
    try:
        return compiled(t).canonical_text(value)
    except TypeError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("the value is nested too deeply") from None
