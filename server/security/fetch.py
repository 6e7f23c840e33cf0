"""Fetching for somebody else, who must not get through us to where only we can go.

What may be fetched from is on a list, which is empty by default. A name is resolved once: every
address it has is checked, and the connection goes to one that was; so no later answer of the name's
server counts. Each redirect is checked like the first request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import h11

from sglc.server.security.addresses import is_public
from sglc.server.security.targets import FetchError, Target

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_CHUNK = 1 << 16
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """From where, and how much.

    ``hosts`` as in ``Target.is_listed``. ``allows_private``: the operator vouches for the hosts, so
    they may have addresses that are not public.
    """

    hosts: tuple[str, ...] = ()
    allows_private: bool = False
    max_bytes: int = 20 << 20
    timeout_s: float = 20.0
    max_redirects: int = 3


@dataclass(frozen=True, slots=True)
class Fetched:
    """What there was. ``media_type`` is lower-case, without parameters."""

    data: bytes
    media_type: str


class Fetcher:
    """Fetches what a policy allows; holds nothing between two requests."""

    def __init__(self, policy: FetchPolicy, resolve: Resolve | None = None) -> None:
        self._policy = policy
        self._resolve = resolve or _resolve

    async def get(self, url: str, media_types: Sequence[str]) -> Fetched:
        """Get what a URL names, of one of these types (``image/`` is any image).

        Raises:
            FetchError: the policy does not allow it, or it cannot be had.
        """
        target = Target.parse(url)
        async with self._limited():
            for _ in range(self._policy.max_redirects + 1):
                reply = await self._ask(target, "GET", b"", {})
                if reply.location is None:
                    check_type(reply.fetched.media_type, media_types)
                    return reply.fetched
                following = Target.parse(reply.location, target)
                if target.scheme == "https" and following.scheme != "https":
                    raise FetchError("a redirect leads from https to http")
                target = following
        raise FetchError(f"there are more than {self._policy.max_redirects} redirects")

    async def post(self, url: str, data: bytes, headers: Mapping[str, str]) -> Fetched:
        """Post data; a redirect is not followed.

        Raises:
            FetchError: the policy does not allow it, or there is no answer of status 200.
        """
        target = Target.parse(url)
        async with self._limited():
            reply = await self._ask(target, "POST", data, headers)
        if reply.location is not None:
            raise FetchError("the answer is a redirect, which is not followed")
        return reply.fetched

    def _limited(self) -> _Limit:
        return _Limit(self._policy.timeout_s)

    async def _ask(
        self, target: Target, method: str, data: bytes, headers: Mapping[str, str]
    ) -> _Reply:
        if not target.is_listed(self._policy.hosts):
            raise FetchError("the operator has not listed the host")
        addresses = await self._addresses(target)
        reader, writer = await _connect(target, addresses)
        try:
            return await _exchange(
                reader, writer, target, method, data, headers, self._policy.max_bytes
            )
        except (h11.ProtocolError, OSError):
            raise FetchError("the answer is broken off, or none of HTTP") from None
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                writer.transport.abort()

    async def _addresses(self, target: Target) -> Sequence[str]:
        try:
            found = await self._resolve(target.host, target.port)
        except OSError:
            found = ()
        if not found:
            raise FetchError("the host has no address")
        if not self._policy.allows_private and not all(map(is_public, found)):
            raise FetchError("the address of the host is not a public one")
        return found


class _Limit:
    """All of a fetch, with everything in it, in so much time."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._timeout = asyncio.timeout(timeout_s)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        try:
            await self._timeout.__aexit__(*error)  # type: ignore[arg-type]  # what it was given
        except TimeoutError:
            raise FetchError(f"no answer within {self._timeout_s:g} s") from None


@dataclass(frozen=True, slots=True)
class _Reply:
    fetched: Fetched
    location: str | None


async def _connect(
    target: Target, addresses: Sequence[str]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to one of the addresses, and to nothing that the name says anew."""
    is_secure = target.scheme == "https"
    for address in addresses:
        try:
            return await asyncio.open_connection(
                address,
                target.port,
                ssl=ssl.create_default_context() if is_secure else None,
                server_hostname=target.host if is_secure else None,
            )
        except ssl.SSLError:
            raise FetchError("the host cannot prove that it is itself") from None
        except OSError:
            continue
    raise FetchError("the host cannot be reached")


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: Target,
    method: str,
    data: bytes,
    headers: Mapping[str, str],
    max_bytes: int,
) -> _Reply:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 14)
    given = {
        "Host": target.authority,
        "User-Agent": "sglc",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    if method != "GET":
        given["Content-Length"] = str(len(data))
    out = connection.send(h11.Request(method=method, target=target.path, headers=[*given.items()]))
    out = (out or b"") + (connection.send(h11.Data(data)) or b"" if data else b"")
    writer.write(out + (connection.send(h11.EndOfMessage()) or b""))
    await writer.drain()
    head: h11.Response | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            head = event
            location = _head(head, max_bytes)
            if location is not None:
                return _Reply(Fetched(b"", ""), location)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > max_bytes:
                raise FetchError(f"the answer has more than {max_bytes} bytes")
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            media_type = _header(head, b"content-type").partition(";")[0].strip().lower()
            return _Reply(Fetched(bytes(body), media_type), None)


def _head(head: h11.Response, max_bytes: int) -> str | None:
    """Look at the head of an answer; return where it leads if it is a redirect.

    Raises:
        FetchError: nothing can be made of it.
    """
    location = _header(head, b"location")
    if head.status_code in _REDIRECTS and location:
        return location
    if head.status_code != 200:
        raise FetchError(f"the answer has the status {head.status_code}")
    if _header(head, b"content-encoding") not in ("", "identity"):
        raise FetchError("the answer is compressed, which was not asked for")
    length = _header(head, b"content-length")
    if length and int(length) > max_bytes:
        raise FetchError(f"the answer has {length} bytes; {max_bytes} are the limit")
    return None


def _header(head: h11.Response, name: bytes) -> str:
    values = [value for key, value in head.headers if key == name]
    return values[-1].decode("latin-1") if values else ""


def check_type(found: str, wanted: Sequence[str]) -> None:
    """Check a media type.

    Raises:
        FetchError: it is none of those.
    """
    for each in wanted:
        if found == each or (each.endswith("/") and found.startswith(each)):
            return
    raise FetchError(f"it is of the type `{found}`, not {' or '.join(wanted)}")


async def _resolve(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
