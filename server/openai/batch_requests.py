"""What a line of a batch may ask for: the same code as over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel

from sglc.server.errors import ApiError
from sglc.server.http.body import check
from sglc.server.openai import chat, completions, embeddings, responses
from sglc.server.openai.batch_run import Complete
from sglc.server.openai.batch_runner import BatchRunner
from sglc.server.openai.batch_window import BatchWindow
from sglc.server.openai.chat_body import ChatBody
from sglc.server.openai.completion_body import CompletionBody
from sglc.server.openai.embeddings import EmbeddingBody
from sglc.server.openai.responses_body import ResponsesBody
from sglc.server.operations.context import acting_for
from sglc.server.operations.tenant import Tenant
from sglc.server.service import Service
from sglc.server.storage.records import StoredBatch

BodyT = TypeVar("BodyT", bound=BaseModel)


def batch_runner(service: Service) -> BatchRunner:
    """Return what runs the batches of a server."""
    config, engine = service.config, service.engine
    return BatchRunner(
        service.storage,
        _completes(service),
        BatchWindow(config.batch_window, lambda: engine.num_urgent_jobs),
        lambda: engine.num_deaths,
        config.max_body_bytes,
    )


def _completes(service: Service) -> Mapping[str, Complete]:
    return {
        "/v1/chat/completions": _answering(service, ChatBody, chat.complete),
        "/v1/completions": _answering(service, CompletionBody, completions.complete),
        "/v1/embeddings": _answering(service, EmbeddingBody, embeddings.complete),
        "/v1/responses": _answering(service, ResponsesBody, responses.complete),
    }


def _answering(
    service: Service,
    model: type[BodyT],
    complete: Callable[[Service, Tenant, BodyT], Awaitable[dict[str, Any]]],
) -> Complete:
    return partial(_answer, service, model, complete)


async def _answer(
    service: Service,
    model: type[BodyT],
    complete: Callable[[Service, Tenant, BodyT], Awaitable[dict[str, Any]]],
    batch: StoredBatch,
    body: dict[str, Any],
) -> dict[str, Any]:
    tenant = _tenant_of(service, batch)
    with acting_for(tenant, batch.id):
        return await complete(service, tenant, check(body, model))


def _tenant_of(service: Service, batch: StoredBatch) -> Tenant:
    """Return whose batch it is, with the limits of now.

    Raises:
        ApiError: 403: it has no key any more.
    """
    if not service.config.operations.has_keys:
        return Tenant(batch.tenant)
    tenant = service.keys.named(batch.tenant)
    if tenant is None:
        raise ApiError(403, "the key that made this batch is not valid any more")
    return tenant
