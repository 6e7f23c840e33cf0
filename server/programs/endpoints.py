"""The endpoints about programs: uploaded, looked at, deleted."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError
from sglc.server.http.body import check, read_body
from sglc.server.http.endpoint import Endpoint
from sglc.server.http.replies import json_reply
from sglc.server.operations.tenant import tenant_of
from sglc.server.programs.bodies import (
    DeletedReply,
    ProgramBody,
    ProgramQuery,
    ProgramReply,
    ProgramsReply,
    VizQuery,
)
from sglc.server.programs.library import Program
from sglc.server.programs.run_endpoints import RUNS
from sglc.server.programs.upload import Data, Show, Upload
from sglc.server.service import service_of

# A page shows what somebody has written: it may run its own script, and reach nothing.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; sandbox allow-scripts"
)


async def create(request: Request) -> Response:
    """Compile a program and keep it; the same program has the same id."""
    body = await read_body(request, ProgramBody)
    upload = Upload(
        source=body.source,
        graph=body.ir,
        entry=body.entry,
        level=int(str(body.level).removeprefix("-O")),
        known=body.known,
    )
    library = service_of(request).programs.library
    take = library.add if body.keep else library.check
    return json_reply(_data(await take(tenant_of(request).name, upload)))


async def index(request: Request) -> Response:
    """List the programs."""
    ids = await service_of(request).programs.library.ids(tenant_of(request).name)
    return json_reply(
        {"object": "list", "data": [{"id": each, "object": "program"} for each in ids]}
    )


async def retrieve(request: Request) -> Response:
    """Describe a program: its prompts, what they take and give, its tools."""
    return json_reply(_data(await _program(request)))


async def delete(request: Request) -> Response:
    """Delete a program; runs of it go on."""
    program_id = request.path_params["program_id"]
    await service_of(request).programs.library.remove(tenant_of(request).name, program_id)
    return json_reply({"id": program_id, "object": "program", "deleted": True})


async def graph(request: Request) -> Response:
    """Write a program down as a graph, as `sglc ir` does."""
    query = check(dict(request.query_params), ProgramQuery)
    is_json = query.form == "json"
    show = Show(
        upload=(await _program(request)).upload,
        form="graph.json" if is_json else "graph",
        is_written=query.stage == "written",
    )
    return await _shown(request, show, "application/json" if is_json else "text/plain")


async def plan(request: Request) -> Response:
    """Write a program down as the plan that the engine runs."""
    show = Show(upload=(await _program(request)).upload, form="plan")
    return await _shown(request, show, "application/json")


async def page(request: Request) -> Response:
    """Draw a program, and a run of it, as a page that needs no network."""
    query = check(dict(request.query_params), VizQuery)
    program = await _program(request)
    trace = None
    if query.run is not None:
        run = service_of(request).programs.runs.get(tenant_of(request).name, query.run)
        if run.program.id != program.id:
            raise ApiError(400, f"run: `{run.id}` is a run of another program", param="run")
        if run.trace is None:
            raise ApiError(409, f"run: `{run.id}` has no trace", param="run", code="no_trace")
        trace = run.trace
    shown = await _shown(
        request, Show(upload=program.upload, form="page", trace=trace), "text/html"
    )
    shown.headers["Content-Security-Policy"] = _PAGE_POLICY
    return shown


async def _program(request: Request) -> Program:
    library = service_of(request).programs.library
    return await library.get(tenant_of(request).name, request.path_params["program_id"])


async def _shown(request: Request, show: Show, media_type: str) -> Response:
    data = await service_of(request).programs.library.show(tenant_of(request).name, show)
    return Response(data, media_type=media_type)


def _data(program: Program) -> Data:
    built = program.built
    return {
        "id": program.id,
        "object": "program",
        "created": program.created,
        "entry": built.entry,
        "prompts": list(built.prompts),
        "tools": list(built.tools),
        "warnings": list(built.warnings),
    }


PROGRAMS: Sequence[Endpoint] = (
    Endpoint(
        path="/v1/programs", handle=create, body=ProgramBody, reply=ProgramReply, tag="programs"
    ),
    Endpoint(
        path="/v1/programs", handle=index, methods=("GET",), reply=ProgramsReply, tag="programs"
    ),
    Endpoint(
        path="/v1/programs/{program_id}",
        handle=retrieve,
        methods=("GET",),
        reply=ProgramReply,
        tag="programs",
    ),
    Endpoint(
        path="/v1/programs/{program_id}",
        handle=delete,
        methods=("DELETE",),
        reply=DeletedReply,
        tag="programs",
    ),
    Endpoint(
        path="/v1/programs/{program_id}/ir",
        handle=graph,
        methods=("GET",),
        query=ProgramQuery,
        tag="programs",
    ),
    Endpoint(path="/v1/programs/{program_id}/plan", handle=plan, methods=("GET",), tag="programs"),
    Endpoint(
        path="/v1/programs/{program_id}/viz",
        handle=page,
        methods=("GET",),
        query=VizQuery,
        tag="programs",
    ),
    *RUNS,
)
