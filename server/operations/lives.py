"""Counters of a process that is started again, so that their sums never go back."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

_WINDOW_S = 15.0


class Lives:
    """Sums counters over the lives of a process; each life counts from 0."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str], int] = {}
        self._sums: Counter[str] = Counter()

    def added(self, counters: Mapping[str, int], life: int) -> dict[str, int]:
        """Return what has been counted since the last look; nothing is ever below 0."""
        found = {}
        for name, value in counters.items():
            more = max(0, value - self._last.get((life, name), 0))
            self._last[life, name] = max(value, self._last.get((life, name), 0))
            self._sums[name] += more
            found[name] = more
        self._last = {key: value for key, value in self._last.items() if key[0] == life}
        return found

    def sum(self, name: str) -> int:
        """Return what was counted in all lives."""
        return self._sums[name]


class Pace:
    """How fast a sum grows, of late."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, now: float, value: int) -> float:
        """Take a look; return the growth a second since the oldest look of the last seconds."""
        while len(self._seen) > 1 and self._seen[1][0] <= now - _WINDOW_S:
            self._seen.popleft()
        self._seen.append((now, value))
        begin, before = self._seen[0]
        return (value - before) / (now - begin) if now > begin else 0.0
