"""Work that yields: what is asked of the engine by it comes after all that others ask."""

from __future__ import annotations

from contextvars import ContextVar

IN_BACKGROUND = ContextVar("IN_BACKGROUND", default=False)
"""Whether the task that runs now, and those that it begins, are such work."""

BACKGROUND_PRIORITY = -1
