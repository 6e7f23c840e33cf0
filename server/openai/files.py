"""``/v1/files``: what batches read and write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, BinaryIO, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sglc.server.errors import ApiError, bad_request
from sglc.server.http.body import Body, ReplyBody, check
from sglc.server.http.endpoint import Endpoint
from sglc.server.http.multipart import PartBegin, PartData, PartEnd, PartEvent, parts_of
from sglc.server.http.query import Query, read_query
from sglc.server.http.replies import json_reply
from sglc.server.operations.tenant import tenant_of
from sglc.server.service import service_of
from sglc.server.storage.files import UnrecordedFile
from sglc.server.storage.records import Listing, StoredFile

_MAX_FIELD_BYTES = 1 << 10
_MAX_NAME_CHARS = 512
_CHUNK_BYTES = 1 << 18
_LONG_LIST = 50  # a longer one is rendered beside the event loop


class FileForm(Body):
    """The fields of an upload beside the file.

    ``purpose`` says what a file is for: only ``batch`` files can begin a batch, the others are
    kept and given back. Files are kept until they are deleted, so ``expires_after`` is refused.
    """

    purpose: Literal["batch", "assistants", "fine-tune", "vision", "user_data", "evals"]


class FileUpload(FileForm):
    """An upload, for the OpenAPI document."""

    file: bytes


class FileReply(ReplyBody):
    """A file."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"]


class FileListReply(ReplyBody):
    """A page of files."""

    object: Literal["list"]
    data: list[FileReply]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedReply(ReplyBody):
    """A file is gone."""

    id: str
    object: Literal["file"]
    deleted: Literal[True]


class FileListQuery(Query):
    """Which files to list."""

    limit: int = Field(default=10_000, ge=1, le=10_000)
    after: str | None = None
    order: Literal["asc", "desc"] = "desc"
    purpose: str | None = None


async def create_file(request: Request) -> Response:
    """Store a file: multipart, with `file` and `purpose`."""
    service = service_of(request)
    limit = service.config.max_file_bytes
    _check_length(request, limit)
    upload = _Upload(parts_of(request))
    store = service.storage.files
    try:
        async for part in upload.files():
            if upload.blob is not None:
                raise bad_request("file: there is more than one file", "file")
            upload.filename = _filename(part.filename)
            upload.blob = await store.write(upload.content(), limit)
        if upload.blob is None:
            raise bad_request("field `file` is missing", "file")
        form = check(upload.fields, FileForm)
    except BaseException:
        if upload.blob is not None:
            await asyncio.shield(store.drop(upload.blob))
        raise
    stored = await store.record(
        upload.blob,
        tenant=tenant_of(request).name,
        filename=upload.filename,
        purpose=form.purpose,
    )
    return json_reply(file_data(stored))


async def list_files(request: Request) -> Response:
    """List the files of this key, latest first."""
    query = read_query(request, FileListQuery)
    listing = await service_of(request).storage.files.list(
        tenant_of(request).name,
        limit=query.limit,
        after=query.after,
        order=query.order,
        purpose=query.purpose,
    )
    if len(listing.items) > _LONG_LIST:
        return await asyncio.to_thread(_list_reply, listing)
    return _list_reply(listing)


def _list_reply(listing: Listing[StoredFile]) -> Response:
    return json_reply(list_data([file_data(each) for each in listing.items], listing.has_more))


async def get_file(request: Request) -> Response:
    """Describe a file."""
    return json_reply(file_data(await _file_of(request)))


async def get_content(request: Request) -> Response:
    """Return the content of a file."""
    stored = await _file_of(request)
    content = await service_of(request).storage.files.open(stored)
    return StreamingResponse(
        _chunks(content),
        media_type="application/octet-stream",
        headers={
            "Content-Length": str(stored.num_bytes),
            "X-Content-Type-Options": "nosniff",
        },
    )


async def delete_file(request: Request) -> Response:
    """Delete a file."""
    file_id = request.path_params["file_id"]
    await service_of(request).storage.files.delete(tenant_of(request).name, file_id)
    return json_reply({"id": file_id, "object": "file", "deleted": True})


