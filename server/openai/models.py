"""``/v1/models``: the one model that is served."""

from __future__ import annotations

import time
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError
from sglc.server.http.body import ReplyBody
from sglc.server.http.replies import json_reply
from sglc.server.service import Service, service_of

_STARTED = int(time.time())


class ModelCard(ReplyBody):
    """A model. ``root`` is where its files come from, ``max_model_len`` its context."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    root: str
    max_model_len: int


class ModelList(ReplyBody):
    """All models."""

    object: Literal["list"]
    data: list[ModelCard]


async def models(request: Request) -> Response:
    """List the model that is served."""
    return json_reply({"object": "list", "data": [_card(service_of(request))]})


async def model(request: Request) -> Response:
    """Describe the model that is served."""
    service = service_of(request)
    name = request.path_params["model"]
    if name != service.config.model_name:
        raise ApiError(
            404,
            f"there is no model `{name}` here, there is `{service.config.model_name}`",
            param="model",
            code="model_not_found",
        )
    return json_reply(_card(service))


def _card(service: Service) -> dict[str, Any]:
    return {
        "id": service.config.model_name,
        "object": "model",
        "created": _STARTED,
        "owned_by": "sglc",
        "root": service.files.path_or_id,
        "max_model_len": service.max_context,
    }
