"""A small internet: a real server on this machine, which a resolver calls by many names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sglc.server.security.fetch import Fetcher, FetchPolicy

PUBLIC = "93.184.216.34"


@dataclass
class Net:
    """Names and what they resolve to; a public address leads to the server of this machine.

    ``connected`` are the addresses that were connected to, ``resolved`` the names asked for.
    """

    replies: dict[str, bytes]
    names: dict[str, list[Sequence[str]]]
    port: int = 0
    delay_s: float = 0.0
    connected: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Answer in turn with what the name has; an address is its own."""
        self.resolved.append(host)
        answers = self.names.get(host)
        if answers is None:
            loop = asyncio.get_running_loop()
            return [a[0] for *_, a in await loop.getaddrinfo(host, port)]  # type: ignore[misc]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def fetcher(self, **policy: Any) -> Fetcher:
        """A fetcher that may ask everybody, at the usual ports and at the server's."""
        hosts = policy.pop("hosts", ("*", f"*:{self.port}"))
        return Fetcher(FetchPolicy(hosts=hosts, **policy), self.resolve)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request as its path says."""
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head)
            path = head.split()[1].decode()
            if b"content-length:" in head.lower():
                await reader.read(1 << 16)
            reply = self.replies[path].replace(b"PORT", str(self.port).encode())
            begin, _, rest = reply.partition(b"\r\n\r\n")
            writer.write(begin + b"\r\n\r\n")
            for at in range(0, len(rest), 1 << 14):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(rest[at : at + (1 << 14)])


def answer(body: bytes, media_type: str = "image/png", *more: str, status: str = "200 OK") -> bytes:
    """One answer of a server."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", *more, "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(to: str) -> bytes:
    """One answer that leads elsewhere."""
    return answer(b"", "text/plain", f"Location: {to}", status="302 Found")
