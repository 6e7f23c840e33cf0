"""What tests of failures share: reads that fail, and the lines that errors name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sglc


def line_of(function: sglc.Function, words: str) -> str:
    """The place of a line of a program, as errors write it."""
    lines, first = inspect.getsourcelines(function.func)
    number = next(i for i, line in enumerate(lines) if words in line)
    return f"{Path(function.func.__code__.co_filename).name}:{first + number}"


def fails(run: Callable[[], Any], *words: str) -> None:
    """Reading fails, and says all of ``words``."""
    with pytest.raises(sglc.RunFailed) as caught:
        run()
    for each in words:
        assert each in str(caught.value)
