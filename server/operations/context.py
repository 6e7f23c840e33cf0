"""Who is being served: known to whatever runs for a request, without being handed on.

A value of the context is there in the tasks and threads that a request starts. It says who pays
and whose cache is used, so a place that forgets to hand it on must not be possible. Work that no
request has started, as a batch that resumes, says for whom it is: ``with acting_for(tenant)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from sglc.server.operations.tenant import ANYONE, Tenant


@dataclass(slots=True, eq=False)
class Usage:
    """What the model calls of a request have come to so far."""

    num_jobs: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    first_token_s: float | None = None


@dataclass(slots=True, eq=False)
class Served:
    """One request, or one piece of work in the background, and whose it is.

    ``endpoint`` is the path of its endpoint as it is declared, once it got there; ``open_jobs`` are
    the model calls of it that are not over. What is done in the background is not among the
    requests that a tenant may have at once.
    """

    tenant: Tenant = ANYONE
    request_id: str = ""
    trace_id: str = ""
    endpoint: str = ""
    usage: Usage = field(default_factory=Usage)
    open_jobs: int = 0
    is_background: bool = False


_served: ContextVar[Served | None] = ContextVar("sglc_served", default=None)


def served() -> Served:
    """Return what is being served; something of nobody where it is not known."""
    return _served.get() or Served()


@contextmanager
def serving(what: Served) -> Iterator[Served]:
    """Serve a request within the block."""
    token = _served.set(what)
    try:
        yield what
    finally:
        _served.reset(token)


@contextmanager
def acting_for(tenant: Tenant, request_id: str = "") -> Iterator[Served]:
    """Do work in the background for a tenant within the block."""
    with serving(Served(tenant, request_id, is_background=True)) as what:
        yield what
