"""The endpoints about runs: begun, followed, answered, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError, bad_request
from sglc.server.http.body import check, read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.endpoint import Endpoint
from sglc.server.http.replies import event_stream, json_reply
from sglc.server.operations.tenant import tenant_of
from sglc.server.programs.bodies import EventsQuery, RunBody, RunReply, ToolBody, ToolReply
from sglc.server.programs.library import Program
from sglc.server.programs.run import ProgramRun, RunOptions
from sglc.server.programs.service import Programs
from sglc.server.service import service_of

_SMALL_BODY: Final = 1 << 14  # bytes; larger arguments are checked beside the event loop
_MAX_DIGITS: Final = 18  # of the number of an event


async def run(request: Request) -> Response:
    """Run a program, once or for every row of a batch; as one reply, or as events."""
    service, tenant = service_of(request), tenant_of(request)
    programs = service.programs
    body = await read_body(request, RunBody)
    program = await programs.library.get(tenant.name, request.path_params["program_id"])
    prompt = program.prompt(body.prompt)
    rows = [body.arguments or {}] if body.batch is None else body.batch
    if len(rows) > programs.config.max_rows:
        limit = programs.config.max_rows
        raise bad_request(f"batch: has {len(rows)} rows; {limit} are allowed at once", "batch")
    if body.batch is None:
        await _check_arguments(request, program, prompt, rows[0])
    if not body.stream:
        _check_tools(programs, program)
    seed = body.seed if body.seed is not None else program.built.seed
    options = RunOptions(
        prompt=prompt,
        rows=rows,
        is_batch=body.batch is not None,
        seed=service.draw_seed(seed),
        limits=programs.limits(tenant.limits, body.timeout_s),
        deltas=body.stream,
        trace=body.trace,
        model=service.config.model_name,
    )
    begun = programs.runs.begin(tenant.name, program, options)
    if body.stream:
        reply = event_stream(programs.runs.events(begun, 0))
        reply.headers["Location"] = f"/v1/runs/{begun.id}"
        return reply
    done = await while_connected(request, programs.runs.result(begun))
    if done.failure is not None and not options.is_batch:
        raise done.failure
    return json_reply(done.to_data())


async def retrieve(request: Request) -> Response:
    """Describe a run: its state, and what has come of it so far."""
    return json_reply(_run(request).to_data())


async def events(request: Request) -> Response:
    """Follow a run from the event behind Last-Event-ID, or from its first."""
    found = _run(request)
    last = _last_event_id(request)
    found.events.check(last)
    return event_stream(service_of(request).programs.runs.events(found, last))


async def cancel(request: Request) -> Response:
    """Cancel a run; one that is over stays as it is."""
    found = _run(request)
    await service_of(request).programs.runs.cancel(found)
    return json_reply(found.to_data())


async def answer(request: Request) -> Response:
    """Answer a call of a tool that a run has told of."""
    body = await read_body(request, ToolBody)
    call_id = request.path_params["call_id"]
    _run(request).answer(service_of(request).engine, call_id, body.result, body.error)
    return json_reply({"call_id": call_id, "accepted": True})


async def trace(request: Request) -> Response:
    """Return the trace of a run, for Perfetto, chrome://tracing and `sglc viz --trace`."""
    found = _run(request)
    if found.trace is None:
        reason = "it is not over" if found.options.trace else "it was run without `trace: true`"
        raise ApiError(409, f"the run `{found.id}` has no trace: {reason}", code="no_trace")
    return Response(found.trace, media_type="application/json")


def _run(request: Request) -> ProgramRun:
    runs = service_of(request).programs.runs
    return runs.get(tenant_of(request).name, request.path_params["run_id"])


async def _check_arguments(
    request: Request, program: Program, prompt: str, arguments: Mapping[str, Any]
) -> None:
    size = int(request.headers.get("content-length", _SMALL_BODY))
    if size < _SMALL_BODY and not program.built.is_checked_aside:
        program.bind(prompt, arguments, "arguments")
    else:
        await asyncio.to_thread(program.bind, prompt, arguments, "arguments")


def _check_tools(programs: Programs, program: Program) -> None:
    """Refuse a run whose tools nobody could answer: its client hears of nothing but the end."""
    names = [tool["name"] for tool in program.built.tools]
    asked = [name for name in names if name not in programs.webhooks]
    if asked:
        names_text = ", ".join(f"`{name}`" for name in asked)
        raise bad_request(
            f"stream: the program asks for tools that the client answers ({names_text}): "
            "run it with `stream: true`",
            "stream",
        )


def _last_event_id(request: Request) -> int:
    query = {
        name: int(value) if value.isdecimal() and len(value) <= _MAX_DIGITS else value
        for name, value in request.query_params.items()
    }
    given = check(query, EventsQuery).last_event_id
    header = request.headers.get("last-event-id", "")
    if not header:
        return given or 0
    if not header.isdecimal() or len(header) > _MAX_DIGITS:
        raise bad_request(f"Last-Event-ID: must be the number of an event, not {header[:80]!r}")
    return int(header)


RUNS: Sequence[Endpoint] = (
    Endpoint(
        path="/v1/programs/{program_id}/run",
        handle=run,
        body=RunBody,
        reply=RunReply,
        tag="programs",
        streams=True,
    ),
    Endpoint(
        path="/v1/runs/{run_id}", handle=retrieve, methods=("GET",), reply=RunReply, tag="programs"
    ),
    Endpoint(
        path="/v1/runs/{run_id}",
        handle=cancel,
        methods=("DELETE",),
        reply=RunReply,
        tag="programs",
    ),
    Endpoint(path="/v1/runs/{run_id}/cancel", handle=cancel, reply=RunReply, tag="programs"),
    Endpoint(
        path="/v1/runs/{run_id}/events",
        handle=events,
        methods=("GET",),
        query=EventsQuery,
        tag="programs",
        streams=True,
    ),
    Endpoint(path="/v1/runs/{run_id}/trace", handle=trace, methods=("GET",), tag="programs"),
    Endpoint(
        path="/v1/runs/{run_id}/tools/{call_id}",
        handle=answer,
        body=ToolBody,
        reply=ToolReply,
        tag="programs",
    ),
)
