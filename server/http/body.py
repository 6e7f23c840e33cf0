"""Bodies in: JSON that is checked against a model, every mistake named by its field."""

from __future__ import annotations

from email.message import Message
from typing import Annotated, Any, Literal, TypeVar

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
from sglc.server.http.json_text import read_json


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
        ApiError: 400 with the field and what is wrong with it; 413 for a body over the limit, 415
            for one that is not JSON.
    """
    _check_type(request)
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
        ApiError: 400: it is not JSON, or JSON that can be read in more than one way.
    """
    try:
        return read_json(data)
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from None


def _check_type(request: Request) -> None:
    """Refuse what says that it is something else than JSON.

    What says nothing is taken for JSON, and so is a form, which `curl -d` says of any body.

    Raises:
        ApiError: 415: it is not JSON, or in other characters than UTF-8.
    """
    given = request.headers.get("content-type", "")
    kind = Message()
    kind["content-type"] = given
    name = kind.get_content_type()
    if given and name not in _JSON_TYPES and not name.endswith("+json"):
        raise ApiError(415, f"Content-Type: the body must be application/json, not {given[:80]!r}")
    charset = kind.get_param("charset", "utf-8")
    if str(charset).lower() not in ("utf-8", "utf8"):
        raise ApiError(415, f"Content-Type: the body must be in UTF-8, not {str(charset)[:80]!r}")


_JSON_TYPES = ("application/json", "application/x-www-form-urlencoded")


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
