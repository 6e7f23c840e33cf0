"""How much one request may ask for."""

from __future__ import annotations

from sglc.server.errors import bad_request
from sglc.server.operations.calls import check_calls
from sglc.server.operations.tenant import Tenant


def within_limits(tenant: Tenant, max_tokens: int, num_answers: int, *, is_given: bool) -> int:
    """Return the tokens that each of ``num_answers`` may have, by the limits of a key.

    Where the request leaves them open they are what the limits allow.

    Raises:
        ApiError: it asks for more.
    """
    limits = tenant.limits
    check_calls(tenant, num_answers, "n")
    if limits.max_tokens is None or max_tokens * num_answers <= limits.max_tokens:
        return max_tokens
    most = limits.max_tokens // num_answers
    if is_given or not most:
        raise bad_request(
            f"the request asks for {num_answers} answers of {max_tokens} tokens; its key allows "
            f"{limits.max_tokens} tokens in all",
            "max_tokens",
        )
    return most
