"""Runs the command in this process: exit code, standard output, standard error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sglc.cli.main import main


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def sglc(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def run(*words: object) -> Done:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "internal error" not in err
        return Done(code, out, err)

    return run


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Write a program and return its path."""

    def write(text: str, name: str = "program.sgl") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write
