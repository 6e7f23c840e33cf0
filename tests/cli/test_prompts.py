"""Programs of several prompts: one is run, and passes drop what it does not need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

TWO = """\
prompt first() -> str:
    return "1"
prompt second() -> str:
    return "2"
"""


def test_the_prompt_that_is_named_runs(
    sglc: Callable[..., Any], program: Callable[[str], Path]
) -> None:
    for name, value in (("first", "1\n"), ("second", "2\n")):
        assert sglc("run", program(TWO), "--prompt", name).out == value