def file_data(stored: StoredFile) -> dict[str, Any]:
    """Return a file as OpenAI's clients read it."""
    return {
        "id": stored.id,
        "object": "file",
        "bytes": stored.num_bytes,
        "created_at": stored.created_at,
        "filename": stored.filename,
        "purpose": stored.purpose,
        "status": "processed",
    }


def list_data(data: list[dict[str, Any]], has_more: bool) -> dict[str, Any]:
    """Return a page of objects that have ids."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


class _Upload:
    """The fields of a form, and its file while it comes."""

    def __init__(self, events: AsyncIterator[PartEvent]) -> None:
        self._events = events
        self.fields: dict[str, str] = {}
        self.filename = ""
        self.blob: UnrecordedFile | None = None

    async def files(self) -> AsyncIterator[PartBegin]:
        """Take fields up to the next file; its ``content`` is read before going on."""
        async for event in self._events:
            assert isinstance(event, PartBegin)
            if event.name == "file":
                yield event
            else:
                await self._take_field(event.name)

    async def content(self) -> AsyncIterator[bytes]:
        """Yield the content of the part that has begun, in pieces that are worth a write."""
        gathered = bytearray()
        async for event in self._events:
            if isinstance(event, PartEnd):
                break
            assert isinstance(event, PartData)
            gathered += event.data
            if len(gathered) >= _CHUNK_BYTES:
                yield bytes(gathered)
                gathered.clear()
        if gathered:
            yield bytes(gathered)

    async def _take_field(self, name: str) -> None:
        if name.startswith("expires_after"):
            message = "expires_after is not supported: files are kept until they are deleted"
            raise bad_request(message, "expires_after")
        if name not in FileForm.model_fields:
            raise bad_request(f"unknown field `{name[:80]}`", name[:80])
        if name in self.fields:
            raise bad_request(f"{name}: given twice", name)
        value = bytearray()
        async for chunk in self.content():
            value += chunk
            if len(value) > _MAX_FIELD_BYTES:
                raise bad_request(f"{name} has more than {_MAX_FIELD_BYTES} bytes", name)
        self.fields[name] = value.decode("utf-8", "replace")


def _check_length(request: Request, limit: int) -> None:
    """Refuse what is too large before it comes; what hides its length is found while it comes."""
    length = request.headers.get("content-length", "")
    overhead = 1 << 14  # of boundaries and headers
    if length.isdigit() and int(length) > limit + overhead:
        raise ApiError(413, f"the file is larger than {limit} bytes", param="file")


def _filename(given: str | None) -> str:
    """Return the name that is shown for a file; it is never used as a path."""
    if not given:
        raise bad_request("file: the part has no filename", "file")
    if len(given) > _MAX_NAME_CHARS:
        raise bad_request(f"file: the filename has more than {_MAX_NAME_CHARS} characters", "file")
    return given.encode("utf-8", "replace").decode()


async def _file_of(request: Request) -> StoredFile:
    store = service_of(request).storage.files
    return await store.get(tenant_of(request).name, request.path_params["file_id"])


async def _chunks(content: BinaryIO) -> AsyncIterator[bytes]:
    with content:
        while data := await asyncio.to_thread(content.read, _CHUNK_BYTES):
            yield data


FILES: Sequence[Endpoint] = (
    Endpoint(
        path="/v1/files",
        handle=create_file,
        body=FileUpload,
        is_multipart=True,
        reply=FileReply,
        tag="files",
    ),
    Endpoint(
        path="/v1/files",
        handle=list_files,
        methods=("GET",),
        query=FileListQuery,
        reply=FileListReply,
        tag="files",
    ),
    Endpoint(
        path="/v1/files/{file_id}",
        handle=get_file,
        methods=("GET",),
        reply=FileReply,
        tag="files",
    ),
    Endpoint(
        path="/v1/files/{file_id}",
        handle=delete_file,
        methods=("DELETE",),
        reply=DeletedReply,
        tag="files",
    ),
    Endpoint(
        path="/v1/files/{file_id}/content",
        handle=get_content,
        methods=("GET",),
        tag="files",
    ),
)
