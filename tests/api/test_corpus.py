"""The corpus: what a program gives is what the reference says, token for token."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from generators.backends import hash_backend
from generators.python_corpus import Case, load_corpus
from generators.python_reference import run_reference
from generators.python_seen import seen
from generators.stopping import wait_until

import sglc
from sglc.backends.backend import Backend, Seam
from sglc.errors import NotLowered

CORPUS = load_corpus()


def outcome(case: Case, run: Any, **options: Any) -> Any:
    """What is seen, or what was raised."""
    try:
        args, kwargs = deepcopy((case.args, case.kwargs))  # programs may change them
        return seen(run(*args, **{**options, **kwargs}))
    except Exception as error:
        if case.raises is None or type(error) is not case.raises:
            raise
        return type(error), str(error)


@pytest.fixture(scope="module", params=["repair", "canonical"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The hash model; programs inside of programs run on it too."""
    with hash_backend(seam=request.param) as made:
        sglc.set_default_backend(made)
        yield made
        sglc.set_default_backend(None)


def expected(case: Case, seam: Seam, **options: Any) -> Any:
    return outcome(
        case, lambda *a, **k: run_reference(case.function, *a, seam=seam, **k), **options
    )


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("name", CORPUS)
def test_a_program_gives_what_the_reference_says(
    name: str, temperature: float, backend: Backend
) -> None:
    case = CORPUS[name]
    options = {"temperature": temperature, "seed": 11}
    assert outcome(case, case.function.run, **options) == expected(case, backend.seam, **options)


def test_a_program_that_is_no_graph_says_why_and_where(backend: Backend) -> None:
    graphs, reasons = 0, list[str]()
    for case in CORPUS.values():
        args, kwargs = deepcopy((case.args, case.kwargs))
        try:
            with suppress(*filter(None, [case.raises])):
                case.function.run(*args, backend=backend, level="lowered", **kwargs)
            graphs += 1
        except NotLowered as error:
            reasons.append(str(error))
    assert graphs >= 30
    for reason in reasons:
        assert re.match(r"\w+ cannot be lowered: .*\.py:\d+:\d+: \S+", reason)


# Of a program that is awaited a loop runs already, and Python allows no other inside of it.
IN_A_LOOP = ("calls.waits",)
# Programs that rows at once cannot run: all of them would change the same variable.
ALONE = ("syntax.global_and_nonlocal",)


def row_of(case: Case) -> tuple[Any, dict[str, Any]]:
    """The arguments of a case as a row, and what is left of them as options of the batch."""
    args, kwargs = deepcopy((case.args, case.kwargs))
    if not kwargs:
        return args, {}
    names = list(case.function.signature.parameters)[1:]
    row = dict(zip(names, args, strict=False))
    options = {name: kwargs.pop(name) for name in list(kwargs) if name not in names}
    return {**row, **kwargs}, options


@pytest.mark.parametrize("name", [n for n in CORPUS if n not in ALONE and "stars" not in n])
def test_a_row_of_a_batch_gives_what_the_reference_says(name: str, backend: Backend) -> None:
    case = CORPUS[name]
    rows = [row_of(case) for _ in range(3)]
    states = case.function.run_batch([row for row, _ in rows], seed=5, **rows[0][1])
    for instance, state in enumerate(states):
        wanted = expected(case, backend.seam, seed=5, instance=instance)
        if case.raises is not None:
            error = state.error()
            assert (type(error), str(error)) == wanted
        else:
            assert seen(state) == wanted


@pytest.mark.parametrize("name", CORPUS)
def test_a_streamed_program_gives_what_the_reference_says(name: str, backend: Backend) -> None:
    case = CORPUS[name]
    texts: list[str] = []

    def run(*args: Any, **kwargs: Any) -> sglc.ProgramState:
        state = case.function.run(*args, stream=True, **kwargs)
        with suppress(sglc.RunFailed):
            texts.extend(state.text_iter())
        wait_until(lambda: state._staging.is_ended)  # text that is lost ends before the program
        return state

    wanted = expected(case, backend.seam, seed=2)
    assert outcome(case, run, seed=2) == wanted
    if case.raises is None and not wanted.text.startswith("lost: "):
        assert "".join(texts) == wanted.text


@pytest.mark.parametrize("name", [n for n in CORPUS if n not in IN_A_LOOP])
def test_an_awaited_program_gives_what_the_reference_says(name: str, backend: Backend) -> None:
    case = CORPUS[name]

    def run(*args: Any, **kwargs: Any) -> sglc.ProgramState:
        async def awaited() -> sglc.ProgramState:
            return await case.function.arun(*args, **kwargs)

        return asyncio.run(awaited())

    wanted = expected(case, backend.seam, seed=4)
    assert outcome(case, run, seed=4) == wanted


def test_the_corpus_is_large() -> None:
    assert len({case.function for case in CORPUS.values()}) >= 70
