from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from generators.backends import hash_backend
from generators.stopping import wait_until

from sglc.backends.backend import Backend


@pytest.fixture(scope="session")
def hashed() -> Iterator[Backend]:
    """The hash model, shared by all tests: what one of them does changes no result of another."""
    with hash_backend() as backend:
        yield backend


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """Every thread that a test has begun is gone behind it."""
    before = set(threading.enumerate())
    yield
    wait_until(lambda: set(threading.enumerate()) <= before)
