"""A plugin of pytest: tests of prompt programs that need a model once, and then its recording.

    def test_capital(sglc_recording):
        assert capital.run(country="France")["answer"] == "Paris"

`pytest --sglc-record` runs such tests on a model, and writes what it says to ``recordings`` beside
the file of the test. Without the option they run on what was written: no model is loaded. The model
is that of ``--sglc-model``, or what a fixture ``sglc_model`` of the tests gives.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from sglc.backends.backend import Backend, default_backend, set_default_backend

FOLDER: Final = "recordings"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("sglc", "prompt programs")
    group.addoption(
        "--sglc-record", action="store_true", help="ask a model, and record what it says"
    )
    group.addoption(
        "--sglc-model", default="embedded", metavar="MODEL",
        help="the model that is asked: a folder, a hub id, or `embedded` (the default)",
    )  # fmt: skip


@pytest.fixture(scope="session")
def sglc_model(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The model that is recorded; tests may have a fixture of this name that gives another."""
    from sglc.backends.engine import Engine

    with Engine(request.config.getoption("--sglc-model")) as engine:
        yield engine


@pytest.fixture
def sglc_recording(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The backend of this test, which is also the default one: a recording, or what is recorded."""
    from sglc.recording import record, replay
    from sglc.runtime.recording.recording import RecordingError

    path = recording_path(request.node)
    if request.config.getoption("--sglc-record"):
        model: Backend = request.getfixturevalue("sglc_model")
        path.parent.mkdir(parents=True, exist_ok=True)
        with record(path, model) as backend, _default(backend):
            yield backend
        return
    again = f"to record it: pytest --sglc-record {request.node.nodeid!r}"
    try:
        replayed, problem = replay(path), ""
    except RecordingError as error:
        replayed, problem = None, str(error)
    if replayed is None:  # out here, so that no traceback of how it was found goes with it
        pytest.fail(f"{problem}\n{again}", pytrace=False)
    with replayed, _default(replayed):
        yield replayed
        missing = replayed.missing
    if missing:
        pytest.fail(f"{path}: {missing[0]}\n{again}", pytrace=False)


def recording_path(node: pytest.Item) -> Path:
    """Return the file of a test."""
    name = f"{node.path.stem}.{node.nodeid.partition('::')[2]}"
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-")
    if plain != name.replace("::", "-"):  # a parameter with other characters
        plain += "-" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return node.path.parent / FOLDER / f"{plain}.sglrec"


@contextmanager
def _default(backend: Backend) -> Iterator[None]:
    """Let a backend be the default one within a block."""
    before = default_backend()
    set_default_backend(backend)
    try:
        yield
    finally:
        set_default_backend(before)
