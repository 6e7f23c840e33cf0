"""What runs have done predicts the next ones: it makes them earlier, and never others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from generators.backends import hash_backend

import sglc
from sglc.backends.backend import Backend
from sglc.program.functions import Function
from sglc.runs.batch import batch_of
from sglc.runs.history import MAX_CHARS, MAX_STEPS

PREFIX = "A beginning that all runs have, of more than sixty-four characters, in one line. "


@pytest.fixture
def own() -> Iterator[Backend]:
    with hash_backend() as backend:
        yield backend


@sglc.function
def _turns(s: Any, n: int) -> None:
    s += sglc.system(PREFIX)
    s += sglc.user(str(n)) + sglc.assistant_begin() + sglc.gen("a", max_tokens=3)
    s += s["a"] + sglc.gen("b", max_tokens=3)


def fresh() -> Function:
    """The function without a history."""
    return Function(_turns.func)


def counted(backend: Backend, name: str) -> int:
    return int(backend.host.executor._backend.stats()[name])


def test_the_trie_has_the_ops_of_all_runs_and_branches_where_they_differ(hashed: Backend) -> None:
    @sglc.function
    def branching(s: Any, text: str) -> None:
        s += PREFIX
        s.set_var("kind", len(text) > 1)
        if s["kind"]:
            s += "long" + sglc.gen("a", max_tokens=1)
        else:
            s += "short"

    for text in ("x", "long", "y"):
        branching.run(text, backend=hashed)
    shown = str(branching.history())
    assert shown.startswith("3 runs, ")
    assert f"3x put '{PREFIX[:37]}'…  test_history.py:" in shown
    assert "2x read kind = False" in shown
    assert "1x read kind = True" in shown
    assert "1x put 'long'" in shown
    assert branching.history().prefix() == [("put", PREFIX)]


def test_what_all_runs_begin_with_is_computed_once_ahead_of_a_batch(
    hashed: Backend, own: Backend
) -> None:
    turns = fresh()
    turns.run_batch([(n,) for n in range(3)], backend=hashed)
    assert turns.history().num_prefixes == 0
    ops = [("role.begin", "system"), ("put", PREFIX), ("role.end", "system"),
           ("role.begin", "user")]  # fmt: skip
    assert turns.history().prefix() == ops
    states = turns.run_batch([(n,) for n in range(40)], backend=own)
    assert turns.history().num_prefixes == 1
    distinct = len(PREFIX) + sum(len(s.text()) - len(PREFIX) for s in states)
    assert counted(own, "prefilled_tokens") < distinct
    expected = fresh().run_batch([(n,) for n in range(40)], backend=own)
    assert [s.text() for s in states] == [s.text() for s in expected]
    while own.host.executor._runs:
        pass


def test_a_call_that_mostly_goes_on_is_kept_for_the_next(own: Backend) -> None:
    turns = fresh()
    before = counted(own, "resumes")
    for n in range(4):
        turns.run(n, backend=own)
    assert turns.history().num_holds == 0
    states = [turns.run(n, backend=own) for n in range(6)]
    history = turns.history()
    assert history.num_holds == 6
    assert history.num_resumed == 6
    for n, state in enumerate(states):
        assert state.text() == fresh().run(n, backend=own).text()
    assert counted(own, "resumes") - before >= 6


def test_constraints_are_built_ahead_on_another_backend(hashed: Backend, own: Backend) -> None:
    @sglc.function
    def typed(s: Any) -> None:
        s += "x" + sglc.gen("a", regex="[a-c]{3,9}", stop="c")
        s["a"]
        s += sglc.gen("b", regex="[0-9]{4}")

    texts = [typed.run(backend=hashed).text() for _ in range(2)]
    assert typed.history().num_constraints == 2  # ahead of the second run here
    texts.append(typed.run(backend=own).text())
    assert typed.history().num_constraints == 4
    assert len(set(texts)) == 1


def test_wrong_predictions_change_no_result(own: Backend) -> None:
    @sglc.function
    def fickle(s: Any, n: int) -> None:
        s += PREFIX if mode[0] else "Another one. "
        s += str(n) + sglc.gen("a", max_tokens=3)
        if mode[0]:
            s += s["a"] + sglc.gen("b", regex="[ab]{2}" if n % 2 else "[cd]{2}")
        else:
            s.fork(2)[1].__iadd__(sglc.gen("other", max_tokens=2))

    mode = [True]
    fickle.run_batch([(n,) for n in range(8)], backend=own)
    mode[0] = False
    found = fickle.run_batch([(n,) for n in range(8)], backend=own)
    history = fickle.history()
    assert history.num_prefixes == 1
    assert history.num_holds > history.num_resumed
    expected = Function(fickle.func).run_batch([(n,) for n in range(8)], backend=own)
    assert [s.text() for s in found] == [s.text() for s in expected]
    for n, state in enumerate(found):
        assert (
            state.text()
            == Function(fickle.func).run_batch([(0,)] * n + [(n,)], backend=own)[n].text()
        )
    while own.host.executor._runs:
        pass
    snapshot = own.host.executor._backend.snapshot()
    assert snapshot.held_slots == 0


def test_the_trie_is_bounded(hashed: Backend) -> None:
    @sglc.function
    def wide(s: Any, n: int) -> None:
        s.set_var("n", n)
        for _ in range(50):
            s["n"]
            s += "x"

    for n in range(60):
        wide.run(n, backend=hashed)

    @sglc.function
    def long(s: Any, n: int) -> None:
        s.set_var("n", n % 8)
        s["n"]
        for _ in range(6):
            s += "x" * 60_000

    for n in range(8):
        long.run(n, backend=hashed)
    assert 900_000 < long.history().num_chars <= MAX_CHARS
    assert wide.history().num_steps == MAX_STEPS
    assert wide.history().num_runs == 60


def test_a_run_that_fails_is_not_recorded(hashed: Backend) -> None:
    @sglc.function
    def broken(s: Any) -> None:
        s += "x"
        raise ValueError("no way")

    with pytest.raises(ValueError, match="no way"):
        broken.run(backend=hashed)
    assert broken.history().num_runs == 0


def test_after_a_quick_batch_all_rows_begin_at_once(hashed: Backend) -> None:
    @sglc.function
    def unknown(s: Any, n: int) -> None:
        helper()
        s += str(n) + sglc.gen("a", max_tokens=1)
        s["a"]

    def helper() -> None:
        """Something that is not known to be quick."""

    limits = []
    for _ in range(2):
        batch = batch_of(
            unknown, [(n,) for n in range(9)], {}, hashed, seed=0, num_threads="auto",
            progress_bar=False,
        )  # fmt: skip
        limits.append(batch._hub.limit)
        assert len([*batch.in_order()]) == 9
    assert limits == [4, hashed.window]
