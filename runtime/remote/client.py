"""Requests to one server: kept within the policy, sent again where that may help."""

from __future__ import annotations

import asyncio
import email.utils
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

import httpx2

from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.pacing import TokenRate
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.usage import Meter

TRANSIENT: Final = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_SECRET: Final = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})
_MAX_SHOWN: Final = 300  # characters of what a server says
_ADVICE: Final[Mapping[int, str]] = {
    401: "check the API key",
    403: "check the API key and what it allows",
    404: "check the address and the model's name",
    413: "the prompt is too large for the server: shorten it",
    429: "lower max_in_flight, set tokens_per_minute, or raise max_retries in the policy",
}


class Client:
    """Asks one server. Lives in one event loop; ``close`` it there.

    ``url`` is what the paths of requests are appended to. ``headers`` go with every request; what
    they say is in no message, whatever a server makes of it. ``token`` gives the one that is valid
    now; it is asked before each request, in a thread of its own.
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
        self._secrets = [
            value.removeprefix("Bearer ") for name, value in (headers or {}).items()
            if name.lower() in _SECRET
        ]  # fmt: skip
        self.url = url.rstrip("/")
        self.meter = meter
        self._policy = policy
        self._rate: TokenRate | None = None
        self._requests: TokenRate | None = None
        self._slots = asyncio.Semaphore(policy.max_in_flight)
        trusted: ssl.SSLContext | bool = True
        if policy.ca_file is not None:
            trusted = ssl.create_default_context(cafile=policy.ca_file)
        self._http = httpx2.AsyncClient(
            verify=trusted,
            headers=dict(headers or {}),
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
            return _json(data, self._place(path))

    async def _events(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Any]:
        policy, place = self._policy, self._place(path)
        async with self._response("POST", path, body, policy.total_s) as response:
            kind = response.headers.get("content-type", "")
            if not kind.startswith("text/event-stream"):
                raise RemoteError(
                    f"{place} does not stream: it answered with {kind or 'no content type'}; "
                    "check that the address is that of this kind of server"
                )
            lines = response.aiter_lines()
            begin = asyncio.get_running_loop().time()
            is_first = True
            while True:
                limit_s = policy.first_token_s if is_first else None
                left_s = None if limit_s is None else begin + limit_s
                try:
                    async with asyncio.timeout_at(left_s):
                        line = await anext(lines, None)
                except TimeoutError:
                    raise RemoteError(
                        f"{place} has sent no text within {limit_s:g} s; raise first_token_s in "
                        "the policy if it is only slow",
                        is_transient=True,
                    ) from None
                if line is None:
                    return
                if not line.startswith("data:"):
                    continue  # a comment that keeps the connection open, or the name of an event
                data = line[5:].strip()
                if data == "[DONE]":
                    return
                is_first = False
                yield _json(data.encode(), place)

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
                self._http.stream(method, self.url + path, json=body, headers=fresh) as response,
            ):
                if response.status_code != 200:
                    raise self._refused(response, await response.aread(), place)
                yield response
        except TimeoutError:
            raise RemoteError(
                f"{place} has not answered within {limit_s:g} s; raise total_s in the policy if "
                "it is only slow"
            ) from None
        except httpx2.ConnectTimeout:
            raise RemoteError(
                f"{place} takes no connection within {self._policy.connect_s:g} s; check the "
                "address, or raise connect_s in the policy",
                is_transient=True,
            ) from None
        except httpx2.ConnectError as error:
            raise RemoteError(
                f"no server answers at {place} ({error}); start it, or check the address",
                is_transient=True,
            ) from None
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise RemoteError(f"{place} is no address of a server: {error}") from None
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
        if token not in self._secrets:
            self._secrets.append(token)
        return {"Authorization": f"Bearer {token}"}

    def _place(self, path: str) -> str:
        return self.url + path

    def _refused(self, response: httpx2.Response, body: bytes, place: str) -> RemoteError:
        said = message_of(body.decode(errors="replace"))
        return _refused(response, self._without_secrets(said), place)

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***") if secret else text
        return text


def _refused(response: httpx2.Response, said: str, place: str) -> RemoteError:
    status = response.status_code
    advice = _ADVICE.get(status, "see the server's log" if status >= 500 else "")
    text = f"{place} answers {status}: {said or response.reason_phrase}"
    return RemoteError(
        f"{text}; {advice}" if advice else text,
        is_transient=status in TRANSIENT,
        retry_after_s=retry_after_s(response.headers.get("retry-after")),
        status=status,
    )


def message_of(body: str) -> str:
    """Return what an error of a server says, whatever its dialect."""
    try:
        data = json.loads(body)
    except ValueError:
        return _clip(body)
    while isinstance(data, dict):
        inner = next((data[k] for k in ("error", "message", "detail") if data.get(k)), None)
        if inner is None:
            break
        data = inner
    return _clip(data if isinstance(data, str) else json.dumps(data))


def retry_after_s(value: str | None) -> float | None:
    """Read ``Retry-After``: seconds, or a date."""
    if value is None:
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _json(data: bytes, place: str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise RemoteError(
            f"{place} has sent what is no JSON: {_clip(data.decode(errors='replace'))!r}; check "
            "that the address is that of this kind of server"
        ) from None


def _clip(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
