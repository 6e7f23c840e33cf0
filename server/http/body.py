"""Bodies in: JSON that is checked against a model, every mistake named by its field."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal, TypeVar

import jiter
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import core_schema
from starlette.requests import Request

from sglc.server.errors import ApiError, bad_request

# Numbers beyond the range of floats look so, with 0 for digits; a parser makes them infinity.
_SHAPES = bytes.maketrans(b"E123456789", b"e000000000")
_MAYBE_HUGE = (b"e000", b"e+000", b"0" * 309)


def _fail_fast(part: Any) -> None:
    if isinstance(part, dict):
        if part.get("type") in ("list", "dict"):
            part["fail_fast"] = True
        for name, value in part.items():
            if name != "metadata":
                _fail_fast(value)
    elif isinstance(part, list | tuple):
        for value in part:
            _fail_fast(value)


class Body(BaseModel):
    """The base of request bodies: nothing is converted, nothing unknown is taken.

    The first mistake in a list is enough: a million of them would take minutes to be told.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _few_unknown(cls, value: Any) -> Any:
        """Leave out all but one of many unknown fields, which is one mistake still."""
        if not isinstance(value, dict) or len(value) <= len(cls.model_fields) + 1:
            return value
        known = {name: field.alias or name for name, field in cls.model_fields.items()}
        names = known.keys() | set(known.values())
        kept = {name: value[name] for name in names if name in value}
        unknown = next((name for name in value if name not in names), None)
        return value if unknown is None else {**kept, unknown: value[unknown]}

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the schema, in which lists and mappings end at their first mistake."""
        schema = handler(source)
        _fail_fast(schema)
        return schema


def _no_number(value: Any) -> Any:
    """Refuse 0 and 1, which Python takes for false and true."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


OnlyFalse = Annotated[Literal[False], BeforeValidator(_no_number)]
OnlyTrue = Annotated[Literal[True], BeforeValidator(_no_number)]


class ReplyBody(BaseModel):
    """The base of reply bodies; for the OpenAPI document, not for making replies."""


BodyT = TypeVar("BodyT", bound=BaseModel)


async def read_body(request: Request, model: type[BodyT]) -> BodyT:
    """Read and check the body of a request.

    Raises:
        ApiError: 400 with the field and what is wrong with it; 413 for a body over the limit.
    """
    data = await read_bytes(request, request.app.state.service.config.max_body_bytes)
    return parse_body(data, model)


def parse_body(data: bytes, model: type[BodyT]) -> BodyT:
    """Check a body against a model.

    Raises:
        ApiError: 400 with the field and what is wrong with it.
    """
    return check(parse_json(data), model)


def check(value: Any, model: type[BodyT]) -> BodyT:
    """Check a value against a model.

    Raises:
        ApiError: 400 with the field and what is wrong with it.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = _place(first["loc"])
        if first["type"] == "extra_forbidden":
            raise bad_request(f"unknown field `{place}`", place) from None
        if first["type"] == "missing":
            raise bad_request(f"field `{place}` is missing", place) from None
        message = str(first["msg"]).removeprefix("Value error, ")
        raise bad_request(f"{place}: {message}" if place else message, place or None) from None


def parse_json(data: bytes) -> Any:
    """Parse a body.

    Raises:
        ApiError: 400: it is not UTF-8, not JSON, has a name twice, numbers that are infinite or
            none, half a character, or is nested too deep.
    """
    try:
        value = jiter.from_json(
            data, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys"
        )
        shapes = data.translate(_SHAPES)
        if any(shape in shapes for shape in _MAYBE_HUGE):
            json.loads(data, parse_float=_finite)
        return value
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {_reason(str(error))}") from None


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:20]} is beyond what a float holds")
    return value


def _reason(message: str) -> str:
    """Return what a parser says of a body, in the words that clients can act on."""
    for said, meant in _REASONS.items():
        message = message.replace(said, meant)
    return message


_REASONS = {
    "recursion limit exceeded": "it nests deeper than 200 levels",
    "Detected duplicate key": "an object has the same name twice:",
    "invalid unicode code point": "not UTF-8",
    "unexpected end of hex escape": "half a character, as \\uD800 is without \\uDC00,",
}


async def read_bytes(request: Request, max_bytes: int) -> bytes:
    """Read a body up to a size.

    Raises:
        ApiError: 413: it is larger.
    """
    size = 0
    chunks: list[bytes] = []
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise ApiError(413, f"the body is larger than {max_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _place(path: tuple[int | str, ...]) -> str:
    """Write a path as ``messages[0].content``, without the types of union members."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier() and not part[0].isupper() and part not in _TAGS:
            text += f".{part}" if text else part
    return text


_TAGS = {"str", "int", "float", "bool", "none", "is_instance"}
