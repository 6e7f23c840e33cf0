"""What the server says of itself: its model, its flags, the state of its engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pydantic import ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from sglc.server.config import ServerConfig
from sglc.server.engine.messages import Generation
from sglc.server.errors import ApiError
from sglc.server.http.body import ReplyBody
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import json_reply
from sglc.server.service import Service, service_of

_HEALTH_TIMEOUT_S = 20.0


class ModelInfo(ReplyBody):
    """Clients choose their chat template by ``model_path``."""

    model_path: str
    tokenizer_path: str
    is_generation: bool


class ServerInfo(ReplyBody):
    """The flags by their names, the limits they came to, and the state of the engine."""

    model_config = ConfigDict(extra="allow")

    model_path: str
    max_total_num_tokens: int
    max_req_input_len: int
    version: str
    internal_states: list[dict[str, Any]]


async def model_info(request: Request) -> Response:
    """Say which model is served."""
    config = service_of(request).config
    return json_reply(
        {
            "model_path": config.model,
            "tokenizer_path": config.tokenizer or config.model,
            "is_generation": not config.is_embedding,
        }
    )


async def server_info(request: Request) -> Response:
    """Say how the server was started and what its engine does."""
    service = service_of(request)
    ready = service.engine.ready
    assert ready is not None
    state = await while_connected(request, service.engine.ask("stats"))
    return json_reply(
        {
            **flags(service.config),
            "max_total_num_tokens": ready.num_slots,
            "max_req_input_len": ready.max_context - 1,
            "vocab_size": ready.vocab_size,
            "version": version("sglc"),
            "internal_states": [dict(state)],
        }
    )


def flags(config: ServerConfig) -> Mapping[str, Any]:
    """Return what the server was started with, as SGLang calls it; secrets left out."""
    engine = config.engine
    return {
        "model_path": config.model,
        "tokenizer_path": config.tokenizer or config.model,
        "chat_template": config.chat_template,
        "load_format": config.load_format,
        "context_length": config.context_length,
        "mem_fraction_static": config.memory_fraction,
        "served_model_name": config.model_name,
        "dtype": config.dtype,
        "device": config.device,
        "host": config.host,
        "port": config.port,
        "random_seed": config.seed,
        "is_embedding": config.is_embedding,
        "skip_tokenizer_init": config.skip_tokenizer_init,
        "stream_interval": config.stream_interval,
        "max_total_tokens": config.num_slots,
        "max_running_requests": engine.max_running,
        "max_prefill_tokens": engine.max_prefill_tokens,
        "chunked_prefill_size": engine.chunk_size,
        "schedule_policy": engine.schedule_policy,
        "disable_radix_cache": not engine.radix_cache,
        "disable_jump_forward": not engine.jump_forward,
        "enable_cache_report": config.enable_cache_report,
        "file_storage_pth": str(config.storage),
        "watchdog_timeout": config.restart_timeout_s,
        "max_queued_requests": config.max_queued,
        "enable_metrics": config.operations.enable_metrics,
        "log_level": config.operations.log_level,
        "log_requests": config.operations.log_requests,
    }


async def health_generate(request: Request) -> Response:
    """Say that the model generates: a token is."""
    service = service_of(request)
    try:
        await while_connected(request, asyncio.wait_for(_one_token(service), _HEALTH_TIMEOUT_S))
    except TimeoutError:
        raise ApiError(503, f"no token within {_HEALTH_TIMEOUT_S:g} s") from None
    return json_reply({"status": "ok"})


async def _one_token(service: Service) -> None:
    async with service.engine.generate(Generation(ids=(0,), max_tokens=1)) as job:
        async for _ in job:
            pass
