"""Types of Python in prompt programs: what a model may write for them, and back.

gen("order", type=Order)          # s["order"] is an Order
as_constraint(list[int])          # the same as a constraint
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sglc.constraints.python import as_constraint, as_python, as_value

__all__ = ["as_constraint", "as_python", "as_value", "build_regex_from_object"]


def build_regex_from_object(
    object: Any, whitespace_pattern: str | None = None
) -> str:  # the names are SGLang's
    """Return a regex of the JSON of a type or a JSON Schema, for ``gen(regex=…)``.

    ``object`` is a Pydantic model or another type of Python, a schema, or its JSON text. Every
    field of a model is written, in order. ``whitespace_pattern`` is what may stand around commas
    and colons, a blank or nothing by default. ``gen(type=…)`` and ``gen(json_schema=…)`` enforce
    more, and take less time.

    Raises:
        PythonTypeError: no constraint stands for the type.
        RegexSchemaError: no regex says what the schema does.
        ValueError: the text is not JSON.
    """
    from sglc.constraints.python import json_schema_of
    from sglc.constraints.schema_regex import schema_regex

    try:
        schema = json.loads(object) if isinstance(object, str) else object
    except ValueError as error:
        raise ValueError(
            f"a text must be a JSON Schema, but {object!r} is no JSON: {error}"
        ) from None
    if not isinstance(schema, Mapping):
        schema = json_schema_of(schema)
    return schema_regex(schema, "[ ]?" if whitespace_pattern is None else whitespace_pattern)
