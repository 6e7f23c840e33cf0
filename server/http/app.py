"""The application: all endpoints, and the one place where an exception becomes a reply."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from sglc.server.errors import ApiError
from sglc.server.http.endpoint import Endpoint, Handler
from sglc.server.http.gate import Gate
from sglc.server.http.replies import error_reply
from sglc.server.operations.context import served
from sglc.server.service import Service

log = logging.getLogger("sglc.server")

_LOOKING = {"GET", "HEAD"}


def make_app(
    service: Service,
    endpoints: Sequence[Endpoint],
    background: Sequence[AbstractAsyncContextManager[object]] = (),
) -> Starlette:
    """Return the application of a service: its engine starts and ends with it.

    ``background`` is entered once the engine is there, and left before it ends;
    ``app.state.gate`` is what all requests go through.
    """
    operations = service.operations
    gate = Gate()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await service.engine.start()
        if operations.config.api_keys is not None:  # else SIGHUP is what it is: a terminal's end
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, operations.keys.reload)
        try:
            async with AsyncExitStack() as stack:
                for each in background:
                    await stack.enter_async_context(each)
                yield
        finally:
            await service.programs.close()
            await service.engine.close()
            await operations.close()

    app = Starlette(
        routes=[
            Route(each.path, _guarded(each, gate), methods=list(each.methods)) for each in endpoints
        ],
        middleware=[Middleware(gate.wrap), *operations.middleware(endpoints)],
        lifespan=lifespan,
        exception_handlers={
            404: _not_found,
            405: _not_allowed,
        },
    )
    app.router.redirect_slashes = False  # a path is one path; a POST is not sent twice
    app.state.service = service
    app.state.gate = gate
    return app


def _guarded(endpoint: Endpoint, gate: Gate) -> Handler:
    async def guarded(request: Request) -> Response:
        served().endpoint = endpoint.path
        try:
            _check_coding(request)
            if not endpoint.while_draining and request.method not in _LOOKING:
                gate.check()
            return await endpoint.handle(request)
        except ApiError as error:
            return endpoint.refuse(error)
        except ClientDisconnect:
            return endpoint.refuse(ApiError(499, "the client went away"))
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            message = f"internal error; the server's log has it under {served().request_id}"
            return endpoint.refuse(ApiError(500, message))

    return guarded


def _check_coding(request: Request) -> None:
    """Refuse what is compressed: a few bytes could be gigabytes.

    Raises:
        ApiError: 415: it is.
    """
    coding = request.headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise ApiError(
            415, f"Content-Encoding: {coding[:80]!r} is not taken; send the body as it is"
        )


async def _not_found(request: Request, error: Exception) -> Response:
    return error_reply(ApiError(404, f"there is no {request.method} {request.url.path} here"))


async def _not_allowed(request: Request, error: Exception) -> Response:
    path = request.url.path
    methods = {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.path_regex.match(path)
        for method in route.methods or ()
    }
    allowed = {"Allow": ", ".join(sorted(methods))}
    return error_reply(ApiError(405, f"{path} does not take {request.method}", headers=allowed))
