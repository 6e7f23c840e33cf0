"""Settings of the whole suite and the golden texts.

One thread for every tensor library: a two-thread operation stalls when the other core is busy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from generators.scripted_http import ScriptedServer
from generators.servers import RunningServer, start_server
from hypothesis import HealthCheck, settings

# The same examples in every run; `--hypothesis-profile=explore` looks for new ones. How long they
# take is nobody's affair: machines are busy.
busy = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", busy, derandomize=True)
settings.register_profile("explore", busy, derandomize=False)
settings.load_profile("same")

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["SGLC_CACHE_DIR"] = ""  # nothing is kept between runs, unless a test says where


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write golden texts instead of comparing"
    )
    parser.addoption(
        "--num-programs", type=int, default=250, help="generated programs per test of the passes"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a file; ``--update-golden`` writes the file."""
    update = request.config.getoption("--update-golden")

    def check(path: Path, text: str) -> None:
        if update:
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} is missing: run with --update-golden and read it"
        assert text == path.read_text(encoding="utf-8")

    return check


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A running server with the embedded model and no special flags."""
    running = start_server(tmp_path_factory.mktemp("server"))
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture(scope="module")
def built_here() -> Iterator[None]:
    """Constraints are built here: where a test makes hundreds of executors, a process that each of
    them would start for its own costs more than all the rest."""
    from sglc.runtime.executor.compile_process import CompileProcess, prepare

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CompileProcess, "prepare", lambda _, type_, timeout_s=None: prepare(type_))
        yield


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server that answers from a script."""
    with ScriptedServer() as server:
        yield server
