"""A tool that takes its time."""

from __future__ import annotations

import time


def look(query: str) -> str:
    """Return what is known about ``query``, after a fifth of a second."""
    time.sleep(0.2)
    return f"Nothing is known about {query.strip()}, but much about its neighbours."
