"""A server that answers from a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from generators.scripted_http import ScriptedServer


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server that answers from a script."""
    with ScriptedServer() as server:
        yield server
