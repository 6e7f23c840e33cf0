"""Who asks: the holder of a key, and what a key may use."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLimits:
    """What one run of a program, or one request, of a key may use; None for no limit of its own.

    ``max_tokens`` generated tokens, ``max_model_calls``, ``max_fork_width``, ``max_wall_time_s``
    count per run; ``max_concurrent`` are requests with model calls at once, over all its keys.
    """

    max_tokens: int | None = None
    max_model_calls: int | None = None
    max_fork_width: int | None = None
    max_wall_time_s: float | None = None
    max_concurrent: int | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """The holder of a key. What is stored belongs to a tenant by its name."""

    name: str
    limits: TenantLimits = field(default_factory=TenantLimits)


ANYONE = Tenant("")
"""Whoever asks a server without keys."""


def tenant_of(request: Request) -> Tenant:
    """Return the tenant that the key of a request belongs to."""
    tenant: Tenant = getattr(request.state, "tenant", ANYONE)
    return tenant
