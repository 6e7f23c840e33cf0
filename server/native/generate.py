"""``/generate``: SGLang's native request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError, bad_request
from sglc.server.http.body import read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import DONE, data_event, event_stream, json_reply
from sglc.server.native.batch import batch_of
from sglc.server.native.body import GenerateBody, SessionBody
from sglc.server.native.output import Output
from sglc.server.native.progress import Asked, progress
from sglc.server.native.prompt import Prompt, appended, check_limits, encode_item, prompt_of
from sglc.server.native.sessions import Session, SessionGone, session_of
from sglc.server.operations.tenant import Tenant, tenant_of
from sglc.server.service import Service, service_of

_TURN = 16  # prompts that are read, and outputs that are written, before others have their turn


async def generate(request: Request) -> Response:
    """Generate text behind a prompt, or behind each of a list.

    A stream has an event whenever there is more of an output, with all of its text so far. What
    is wrong with a request is a 400 as long as nothing is sent, and an event after that.
    """
    service = service_of(request)
    if service.config.is_embedding:
        raise bad_request("the server runs with --is-embedding: it generates nothing; see /encode")
    body = await read_body(request, GenerateBody)
    asked = await _asked(service, tenant_of(request), body)
    if body.stream:
        events = _events(asked)
        first = await while_connected(request, anext(events))
        return event_stream(_behind(first, events))
    await while_connected(request, _run(asked))
    is_long = len(asked.outputs) > _TURN or any(output.is_long for output in asked.outputs)
    return await asyncio.to_thread(_reply, asked) if is_long else _reply(asked)


async def _asked(service: Service, tenant: Tenant, body: GenerateBody) -> Asked:
    """Return a request as what is asked of the engine.

    Raises:
        ApiError: 400, naming the field that is wrong.
    """
    batch = batch_of(body, service.config.max_queued)
    check_limits(tenant, batch)
    where = session_of(body)
    session: Session | None = None
    # what has a name may be aborted by it, and then shows what it has written
    deltas = body.stream or body.rid is not None
    prompts: list[Prompt] = []
    gone = ""
    for number, item in enumerate(batch.items):
        if number % _TURN == _TURN - 1:
            await asyncio.sleep(0)  # a long list holds up nobody
        ids = await encode_item(service, item)
        if where is not None:
            try:
                session = service.sessions.find(tenant.name, where.id)
                ids = appended(service, session.history(where), ids)
            except SessionGone as error:
                session, gone = None, f"Invalid request: {error}"
                prompts.append(Prompt(item=item, ids=(), generation=None, logprob_start=None))
                continue
            _check_capacity(service, session, where, ids)
        prompts.append(prompt_of(service, item, ids, deltas=deltas))
    if session is not None and where is not None:
        session.replace(where)
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
    if gone:
        outputs[0].abort(gone)
    return Asked(
        service=service,
        tenant=tenant,
        prompts=prompts,
        outputs=outputs,
        is_list=batch.is_list,
        session=session,
        before=None if where is None else where.rid,
    )


def _check_capacity(service: Service, session: Session, where: SessionBody, ids: list[int]) -> None:
    if not session.capacity:
        return
    size = len(service.files.tokenizer.decode(ids))
    if size > session.capacity:
        raise bad_request(
            f"the session {where.id!r} would have {size} characters; "
            f"its capacity_of_str_len is {session.capacity}",
            "session",
        )


def _event(output: Output, index: int | None) -> bytes:
    return data_event(output.to_data(index))


def _reply(asked: Asked) -> Response:
    replies = [output.to_data() for output in asked.outputs]
    return json_reply(replies if asked.is_list else replies[0])


async def _run(asked: Asked) -> None:
    try:
        async with aclosing(progress(asked)) as changes:
            async for _ in changes:
                pass
    except ApiError as error:
        raise _blamed(error, asked) from None


async def _events(asked: Asked) -> AsyncGenerator[bytes]:
    """Yield the events of a stream.

    Raises:
        ApiError: it cannot be served; later than that it is an event.
    """
    interval = asked.service.config.stream_interval
    numbers = {id(output): number for number, output in enumerate(asked.outputs)}
    sent = [0] * len(asked.outputs)
    has_begun = False
    try:
        async with aclosing(progress(asked)) as changes:
            async for output in changes:
                number = numbers[id(output)]
                num_new = len(output.ids) - sent[number]
                if not output.is_over and sent[number] and num_new < interval:
                    continue
                sent[number] = len(output.ids)
                index = number if asked.is_list else None
                if output.is_long:
                    yield await asyncio.to_thread(_event, output, index)
                else:
                    yield _event(output, index)
                has_begun = True
    except ApiError as error:
        if not has_begun:
            raise _blamed(error, asked) from None
        yield data_event(error.to_data())
    yield DONE


async def _behind(first: bytes, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        yield first
        async for event in events:
            yield event


def _blamed(error: ApiError, asked: Asked) -> ApiError:
    """Name the field whose constraint the engine has found wrong, if it can be but one."""
    if error.status != 400 or error.param is not None:
        return error
    fields = {prompt.item.constraint for prompt in asked.prompts if prompt.item.constraint}
    if len(fields) != 1:
        return error
    (field,) = fields
    return ApiError(400, f"{field}: {error.message}", param=field)
