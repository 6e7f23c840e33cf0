"""``/v1/completions``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sglc.runtime.core.events import DecodeResult
from sglc.server.engine.merging import generated
from sglc.server.engine.messages import PromptLogprobs, Sampled, Written
from sglc.server.errors import ApiError
from sglc.server.http.body import read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import DONE, data_event, json_reply
from sglc.server.openai.answers import Usage
from sglc.server.openai.completion_body import Asked, CompletionBody, asked_of
from sglc.server.openai.logprobs import TextOffsets, TokenLogprob
from sglc.server.openai.prompts import Prompt
from sglc.server.openai.replies import Head, usage_data
from sglc.server.openai.streaming import streamed
from sglc.server.openai.tokens import TextTokens
from sglc.server.operations.tenant import Tenant, tenant_of
from sglc.server.service import Service, service_of


async def completions(request: Request) -> Response:
    """Continue prompts."""
    service, tenant = service_of(request), tenant_of(request)
    body = await read_body(request, CompletionBody)
    if body.stream:
        return await streamed(request, stream(service, tenant, body))
    return json_reply(await while_connected(request, complete(service, tenant, body)))


async def complete(service: Service, tenant: Tenant, body: CompletionBody) -> dict[str, Any]:
    """Return the whole reply to a body; ``stream`` is for who asks over HTTP.

    Raises:
        ApiError: the request cannot be served.
    """
    asked = await asked_of(service, tenant, body)
    usage = Usage(prompt_tokens=sum(len(prompt.ids) for prompt in asked.prompts))
    samples: list[list[Sampled]] = [[] for _ in asked.prompts]
    generations = asked.generations(deltas=False, scored=asked.scores_prompts)
    async with aclosing(generated(service.engine, generations)) as replies:
        async for place, reply in replies:
            if isinstance(reply, ApiError):
                raise asked.blamed(reply)
            if isinstance(reply, Sampled):
                samples[place].append(reply)
                usage.completion_tokens += len(reply.result.ids) if reply.result else 0
    usage.cached_tokens = sum(min(s.stats.cached_tokens for s in each) for each in samples)
    head = Head("cmpl-", "text_completion", body.model)
    # log probabilities are many: their rendering holds up nobody
    wants = body.logprobs is not None
    choices = (
        await asyncio.to_thread(_choices, asked, samples) if wants else _choices(asked, samples)
    )
    return head.data(choices, usage_data(service, usage))


async def stream(
    service: Service, tenant: Tenant, body: CompletionBody
) -> AsyncGenerator[bytes, None]:
    """Yield the reply to a body as events.

    Raises:
        ApiError: the request cannot be served; before the first event, or behind some.
    """
    asked = await asked_of(service, tenant, body)
    usage = Usage(prompt_tokens=sum(len(prompt.ids) for prompt in asked.prompts))
    head = Head("cmpl-", "text_completion", body.model)
    num = body.num_choices
    texts = [TextTokens(asked.names) for _ in range(num * len(asked.prompts))]
    offsets = [TextOffsets(asked.names) for _ in texts]

    def chunk(index: int, text: str, tokens: Sequence[TokenLogprob], **more: Any) -> bytes:
        made = {
            "index": index,
            "text": text,
            "logprobs": asked.logprobs(tokens, offsets[index]) if tokens else None,
            "finish_reason": None,
            **more,
        }
        return data_event(
            head.data([made], usage_data(service, usage) if body.counts_usage else None)
        )

    if body.echo:
        scores = await _scores(service, asked)
        for i, prompt in enumerate(asked.prompts):
            for index in range(i * num, (i + 1) * num):
                yield chunk(index, prompt.text, _echoed(prompt, scores[i]))
    cached = [[0] * num for _ in asked.prompts]
    generations = asked.generations(deltas=True, scored=False)
    async with aclosing(generated(service.engine, generations)) as replies:
        async for place, reply in replies:
            if isinstance(reply, ApiError):
                raise asked.blamed(reply)
            if isinstance(reply, Written):
                index = place * num + reply.sample
                usage.completion_tokens += len(reply.ids)
                tokens = texts[index].add(reply.text, reply.ids, reply.logprobs, reply.top_logprobs)
                if reply.text or tokens:
                    yield chunk(index, reply.text, tokens)
            elif isinstance(reply, Sampled):
                index = place * num + reply.sample
                cached[place][reply.sample] = reply.stats.cached_tokens
                rest = _kept_stop(asked, reply.result)
                tokens = texts[index].add(rest, (), (), ())
                yield chunk(index, rest, tokens, **_end(reply.result))
    usage.cached_tokens = sum(map(min, cached))
    if body.includes_usage:
        yield data_event(head.data([], usage_data(service, usage)))
    yield DONE


async def _scores(service: Service, asked: Asked) -> list[PromptLogprobs | None]:
    """Compute the log probabilities of all prompts, where they are asked for."""
    scores: list[PromptLogprobs | None] = [None] * len(asked.prompts)
    if not asked.scores_prompts:
        return scores
    async with aclosing(generated(service.engine, asked.scorings())) as replies:
        async for place, reply in replies:
            if isinstance(reply, ApiError):
                raise reply
            if isinstance(reply, Sampled):
                scores[place] = reply.prompt
    return scores


def _choices(asked: Asked, samples: Sequence[list[Sampled]]) -> list[dict[str, Any]]:
    body, choices = asked.body, list[dict[str, Any]]()
    for prompt, found in zip(asked.prompts, samples, strict=True):
        found.sort(key=lambda sampled: sampled.sample)
        if body.num_samples > body.num_choices:
            found.sort(key=lambda sampled: -_mean_logprob(sampled.result))
        for sampled in found[: body.num_choices]:
            choices.append(_choice(asked, len(choices), prompt, sampled))
    return choices


def _choice(asked: Asked, index: int, prompt: Prompt, sampled: Sampled) -> dict[str, Any]:
    result, tokens = sampled.result, list[TokenLogprob]()
    text = prompt.text if asked.body.echo else ""
    if asked.scores_prompts:
        tokens += _echoed(prompt, sampled.prompt)
    if result is not None:
        written = result.text + _kept_stop(asked, result)
        tops = result.top_logprobs or ()
        tokens += TextTokens(asked.names).add(written, result.ids, result.logprobs, tops)
        text += written
    return {
        "index": index,
        "text": text,
        "logprobs": asked.logprobs(tokens, TextOffsets(asked.names)),
        **_end(result),
    }


def _echoed(prompt: Prompt, scores: PromptLogprobs | None) -> list[TokenLogprob]:
    """Return the tokens of a prompt; without scores those of one that has a single token."""
    tokens = [TokenLogprob(prompt.ids[0], None)]
    if scores is not None:
        tops = scores.top_logprobs or [()] * len(scores.logprobs)
        rest = zip(prompt.ids[1:], scores.logprobs, tops, strict=True)
        tokens += [TokenLogprob(*each) for each in rest]
    return tokens[prompt.num_added :]


def _kept_stop(asked: Asked, result: DecodeResult | None) -> str:
    matched = None if result is None else result.matched
    if matched is None or not asked.body.no_stop_trim:
        return ""
    return matched if isinstance(matched, str) else asked.names.shown(matched)


def _end(result: DecodeResult | None) -> dict[str, Any]:
    is_cut = result is None or result.finish == "length"
    return {
        "finish_reason": "length" if is_cut else "stop",
        "matched_stop": None if result is None else result.matched,
    }


def _mean_logprob(result: DecodeResult | None) -> float:
    if result is None or not result.logprobs:
        return 0.0
    return sum(result.logprobs) / len(result.logprobs)
