"""Multipart bodies in, part by part as they come: nothing of a file is held in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.requests import ClientDisconnect, Request

from sglc.server.errors import ApiError, bad_request


@dataclass(frozen=True, slots=True)
class PartBegin:
    """A part begins; ``filename`` is None for a plain field."""

    name: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    """More of the part that has begun."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part is complete."""


PartEvent = PartBegin | PartData | PartEnd


async def parts_of(request: Request) -> AsyncIterator[PartEvent]:
    """Yield the parts of a request's body.

    Raises:
        ApiError: 415: it is not multipart/form-data; 400: it is not well formed, or ends early.
    """
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "")
    boundary = kind.get_param("boundary")
    if kind.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise ApiError(415, "the body must be multipart/form-data with a boundary")
    reader = _Reader(boundary)
    try:
        async for chunk in request.stream():
            for event in reader.feed(chunk):
                yield event
    except ClientDisconnect:
        raise ApiError(499, "the client went away") from None
    if not reader.is_complete:
        raise bad_request("the multipart body ends before its closing boundary")


class _Reader:
    """What the parser calls back, as a list of events."""

    def __init__(self, boundary: str) -> None:
        self.is_complete = False
        self._events: list[PartEvent] = []
        self._headers: dict[str, str] = {}
        self._name = bytearray()
        self._value = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._take_name,
                    "on_header_value": self._take_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._take_data,
                    "on_part_end": self._end,
                    "on_end": self._complete,
                },
            )
        except ValueError as error:
            raise bad_request(f"the multipart boundary is wrong: {error}") from None

    def feed(self, chunk: bytes) -> list[PartEvent]:
        """Return the events of one more chunk."""
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise bad_request(f"the multipart body is not well formed: {error}") from None
        events, self._events = self._events, []
        return events

    def _begin(self) -> None:
        self._headers = {}

    def _take_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._name.clear()
        self._value.clear()

    def _end_headers(self) -> None:
        disposition = Message()
        disposition["content-disposition"] = self._headers.get("content-disposition", "")
        name = disposition.get_param("name", header="content-disposition")
        if disposition.get_content_disposition() != "form-data" or not isinstance(name, str):
            raise bad_request("a part of the multipart body has no name")
        self._events.append(PartBegin(name, disposition.get_filename()))

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(PartData(data[start:end]))

    def _end(self) -> None:
        self._events.append(PartEnd())

    def _complete(self) -> None:
        self.is_complete = True
