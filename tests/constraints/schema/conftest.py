"""The official test suite, and the validator that verdicts are compared with.

Neither is part of this project: the suite ships in the source distribution of ``jsonschema``.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

_RELEASE = "jsonschema==4.23.0"


def _missing(reason: str) -> NoReturn:
    """Skip, but fail where everything is meant to be at hand."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def suite(pytestconfig: pytest.Config) -> Path:
    """The folder of the suite, with ``tests`` and ``remotes`` in it.

    Taken from ``SGLC_JSON_SCHEMA_SUITE``, else downloaded once into the cache of pytest.
    """
    named = os.environ.get("SGLC_JSON_SCHEMA_SUITE")
    if named:
        assert (Path(named) / "tests").is_dir(), f"SGLC_JSON_SCHEMA_SUITE={named}: no tests in it"
        return Path(named)
    cache = pytestconfig.cache
    if cache is None:
        _missing("pytest has no cache: set SGLC_JSON_SCHEMA_SUITE")
    folder = cache.mkdir("json-schema-suite")
    if not any(folder.glob("*/json/tests")):
        command = [sys.executable, "-m", "pip", "download", "--no-binary", "jsonschema"]
        command += ["--no-deps", "-q", "-d", str(folder), _RELEASE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        archives = sorted(folder.glob("*.tar.gz"))
        if not archives:
            _missing(f"the suite is not at hand: {done.stderr.strip()[-200:]}")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(folder, filter="data")
    return next(folder.glob("*/json/tests")).parent


@pytest.fixture(scope="session")
def documents(suite: Path) -> dict[str, Any]:
    """The documents that schemas of the suite refer to, by URI."""
    found: dict[str, Any] = {}
    for path in sorted((suite / "remotes").rglob("*.json")):
        uri = f"http://localhost:1234/{path.relative_to(suite / 'remotes').as_posix()}"
        found[uri] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def validators() -> dict[str, Any]:
    """The validators of the library ``jsonschema``, by draft."""
    library = needed("jsonschema")
    return {"2020-12": library.Draft202012Validator, "7": library.Draft7Validator}


@pytest.fixture(scope="session")
def metaschemas() -> dict[str, Any]:
    """The metaschemas and their vocabularies, by URI."""
    registry = needed("jsonschema_specifications").REGISTRY
    return {uri: registry.contents(uri) for uri in registry}


def needed(module: str) -> Any:
    """A module of the extra ``dev``."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        _missing(f"{error.name} is not installed: pip install -e '.[dev]'")
