"""The event log of a run: what happened, in order, readable from any point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["delta", "value", "tool", "branch", "error", "done"]


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One entry of the log.

    ``delta``: ``value`` is more text of the capture ``name``, never taken back. ``value``: a
    capture is complete. ``tool``: a tool gave ``value``. ``branch``: a branch of a fork ended with
    the text ``value``. ``error``: ``value`` is a RunError, reported when the run ends. ``done``:
    ``value`` is the run's value. ``path`` tells calls, turns and branches apart: ``"0/2"``.
    ``show`` marks what an end user may see.
    """

    t: Kind
    name: str = ""
    path: str = ""
    value: Any = None
    show: bool = False

    def to_data(self) -> dict[str, Any]:
        """Return the event as a dict; text of deltas and branches is called ``text``."""
        key = "text" if self.t in ("delta", "branch") else "value"
        data: dict[str, Any] = {"t": self.t, "name": self.name, "path": self.path, key: self.value}
        return data | {"show": True} if self.show else data


class EventLog:
    """Grows only. Readers keep an index and ask for what came after it."""

    __slots__ = ("_events", "_listener")

    def __init__(self, listener: Callable[[RunEvent], None] | None = None) -> None:
        self._events: list[RunEvent] = []
        self._listener = listener

    def add(self, event: RunEvent) -> None:
        """Append an event and tell the listener."""
        self._events.append(event)
        if self._listener is not None:
            self._listener(event)

    def since(self, index: int = 0) -> list[RunEvent]:
        """Return the events from number ``index`` on."""
        return self._events[index:]

    def __len__(self) -> int:
        return len(self._events)
