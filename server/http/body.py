"""Bodies in: JSON that is checked against a model, every mistake named by its field."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from sglc.server.errors import ApiError, bad_request

_MAX_DEPTH = 200  # of nested lists and objects


class Body(BaseModel):
    """The base of request bodies: nothing is converted, nothing unknown is taken."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


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
        ApiError: 400: it is not UTF-8, not JSON, has NaN or infinities, or is nested too deep.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad_request(f"the body is not UTF-8: byte {error.start} is wrong") from None
    _check_depth(text)
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise bad_request(
            f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _check_depth(text: str) -> None:
    """Refuse deep nesting before a parser recurses; brackets in strings do not count."""
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return
    depth, in_string, skip = 0, False, False
    for char in text:
        if in_string:
            if skip:
                skip = False
            elif char == "\\":
                skip = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > _MAX_DEPTH:
                raise bad_request(f"the body nests deeper than {_MAX_DEPTH} levels")
        elif char in "]}":
            depth -= 1


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
