"""JSON Schema as a language of texts.

from sglc.constraints.schema import compile_schema

compiled = compile_schema({"type": "array", "items": {"type": "integer"}})
compiled.rules, compiled.start  # trees for a machine
print(compiled.report)  # what is enforced, and what `compiled.check(value)` is for
"""

from __future__ import annotations

from sglc.constraints.schema.compile import CompiledSchema, compile_schema
from sglc.constraints.schema.errors import SchemaError
from sglc.constraints.schema.judge import Invalid
from sglc.constraints.schema.options import Limits, SchemaOptions

__all__ = [
    "CompiledSchema",
    "Invalid",
    "Limits",
    "SchemaError",
    "SchemaOptions",
    "compile_schema",
]
