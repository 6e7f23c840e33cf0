from __future__ import annotations

from collections.abc import Iterator

import pytest
from generators.backends import hash_backend

from sglc.backends.backend import Backend


@pytest.fixture(scope="session")
def hashed() -> Iterator[Backend]:
    """The hash model, shared by all tests: what one of them does changes no result of another."""
    with hash_backend() as backend:
        yield backend
