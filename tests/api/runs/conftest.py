from __future__ import annotations

from collections.abc import Iterator

import pytest
from generators.backends import hash_backend
from generators.stopping import batch_threads

from sglc.backends.backend import Backend


@pytest.fixture
def own() -> Iterator[Backend]:
    """A backend of the test's own: of few streams at once, so that a batch takes a while."""
    with hash_backend(max_running=4) as backend:
        yield backend
    assert not batch_threads()
