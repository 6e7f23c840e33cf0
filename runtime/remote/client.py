"""Requests to one server: kept within the policy, sent again where that may help."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx2

from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.event_stream import events_in
from sglc.runtime.remote.faults import clipped, error_in, refusal
from sglc.runtime.remote.pacing import TokenRate
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.usage import Meter

_SECRET: Final = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})
_END_S: Final = 0.5  # for the end of a response whose last event has come


class Client:
    """Asks one server. Lives in one event loop; ``close`` it there.

    ``url`` is what the paths of requests are appended to; a password in it is in no message, and
    not in the attribute of that name. ``headers`` go with every request; what
    they say is in no message, whatever a server makes of it. ``token`` gives the one that is valid
    now; it is asked before each request, in a thread of its own.

    Raises:
        RemoteError: the policy names no file of certificates; a key holds what no header can.
    """

    def __init__(
        self,
        url: str,
        policy: Policy,
        meter: Meter,
        headers: Mapping[str, str] | None = None,
        token: Callable[[], str] | None = None,
    ) -> None:
        self._token = token
        self._base = url.rstrip("/")
        self.url = _without_user(self._base)
        given = {name: self._header(name, value) for name, value in (headers or {}).items()}
        self._secrets = [
            value.removeprefix("Bearer ") for name, value in given.items()
            if name.lower() in _SECRET
        ]  # fmt: skip
        self.meter = meter
        self._policy = policy
        self._rate: TokenRate | None = None
        self._requests: TokenRate | None = None
        self._slots = asyncio.Semaphore(policy.max_in_flight)
        self._http = httpx2.AsyncClient(
            verify=_trusted(policy),
            headers=given,
            timeout=httpx2.Timeout(None, connect=policy.connect_s),
            limits=httpx2.Limits(
                max_connections=policy.max_in_flight,
                max_keepalive_connections=policy.max_in_flight,
            ),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def turn(self, num_tokens: int) -> AsyncIterator[None]:
        """Wait for room for a request of about so many tokens, and hold it."""
        policy, clock = self._policy, asyncio.get_running_loop().time
        async with self._slots:
            if policy.requests_per_minute is not None:
                if self._requests is None:
                    self._requests = TokenRate(policy.requests_per_minute, clock)
                await self._requests.take(1)
            if policy.tokens_per_minute is not None:
                if self._rate is None:
                    self._rate = TokenRate(policy.tokens_per_minute, clock)
                await self._rate.take(num_tokens)
            yield

    def billed(
        self,
        estimated: int,
        *,
        input_tokens: int | None,
        output_tokens: int | None,
        cached_tokens: int = 0,
    ) -> None:
        """Count what an answer has cost; None where the server does not say."""
        if input_tokens is None or output_tokens is None:
            self.meter.add(unbilled=1)
            return
        self.meter.add(
            input_tokens=input_tokens, cached_tokens=cached_tokens, output_tokens=output_tokens
        )
        if self._rate is not None:
            self._rate.correct(estimated, input_tokens + output_tokens)

    async def get(self, path: str) -> Any:
        """Return what is at a path: JSON, or plain text.

        Raises:
            RemoteError: as ``post``.
        """
        return await self._whole("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the answer to a body.

        Raises:
            RemoteError: the server is not there, refuses it, or answers with no JSON.
        """
        return await self._whole("POST", path, body)

    async def events(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Any]:
        """Yield the events of a streamed answer; ``[DONE]`` and comments are left out.

        Raises:
            RemoteError: as ``post``; or it breaks off, which is not tried again behind an event.
        """
        attempt = 0
        while True:
            has_begun = False
            try:
                async with aclosing(self._events(path, body)) as events:
                    async for event in events:
                        has_begun = True
                        yield event
                return
            except RemoteError as error:
                attempt += 1
                if has_begun:
                    raise
                await self._pause(error, attempt)

    async def _whole(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        attempt = 0
        while True:
            try:
                return await self._once(method, path, body)
            except RemoteError as error:
                attempt += 1
                await self._pause(error, attempt)

    async def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        async with self._response(method, path, body, self._policy.total_s) as response:
            data = await response.aread()
            if response.headers.get("content-type", "").startswith("text/plain"):
                return data.decode(errors="replace")  # as of /flush_cache
            return self._json(data, self._place(path))

    async def _events(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Any]:
        policy, place = self._policy, self._place(path)
        async with self._response("POST", path, body, policy.total_s) as response:
            kind = response.headers.get("content-type", "")
            if not kind.startswith("text/event-stream"):
                raise RemoteError(
                    f"{place} does not stream: it answered with {kind or 'no content type'}; "
                    "check that the address is that of this kind of server"
                )
            first_s = policy.first_token_s
            begin = asyncio.get_running_loop().time()
            limit_s = None if first_s is None else begin + first_s
            async with aclosing(events_in(response.aiter_bytes())) as events:
                while True:
                    try:
                        async with asyncio.timeout_at(limit_s):
                            data = await anext(events, None)
                    except TimeoutError:
                        raise RemoteError(
                            f"{place} has sent no text within {first_s:g} s; raise timeout_s "
                            "(first_token_s of a policy) if it is only slow"
                        ) from None
                    if data is None:
                        return
                    if data.strip() == b"[DONE]":
                        await _to_its_end(events)
                        return
                    limit_s = None
                    yield self._json(data, place)

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, body: Mapping[str, Any] | None, limit_s: float | None
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request once.

        Raises:
            RemoteError: anything that goes wrong, while the response is read too.
        """
        place = self._place(path)
        fresh = await self._authorization()
        self.meter.add(requests=1)
        try:
            async with (
                asyncio.timeout(limit_s),
                self._http.stream(method, self._base + path, json=body, headers=fresh) as response,
            ):
                if response.status_code != 200:
                    said = (await response.aread()).decode(errors="replace")
                    hidden = self._without_secrets(said)
                    raise refusal(place, response.status_code, response.headers, hidden)
                yield response
        except TimeoutError:
            raise RemoteError(
                f"{place} has not answered within {limit_s:g} s; raise timeout_s (total_s of a "
                "policy) if it is only slow"
            ) from None
        except httpx2.ConnectTimeout:
            raise RemoteError(
                f"{place} takes no connection within {self._policy.connect_s:g} s; check the "
                "address, or raise connect_s in the policy",
                is_transient=True,
            ) from None
        except httpx2.ConnectError as error:
            raise _unconnected(error, place) from None
        except httpx2.ProxyError as error:
            raise RemoteError(
                f"the proxy does not let requests to {place} through ({error}); check HTTPS_PROXY, "
                "HTTP_PROXY and NO_PROXY"
            ) from None
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise RemoteError(
                f"{place} is no address of a server such as http://host:30000: {error}"
            ) from None
        except httpx2.HTTPError as error:
            raise RemoteError(
                f"{place} broke off its answer ({error or type(error).__name__}); see the "
                "server's log",
                is_transient=True,
            ) from None

    async def _pause(self, error: RemoteError, attempt: int) -> None:
        """Wait before a request is sent again for the ``attempt``-th time.

        Raises:
            RemoteError: it is not to be: the error itself, with how often it was tried.
        """
        policy = self._policy
        delay_s = policy.delay_s(attempt) if error.retry_after_s is None else error.retry_after_s
        is_late = error.retry_after_s is not None and delay_s > policy.max_delay_s
        if not error.is_transient or attempt > policy.max_retries or is_late:
            tried = f" (tried {attempt} times)" if attempt > 1 else ""
            late = f"; it asks to wait for {delay_s:g} s" if is_late else ""
            raise RemoteError(f"{error}{late}{tried}", status=error.status) from None
        self.meter.add(retries=1)
        await asyncio.sleep(delay_s)

    async def _authorization(self) -> dict[str, str]:
        """Return the header of a token that does not last.

        Raises:
            RemoteError: there is none.
        """
        if self._token is None:
            return {}
        try:
            token = await asyncio.to_thread(self._token)
        except Exception as error:  # whatever code of the program gives it
            raise RemoteError(f"there is no token for {self.url}: {error}") from None
        header = self._header("Authorization", f"Bearer {token}")
        if header.removeprefix("Bearer ") not in self._secrets:
            self._secrets.append(header.removeprefix("Bearer "))
        return {"Authorization": header}

    def _header(self, name: str, value: str) -> str:
        """Return what a header is to say; keys are read from files that end with a line.

        Raises:
            RemoteError: no header can say that.
        """
        value = value.strip()
        if value.isascii() and value.isprintable():
            return value
        raise RemoteError(
            f"what is to be sent to {self.url} as {name} holds a character that no header can "
            "hold: check the API key"
        )

    def _place(self, path: str) -> str:
        return self.url + path

    def _json(self, data: bytes, place: str) -> Any:
        """Return what a server has sent.

        Raises:
            RemoteError: it is no JSON, or an error.
        """
        try:
            reply = json.loads(data)
        except (ValueError, RecursionError):
            said = clipped(self._without_secrets(data.decode(errors="replace")))
            raise RemoteError(
                f"{place} has sent what is no JSON: {said!r}; check that the address is that of "
                "this kind of server"
            ) from None
        error = error_in(place, reply)
        if error is None:
            return reply
        hidden = self._without_secrets(data.decode(errors="replace"))
        raise error_in(place, json.loads(hidden)) or error

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***") if secret else text
        return text


def _trusted(policy: Policy) -> ssl.SSLContext | bool:
    if policy.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=policy.ca_file)
    except OSError as error:
        raise RemoteError(f"{policy.ca_file!r} is no file of certificates: {error}") from None


def _unconnected(error: Exception, place: str) -> RemoteError:
    """Return the error of a server to which there is no connection."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return RemoteError(
            f"the certificate of {place} is not trusted ({cause.verify_message}); name the file of "
            "who has signed it: `verify` of RuntimeEndpoint, or SSL_CERT_FILE in the environment"
        )
    if cause is not None:
        return RemoteError(
            f"{place} does not speak TLS as it should ({error}); check whether the address begins "
            "with http:// or https://"
        )
    return RemoteError(
        f"no server answers at {place} ({error}); start it, or check the address",
        is_transient=True,
    )


async def _to_its_end(events: AsyncGenerator[bytes]) -> None:
    """Read a response to its end: only then is its connection used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            async for _ in events:
                pass


def _without_user(url: str) -> str:
    """Return an address without the name and password in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
