"""Tools that the operator answers: each call is a request to an address of the configuration."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from sglc.server.programs.config import Webhook
from sglc.server.security.fetch import Fetcher, FetchPolicy
from sglc.server.security.targets import FetchError, Target

_MAX_REPLY_BYTES: Final = 1 << 20


class WebhookError(Exception):
    """A call that was not answered; the message is for the program, and names no address."""


class Webhooks:
    """Calls the webhooks, each by a connection of its own. Redirects are not followed."""

    def __init__(self, webhooks: Mapping[str, Webhook]) -> None:
        self._webhooks = dict(webhooks)

    def __contains__(self, name: object) -> bool:
        return name in self._webhooks

    async def call(
        self, name: str, arguments: Mapping[str, Any], about: Mapping[str, Any], timeout_s: float
    ) -> Any:
        """Return the ``result`` of the reply.

        Raises:
            WebhookError: it says ``error``, or there is none that can be used, or none in time.
        """
        webhook = self._webhooks[name]
        body = json.dumps({**about, "name": name, "arguments": arguments}).encode()
        headers = {"Content-Type": "application/json"}
        if webhook.secret is not None:
            headers["X-Sglc-Signature"] = signature(webhook.secret, body, int(time.time()))
        policy = FetchPolicy(
            hosts=(Target.parse(webhook.url).entry,),
            allows_private=webhook.private,
            max_bytes=_MAX_REPLY_BYTES,
            timeout_s=min(timeout_s, webhook.timeout_s),
        )
        try:
            reply = await Fetcher(policy).post(webhook.url, body, headers)
        except FetchError as error:
            raise WebhookError(str(error)) from None
        return _result(reply.data)


def signature(secret: str, body: bytes, now: int) -> str:
    """Return what proves that a request is ours: ``t=SECONDS,v1=HEX`` over ``SECONDS.BODY``."""
    signed = hmac.new(secret.encode(), b"%d." % now + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={signed}"


def _result(data: bytes) -> Any:
    try:
        reply = json.loads(data)
    except (ValueError, RecursionError):
        raise WebhookError("its answer is not JSON") from None
    if not isinstance(reply, dict) or ("result" in reply) == ("error" in reply):
        raise WebhookError("its answer must hold either `result` or `error`")
    if "error" in reply:
        raise WebhookError(str(reply["error"])[:1000])
    return reply["result"]
