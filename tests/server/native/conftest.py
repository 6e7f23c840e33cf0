"""The native client of the running server."""

from __future__ import annotations

import httpx2
import pytest
from generators.native_client import NativeClient


@pytest.fixture(scope="session")
def native(http: httpx2.Client) -> NativeClient:
    """A client of ``/generate``."""
    return NativeClient(http)
