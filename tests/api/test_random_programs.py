"""Random programs in Python: what they give is what the reference says, token for token."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from generators.backends import hash_backend
from generators.python_programs import ARGUMENTS, any_programs, made, plain_programs
from generators.python_reference import run_reference
from generators.python_seen import Seen, seen
from hypothesis import given, note, settings

from sglc.backends.backend import Seam
from sglc.errors import NotLowered
from sglc.program.functions import Function


def outcome(run: Any, **options: Any) -> Seen | str:
    try:
        return seen(run(**deepcopy(ARGUMENTS), **options))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def reference(program: Function, seam: Seam, instance: int) -> Seen | str:
    return outcome(
        lambda **kwargs: run_reference(program, seam=seam, instance=instance, **kwargs), seed=3
    )


@pytest.mark.parametrize("seam", ["repair", "canonical"])
def test_random_programs_give_what_the_reference_says(seam: Seam) -> None:
    with hash_backend(seam=seam) as backend:

        @settings(max_examples=100, deadline=None)
        @given(any_programs())
        def check(source: str) -> None:
            note(source)
            program = made(source)
            wanted = reference(program, seam, 0)
            assert outcome(program.run, backend=backend, seed=3) == wanted
            for instance, state in enumerate(
                program.run_batch([deepcopy(ARGUMENTS) for _ in range(2)], backend=backend, seed=3)
            ):
                wanted = reference(program, seam, instance)
                if isinstance(wanted, str):
                    error = state.error()
                    assert f"{type(error).__name__}: {error}" == wanted
                else:
                    assert seen(state) == wanted

        check()


@pytest.mark.parametrize("seam", ["repair", "canonical"])
def test_random_programs_that_are_graphs_give_what_the_reference_says(seam: Seam) -> None:
    with hash_backend(seam=seam) as backend:
        lowered: list[str] = []

        @settings(max_examples=100, deadline=None)
        @given(plain_programs())
        def check(source: str) -> None:
            note(source)
            program = made(source)
            try:
                found = seen(
                    program.run(**deepcopy(ARGUMENTS), backend=backend, seed=3, level="lowered")
                )
            except NotLowered:
                return
            lowered.append(source)
            assert found == reference(program, seam, 0)

        check()
        assert len(lowered) >= 30
