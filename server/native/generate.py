"""``/generate``: SGLang's native request."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError, bad_request
from sglc.server.http.body import read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import DONE, data_event, event_stream, json_reply
from sglc.server.native.batch import Batch, batch_of
from sglc.server.native.body import GenerateBody
from sglc.server.native.output import Output
from sglc.server.native.progress import progress
from sglc.server.native.prompt import Prompt, encode_item, prompt_of
from sglc.server.operations.tenant import tenant_of
from sglc.server.service import Service, service_of


async def generate(request: Request) -> Response:
    """Generate text behind a prompt, or behind each of a list.

    A stream has an event whenever there is more of an output, with all of its text so far. What
    is wrong with a request is a 400 as long as nothing is sent, and an event after that.
    """
    service, tenant = service_of(request), tenant_of(request).name
    if service.config.is_embedding:
        raise bad_request("the server runs with --is-embedding: it generates nothing; see /encode")
    body = await read_body(request, GenerateBody)
    batch = batch_of(body, service.config.max_queued)
    # what has a name may be aborted by it, and then shows what it has written
    deltas = body.stream or body.rid is not None
    prompts = [
        prompt_of(service, item, await encode_item(service, item), deltas=deltas)
        for item in batch.items
    ]
    outputs = [
        Output(
            prompt,
            number,
            service.token_texts,
            with_text=bool(body.return_text_in_logprobs),
            as_ids=service.config.skip_tokenizer_init,
        )
        for prompt in prompts
        for number in range(batch.num_samples)
    ]
    if body.stream:
        events = _events(service, tenant, batch, prompts, outputs)
        first = await while_connected(request, anext(events))
        return event_stream(_behind(first, events))
    await while_connected(request, _run(service, tenant, prompts, outputs))
    replies = [output.to_data() for output in outputs]
    return json_reply(replies if batch.is_list else replies[0])


async def _run(
    service: Service, tenant: str, prompts: Sequence[Prompt], outputs: Sequence[Output]
) -> None:
    async with aclosing(progress(service, tenant, prompts, outputs)) as changes:
        async for _ in changes:
            pass


async def _events(
    service: Service,
    tenant: str,
    batch: Batch,
    prompts: Sequence[Prompt],
    outputs: Sequence[Output],
) -> AsyncGenerator[bytes]:
    """Yield the events of a stream.

    Raises:
        ApiError: it cannot be served; later than that it is an event.
    """
    interval = service.config.stream_interval
    numbers = {id(output): number for number, output in enumerate(outputs)}
    sent = [0] * len(outputs)
    has_begun = False
    try:
        async with aclosing(progress(service, tenant, prompts, outputs)) as changes:
            async for output in changes:
                number = numbers[id(output)]
                num_new = len(output.ids) - sent[number]
                if not output.is_over and sent[number] and num_new < interval:
                    continue
                sent[number] = len(output.ids)
                yield data_event(output.to_data(number if batch.is_list else None))
                has_begun = True
    except ApiError as error:
        if not has_begun:
            raise
        yield data_event(error.to_data())
    yield DONE


async def _behind(first: bytes, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        yield first
        async for event in events:
            yield event
