"""How many model calls one request may make."""

from __future__ import annotations

from sglc.server.errors import bad_request
from sglc.server.operations.tenant import Tenant


def check_calls(tenant: Tenant, count: int, field: str | None = None) -> None:
    """Refuse a request that makes ``count`` model calls where its key allows fewer.

    Raises:
        ApiError: 400, with both numbers; ``field`` is what asks for them.
    """
    most = tenant.limits.max_model_calls
    if most is not None and count > most:
        raise bad_request(
            f"the request makes {count} model calls; its key allows {most} (max_model_calls)", field
        )
