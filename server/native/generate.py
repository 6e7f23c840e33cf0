"""``/generate``: SGLang's native request."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.server.engine.job import Job
from sglc.server.engine.messages import Generation, Sampled, Written
from sglc.server.errors import ApiError, bad_request
from sglc.server.http.body import Body, read_body
from sglc.server.http.replies import DONE, data_event, event_stream, json_reply
from sglc.server.service import Service, service_of


class SamplingBody(Body):
    """``sampling_params``."""

    max_new_tokens: int = Field(default=128, ge=0)
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    min_p: float = 0.0
    stop: str | list[str] | None = None
    sampling_seed: int | None = None


class GenerateBody(Body):
    """The body of ``/generate``."""

    text: str
    sampling_params: SamplingBody = SamplingBody()
    stream: bool = False
    rid: str | None = None


async def generate(request: Request) -> Response:
    """Generate text behind a prompt."""
    service = service_of(request)
    body = await read_body(request, GenerateBody)
    generation = await _generation(service, body)
    job = service.engine.generate(generation)
    name = body.rid or secrets.token_hex(16)
    if body.stream:
        return event_stream(_events(job, name))
    async with job:
        async for reply in job:
            if isinstance(reply, Sampled):
                text = reply.result.text if reply.result else ""
                return json_reply({"text": text, "meta_info": _meta(name, reply)})
    raise AssertionError("a generation ends with its sample")


async def _generation(service: Service, body: GenerateBody) -> Generation:
    params = body.sampling_params
    ids = await service.encode(body.text)
    if not ids:
        raise bad_request("text is empty, and this model has no begin token", "text")
    if len(ids) >= service.max_context:
        raise bad_request(
            f"the prompt has {len(ids)} tokens; the model's context holds {service.max_context}",
            "text",
        )
    try:
        sampling = SamplingParams(
            temperature=params.temperature,
            top_p=params.top_p,
            top_k=params.top_k,
            min_p=params.min_p,
        )
    except ValueError as error:
        raise bad_request(f"sampling_params: {error}", "sampling_params") from None
    stop = (params.stop,) if isinstance(params.stop, str) else tuple(params.stop or ())
    return Generation(
        ids=tuple(ids),
        max_tokens=params.max_new_tokens,
        sampling=sampling,
        seed=service.draw_seed(params.sampling_seed),
        stop=stop,
        deltas=body.stream,
    )


async def _events(job: Job, name: str) -> AsyncIterator[bytes]:
    text = ""
    async with job:
        try:
            async for reply in job:
                if isinstance(reply, Written):
                    text += reply.text
                    yield data_event(
                        {"text": text, "meta_info": {"id": name, "finish_reason": None}}
                    )
                elif isinstance(reply, Sampled):
                    yield data_event({"text": text, "meta_info": _meta(name, reply)})
        except ApiError as error:
            yield data_event(error.to_data())
        yield DONE


def _meta(name: str, reply: Sampled) -> dict[str, Any]:
    result, stats = reply.result, reply.stats
    return {
        "id": name,
        "finish_reason": _finish(result),
        "prompt_tokens": stats.prompt_tokens,
        "completion_tokens": len(result.ids) if result else 0,
        "completion_tokens_wo_jump_forward": len(result.ids) - result.num_forced if result else 0,
        "cached_tokens": stats.cached_tokens,
    }


def _finish(result: DecodeResult | None) -> dict[str, Any]:
    if result is None or result.finish == "length":
        return {"type": "length", "length": len(result.ids) if result else 0}
    return {"type": "stop", "matched": result.matched}
