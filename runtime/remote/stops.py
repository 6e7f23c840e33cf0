"""Stop texts, looked for in a text that comes in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Match(NamedTuple):
    """A stop text, and where in the text it begins."""

    at: int
    text: str


class StopScan:
    """Finds the stop text that is complete first; of those complete at one place the longest."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = sorted(set(stops), key=len, reverse=True)
        self._text = ""
        self.match: Match | None = None

    def add(self, piece: str) -> None:
        """More of the text; nothing more is looked at once there is a match."""
        if self.match is not None:
            return
        old = len(self._text)
        self._text += piece
        ends: list[tuple[int, int, str]] = []
        for stop in self._stops:
            at = self._text.find(stop, max(0, old - len(stop) + 1))
            if at >= 0:
                ends.append((at + len(stop), at, stop))
        if ends:
            _, at, stop = min(ends)  # complete first; the one that begins first is the longest
            self.match = Match(at, stop)

    def drop(self, num_chars: int) -> None:
        """Take back what is behind so many characters."""
        self._text = self._text[:num_chars]

    @property
    def text(self) -> str:
        """The text up to the stop text, which is not part of it."""
        return self._text if self.match is None else self._text[: self.match.at]

    @property
    def num_certain(self) -> int:
        """How many characters of the text no stop text can take away any more."""
        if self.match is not None:
            return self.match.at
        text, longest = self._text, max(map(len, self._stops), default=1)
        for begin in range(max(0, len(text) - longest + 1), len(text)):
            if any(stop.startswith(text[begin:]) for stop in self._stops):
                return begin
        return len(text)
