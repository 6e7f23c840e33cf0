"""The corpus of Python programs, as graphs where they can be: what they give is the same."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from generators.backends import hash_backend
from generators.python_corpus import Case, load_corpus
from generators.python_programs import ARGUMENTS, made, programs
from generators.python_reference import run_reference
from generators.python_seen import seen
from hypothesis import given, note, settings

import sglc
from sglc.backends.backend import Backend
from sglc.errors import NotLowered
from sglc.lowered.lowering import Ready
from sglc.program.gen_options import RUN_DEFAULTS

CORPUS = {
    name: case
    for name, case in load_corpus().items()
    if not inspect.iscoroutinefunction(case.function.func)
}


@pytest.fixture(scope="module", params=["repair", "canonical"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with hash_backend(seam=request.param) as made:
        sglc.set_default_backend(made)
        yield made
        sglc.set_default_backend(None)


def outcome(case: Case, run: Any, **options: Any) -> Any:
    """What is seen, or what was raised."""
    try:
        args, kwargs = deepcopy((case.args, case.kwargs))
        return seen(run(*args, **{**options, **kwargs}))
    except Exception as error:
        if case.raises is None or type(error) is not case.raises:
            raise
        return type(error), str(error)


@pytest.mark.parametrize("name", CORPUS)
def test_a_program_gives_as_a_graph_what_the_reference_says(name: str, backend: Backend) -> None:
    case = CORPUS[name]
    options = {"temperature": 1.0, "seed": 11}
    wanted = outcome(
        case,
        lambda *a, **k: run_reference(case.function, *a, seam=backend.seam, **k),
        **options,
    )
    found: Any = None
    with suppress(NotLowered):
        found = outcome(case, case.function.run, level="lowered", **options)
    assert found in (None, wanted)


@pytest.mark.parametrize(
    "name",
    [
        "syntax.loops_over_values",
        "names.names_of_others",
        "forking.asks_some",
        "syntax.nothing_before_the_loop",
    ],
)
def test_what_only_reads_states_is_lowered(name: str) -> None:
    assert isinstance(found_for(CORPUS[name]), Ready)


def test_a_good_part_of_the_corpus_is_lowered() -> None:
    names = [name for name, case in CORPUS.items() if isinstance(found_for(case), Ready)]
    assert len(names) >= 24, names


def found_for(case: Case) -> Any:
    """The graph of a case, or why there is none."""
    call = case.function.arranged(case.args, dict(case.kwargs))[0]
    call.apply_defaults()
    options = {**RUN_DEFAULTS}
    return case.function.lowerings.find(case.function, call.arguments, options, "canonical")


def test_other_random_programs_give_what_the_reference_says(backend: Backend) -> None:
    lowered = 0

    @settings(max_examples=60, deadline=None)
    @given(programs())
    def check(source: str) -> None:
        nonlocal lowered
        note(source)
        program = made(source)

        def run(run: Any, **options: Any) -> Any:
            try:
                return seen(run(**deepcopy(ARGUMENTS), **options))
            except NotLowered:
                return None
            except Exception as error:
                return f"{type(error).__name__}: {error}"

        found = run(program.run, backend=backend, seed=3, level="lowered")
        if found is not None:
            lowered += 1
            assert found == run(
                lambda **given: run_reference(program, seam=backend.seam, **given), seed=3
            )

    check()
    assert lowered
