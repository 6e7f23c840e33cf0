"""Server-sent events out of the bytes of a response, however these are cut.

A line ends at LF or CRLF and at nothing else: what Python takes for the end of a line, such as
U+2028, may stand in the JSON of an event as it is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing


class EventReader:
    """Collects the ``data`` of events; comments that keep a connection open are left out."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # the begin of one, as it came
        self._data: list[bytes] = []  # of the event that has not ended

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data of each event that ends in a chunk."""
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            self._line.append(line)
            yield from self._take()
        self._line.append(rest)

    def end(self) -> Iterator[bytes]:
        """Yield the data of an event that the end of the response ends."""
        yield from self._take()
        yield from self._take()

    def _take(self) -> Iterator[bytes]:
        """Take the line that has been collected."""
        line = b"".join(self._line).removesuffix(b"\r")
        self._line.clear()
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            yield b"\n".join(self._data)
            self._data.clear()


async def events_in(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield the data of the events of a response."""
    reader = EventReader()
    async with aclosing(chunks):
        async for chunk in chunks:
            for event in reader.feed(chunk):
                yield event
    for event in reader.end():
        yield event
