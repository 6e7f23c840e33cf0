"""Random programs in Python say the same when a recording answers them."""

from __future__ import annotations

import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from generators.backends import hash_backend
from generators.python_programs import ARGUMENTS, made, programs
from generators.python_seen import Seen, seen
from hypothesis import given, note, settings

import sglc
from sglc.backends.backend import Backend, Seam
from sglc.program.functions import Function


def outcomes(program: Function, backend: Backend) -> list[Seen | str]:
    """What one run and two rows of a batch come to."""
    rows = [deepcopy(ARGUMENTS) for _ in range(2)]
    found: list[Seen | str] = []
    try:
        found.append(seen(program.run(**deepcopy(ARGUMENTS), backend=backend, seed=3)))
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
    for state in program.run_batch(rows, backend=backend, seed=3):
        error: Any = state.error()
        found.append(seen(state) if error is None else f"{type(error).__name__}: {error}")
    return found


@pytest.mark.parametrize("seam", ["repair", "canonical"])
def test_random_programs_say_the_same_on_their_recordings(seam: Seam) -> None:
    with hash_backend(seam=seam) as backend, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sglrec"

        @settings(max_examples=40, deadline=None)
        @given(programs())
        def check(source: str) -> None:
            note(source)
            program = made(source)
            with sglc.record(path, backend):
                expected = outcomes(program, backend)
            with sglc.replay(path) as replayed:
                assert outcomes(program, replayed) == expected
                assert replayed.seam == seam
                if not any(isinstance(each, str) for each in expected):
                    assert replayed.missing == []

        check()
