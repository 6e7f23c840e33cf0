"""``response_format``: what the text of an answer has to be."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sglc.constraints.types import Schema, Type
from sglc.server.constraints import constraint_of
from sglc.server.http.body import Body


class JsonSchemaFormat(Body):
    """``json_schema``: the text is JSON that is valid against ``schema``.

    A schema is enforced whether or not it is ``strict``; what ``strict`` adds is that a ``format``
    which is not known is refused instead of left out.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = None
    schema_: dict[str, Any] = Field(default={}, alias="schema")
    strict: bool | None = None


class ResponseFormat(Body):
    """``text``, any JSON object, or JSON of a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaFormat | None = None

    @model_validator(mode="after")
    def _has_its_schema(self) -> Self:
        if (self.json_schema is None) == (self.type == "json_schema"):
            raise ValueError("json_schema goes with the type `json_schema`, and only with that")
        return self

    def constraint(self) -> Type | None:
        """Return the type that the text is held to, None if it is free."""
        if self.json_schema is not None:
            found = constraint_of(json_schema=self.json_schema.schema_)
            assert isinstance(found, Schema)
            formats = "enforce" if self.json_schema.strict else "known"
            return Schema(found.text, formats=formats)
        return ANY_OBJECT if self.type == "json_object" else None


ANY_OBJECT = Schema('{"type": "object"}')
"""Any JSON object, nested as deep as the text goes."""
