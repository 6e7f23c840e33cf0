"""Tools that the operator answers: each call is a request to an address of the configuration."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from sglc.server.programs.config import Webhook

_MAX_REPLY_BYTES: Final = 1 << 20


class WebhookError(Exception):
    """A call that was not answered; the message is for the program, and names no address."""


class Webhooks:
    """Calls the webhooks. Redirects are not followed, and proxies of the environment not used."""

    def __init__(self, webhooks: Mapping[str, Webhook]) -> None:
        self._webhooks = dict(webhooks)
        self._client: httpx2.AsyncClient | None = None

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
        try:
            async with asyncio.timeout(min(timeout_s, webhook.timeout_s)):
                return _result(await self._post(webhook, body))
        except TimeoutError:
            raise WebhookError("no answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise WebhookError(f"it cannot be reached ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, webhook: Webhook, body: bytes) -> bytes:
        if self._client is None:
            self._client = httpx2.AsyncClient(follow_redirects=False, trust_env=False, timeout=None)
        url = httpx2.URL(webhook.url)
        headers = {"Content-Type": "application/json", "Host": url.netloc.decode()}
        if webhook.secret is not None:
            headers["X-Sglc-Signature"] = signature(webhook.secret, body, int(time.time()))
        address = await _address(url.host, webhook)
        extensions = {"sni_hostname": url.host}
        async with self._client.stream(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers=headers,
            extensions=extensions,
        ) as reply:
            if reply.status_code != 200:
                raise WebhookError(f"it answers with status {reply.status_code}")
            data = b""
            async for chunk in reply.aiter_bytes():
                data += chunk
                if len(data) > _MAX_REPLY_BYTES:
                    raise WebhookError(f"its answer has more than {_MAX_REPLY_BYTES} bytes")
        return data


def signature(secret: str, body: bytes, now: int) -> str:
    """Return what proves that a request is ours: ``t=SECONDS,v1=HEX`` over ``SECONDS.BODY``."""
    signed = hmac.new(secret.encode(), b"%d." % now + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={signed}"


async def _address(host: str, webhook: Webhook) -> str:
    """Return the address to connect to: looked at here, so that no other answer comes later.

    Raises:
        WebhookError: it is one of a private network, and the operator has not allowed that.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    addresses = [str(sockaddr[0]) for *_, sockaddr in found]
    if not webhook.private:
        for address in addresses:
            if not ipaddress.ip_address(address.partition("%")[0]).is_global:
                raise WebhookError("its address is of a private network, which is not allowed")
    return addresses[0]


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
