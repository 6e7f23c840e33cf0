"""``/v1/batches``: many requests as one file, answered when there is time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from sglc.server.http.body import Body, ReplyBody, read_body
from sglc.server.http.endpoint import Endpoint
from sglc.server.http.query import Query, read_query
from sglc.server.http.replies import json_reply
from sglc.server.openai.batch_run import WINDOW_S
from sglc.server.openai.files import list_data
from sglc.server.operations.tenant import tenant_of
from sglc.server.service import service_of
from sglc.server.storage.records import StoredBatch

_Key = Annotated[str, StringConstraints(max_length=64)]
_Value = Annotated[str, StringConstraints(max_length=512)]


class BatchBody(Body):
    """The body of ``/v1/batches``.

    The window counts the time that a server has the batch, so neither a server that was down nor
    a clock that jumped makes it expire. ``metadata`` is given back.
    """

    input_file_id: str
    endpoint: Literal["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"]
    completion_window: Literal["24h"]
    metadata: Annotated[dict[_Key, _Value], Field(max_length=16)] | None = None


class BatchErrorReply(ReplyBody):
    """Why an input was refused."""

    code: str
    message: str
    param: str | None
    line: int | None


class BatchErrorsReply(ReplyBody):
    """All that is wrong with an input."""

    object: Literal["list"]
    data: list[BatchErrorReply]


class RequestCountsReply(ReplyBody):
    """How far a batch is."""

    total: int
    completed: int
    failed: int


class BatchReply(ReplyBody):
    """A batch."""

    id: str
    object: Literal["batch"]
    endpoint: str
    errors: BatchErrorsReply | None
    input_file_id: str
    completion_window: Literal["24h"]
    status: Literal[
        "validating",
        "in_progress",
        "finalizing",
        "completed",
        "failed",
        "expired",
        "cancelling",
        "cancelled",
    ]
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCountsReply
    metadata: dict[str, str] | None


class BatchListReply(ReplyBody):
    """A page of batches."""

    object: Literal["list"]
    data: list[BatchReply]
    first_id: str | None
    last_id: str | None
    has_more: bool


class BatchListQuery(Query):
    """Which batches to list."""

    limit: int = Field(default=20, ge=1, le=100)
    after: str | None = None


async def create_batch(request: Request) -> Response:
    """Run the requests of a file."""
    body = await read_body(request, BatchBody)
    batch = await service_of(request).storage.batches.create(
        tenant_of(request).name,
        input_file_id=body.input_file_id,
        endpoint=body.endpoint,
        metadata=None if body.metadata is None else json.dumps(body.metadata),
    )
    return json_reply(batch_data(batch))


async def list_batches(request: Request) -> Response:
    """List the batches of this key, latest first."""
    query = read_query(request, BatchListQuery)
    listing = await service_of(request).storage.batches.list(
        tenant_of(request).name, limit=query.limit, after=query.after
    )
    return json_reply(list_data([batch_data(each) for each in listing.items], listing.has_more))


async def get_batch(request: Request) -> Response:
    """Describe a batch."""
    batch = await service_of(request).storage.batches.get(
        tenant_of(request).name, request.path_params["batch_id"]
    )
    return json_reply(batch_data(batch))


async def cancel_batch(request: Request) -> Response:
    """End a batch early; what is done is kept."""
    batch = await service_of(request).storage.batches.request_cancel(
        tenant_of(request).name, request.path_params["batch_id"]
    )
    return json_reply(batch_data(batch))


def batch_data(batch: StoredBatch) -> dict[str, Any]:
    """Return a batch as OpenAI's clients read it."""
    errors = None
    if batch.errors is not None:
        errors = {"object": "list", "data": json.loads(batch.errors)}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": errors,
        "input_file_id": batch.input_file_id,
        "completion_window": "24h",
        "status": batch.status,
        "output_file_id": batch.output_file_id,
        "error_file_id": batch.error_file_id,
        "created_at": batch.created_at,
        "in_progress_at": batch.in_progress_at,
        "expires_at": batch.created_at + int(WINDOW_S),
        "finalizing_at": batch.finalizing_at,
        "completed_at": batch.completed_at,
        "failed_at": batch.failed_at,
        "expired_at": batch.expired_at,
        "cancelling_at": batch.cancelling_at,
        "cancelled_at": batch.cancelled_at,
        "request_counts": {
            "total": batch.num_total,
            "completed": batch.num_completed,
            "failed": batch.num_failed,
        },
        "metadata": None if batch.metadata is None else json.loads(batch.metadata),
    }


BATCHES: Sequence[Endpoint] = (
    Endpoint(
        path="/v1/batches",
        handle=create_batch,
        body=BatchBody,
        reply=BatchReply,
        tag="batches",
    ),
    Endpoint(
        path="/v1/batches",
        handle=list_batches,
        methods=("GET",),
        query=BatchListQuery,
        reply=BatchListReply,
        tag="batches",
    ),
    Endpoint(
        path="/v1/batches/{batch_id}",
        handle=get_batch,
        methods=("GET",),
        reply=BatchReply,
        tag="batches",
    ),
    Endpoint(
        path="/v1/batches/{batch_id}/cancel",
        handle=cancel_batch,
        reply=BatchReply,
        tag="batches",
    ),
)
