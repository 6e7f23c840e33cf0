"""What every request goes through before it gets to its endpoint, from the outside in."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from sglc.server.http.endpoint import Endpoint
from sglc.server.operations.config import OperationsConfig
from sglc.server.operations.guard import Guard
from sglc.server.operations.key_store import KeyStore
from sglc.server.operations.metrics import Metrics
from sglc.server.operations.request_log import RequestLog
from sglc.server.operations.tracing import TraceRequests, Tracing
from sglc.server.security.headers import SecurityHeaders
from sglc.server.security.host import OneHost
from sglc.server.security.origins import KnownOrigins

_EXPOSED = ("x-request-id", "request-id", "retry-after")
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


def middleware(
    config: OperationsConfig,
    keys: KeyStore,
    endpoints: Sequence[Endpoint],
    metrics: Metrics | None,
    tracing: Tracing | None,
) -> list[Middleware]:
    """Return the stack: an id and a line in the log, a span, headers, hosts, origins, keys.

    Pages of other origins send keys in headers that their scripts set; the server knows no cookies,
    so no credentials are allowed, and an origin gives nobody any right; pages of origins that are
    not allowed are refused.
    """
    stack = [Middleware(RequestLog, config=config, metrics=metrics)]
    if tracing is not None:
        stack.append(Middleware(TraceRequests, tracing=tracing))
    stack += [Middleware(SecurityHeaders), Middleware(OneHost)]
    if config.cors_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=config.cors_origins,
            allow_methods=_METHODS,
            allow_headers=["*"],
            expose_headers=_EXPOSED,
            max_age=600,
        )
        stack.append(cors)
    stack.append(Middleware(KnownOrigins, origins=config.cors_origins, endpoints=endpoints))
    if config.has_keys:
        stack.append(Middleware(Guard, keys=keys, endpoints=endpoints))
    return stack
