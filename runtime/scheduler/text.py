"""The text of one decode: bytes in, committed text out, stop strings found across token borders."""

from __future__ import annotations

import codecs

_decoder = codecs.getincrementaldecoder("utf-8")


class DecodeText:
    """Collects the bytes of a decode.

    What ``push`` returns is never taken back: bytes that may still become a stop string, and code
    points that are not complete, wait. With ``deltas`` off nothing is returned before the end.
    The first ``skip`` bytes are no part of the text.
    """

    __slots__ = (
        "_data",
        "_deltas",
        "_longest",
        "_parts",
        "_prefixes",
        "_sent",
        "_skip",
        "_skipped",
        "_stops",
        "_utf8",
    )  # fmt: skip

    def __init__(self, stop: tuple[str, ...], deltas: bool, skip: int = 0) -> None:
        self._stops = {text.encode(): text for text in stop}
        self._longest = max(map(len, self._stops), default=0)
        self._prefixes = {s[:n] for s in self._stops for n in range(1, len(s))}
        self._deltas = deltas
        self._data = bytearray()
        self._sent = 0  # bytes [0, sent) went through the decoder
        self._parts: list[str] = []
        self._utf8 = _decoder("replace")
        self._skip = skip
        self._skipped = 0

    def push(self, piece: bytes) -> tuple[str, str | None]:
        """Add the bytes of a token; return newly committed text and the stop string found.

        Of several stop strings the one that is complete first wins, the longest of those that
        are complete at the same byte. When one is found, call ``finish`` and nothing else.
        """
        if self._skipped < self._skip:
            self._skipped += len(piece)
            piece = piece[len(piece) - max(0, self._skipped - self._skip) :]
            self._skipped = min(self._skipped, self._skip)
        self._data += piece
        if self._stops:
            return self._push_stop(len(piece))
        if not self._deltas:
            return "", None
        self._sent = len(self._data)
        text = self._utf8.decode(piece)
        self._parts.append(text)
        return text, None

    def finish(self) -> tuple[str, str]:
        """Return the text not committed before, and all of it."""
        rest = self._utf8.decode(bytes(self._data[self._sent :]), final=True)
        self._parts.append(rest)
        return rest, "".join(self._parts)

    @property
    def num_bytes(self) -> int:
        """Bytes so far, those skipped included; after a stop string was found, without it."""
        return self._skipped + len(self._data)

    def _push_stop(self, added: int) -> tuple[str, str | None]:
        data = self._data
        window = max(0, len(data) - added - self._longest + 1)
        best: tuple[int, int] | None = None  # (end, -length)
        for stop in self._stops:
            at = data.find(stop, window)
            if at >= 0:
                found = (at + len(stop), -len(stop))
                best = found if best is None else min(best, found)
        if best is not None:
            end, length = best
            stop = bytes(data[end + length : end])
            del data[end + length :]
            return "", self._stops[stop]
        if not self._deltas:
            return "", None
        limit = len(data) - self._num_held()
        text = self._utf8.decode(bytes(data[self._sent : limit]))
        self._sent = limit
        self._parts.append(text)
        return text, None

    def _num_held(self) -> int:
        """Length of the longest end of the bytes that begins a stop string."""
        for count in range(min(self._longest - 1, len(self._data)), 0, -1):
            if bytes(self._data[-count:]) in self._prefixes:
                return count
        return 0
