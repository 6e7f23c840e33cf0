"""Many rows at once: order, errors, threads, what is computed once, interrupts."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from typing import Any

import pytest
from generators.stopping import batch_threads

import sglc
from sglc.backends.backend import Backend
from sglc.runs.batch import batch_of
from sglc.runs.blocking import may_block

PREFIX = "This beginning is the same for all of the rows, and long enough to matter. "


@sglc.function
def twice(s: Any, n: int, suffix: str = "!") -> None:
    s += PREFIX + str(n) + ":" + sglc.gen("a", max_tokens=3)
    s += s["a"] + suffix + sglc.gen("b", max_tokens=3)


def texts(states: list[sglc.ProgramState]) -> list[str]:
    return [state.text() for state in states]


def test_rows_are_dicts_or_tuples_and_states_come_in_their_order(hashed: Backend) -> None:
    states = twice.run_batch([{"n": 1}, (2,), (3, "?"), {"n": 4, "suffix": "."}], backend=hashed)
    found = texts(states)
    begins = [PREFIX + f"{n}:" for n in (1, 2, 3, 4)]
    assert all(map(str.startswith, found, begins))
    for state, begin, suffix in zip(states, begins, ("!", "!", "?", "."), strict=True):
        assert state.text() == begin + 2 * state["a"] + suffix + state["b"]
    assert all(state.error() is None for state in states)


def test_a_batch_without_rows_is_empty() -> None:
    assert twice.run_batch([]) == []
    assert list(twice.run_batch([], generator_style=True)) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"m": 1}, "row 1: twice has no parameter `m`"),
        ((1, "", 3), "row 1: twice: too many positional arguments"),
        ("text", "row 1: expected a dict or a tuple"),
        ({"n": 1, "backend": None}, "row 1: backend is for the whole batch"),
        ({"n": 1, "temperature": "hot"}, "row 1: temperature must be a number"),
    ],
)
def test_a_row_that_does_not_fit_is_named_before_anything_runs(row: Any, message: str) -> None:
    with sglc.mock() as backend:
        with pytest.raises(TypeError, match=message):
            twice.run_batch([{"n": 0}, row], backend=backend)
        assert not backend.fragments.num_built


def test_what_a_row_draws_depends_on_its_number_and_not_on_the_others(hashed: Backend) -> None:
    rows = [(7,)] * 5
    all_at_once = texts(twice.run_batch(rows, backend=hashed, seed=3))
    one_by_one = texts(twice.run_batch(rows, backend=hashed, seed=3, num_threads=1))
    as_they_end = texts([*twice.run_batch(rows, backend=hashed, seed=3, generator_style=True)])
    assert all_at_once == one_by_one == as_they_end
    assert len(set(all_at_once)) > 1
    assert texts(twice.run_batch(rows[:2], backend=hashed, seed=3)) == all_at_once[:2]
    assert texts(twice.run_batch(rows, backend=hashed, seed=4)) != all_at_once


def test_a_row_that_raises_holds_up_no_other(hashed: Backend) -> None:
    @sglc.function
    def odd(s: Any, n: int) -> None:
        s += str(n) + sglc.gen("a", max_tokens=2)
        if n % 2:
            raise ValueError(f"{n} is odd")
        s += s["a"]

    states = odd.run_batch([(n,) for n in range(6)], backend=hashed)
    assert [str(state.error()) for state in states[1::2]] == [f"{n} is odd" for n in (1, 3, 5)]
    assert [state.error() for state in states[::2]] == [None] * 3
    with pytest.raises(ValueError, match="1 is odd"):
        states[1]["never"]


def test_a_thousand_rows_take_one_thread_and_their_beginning_is_computed_once(own: Backend) -> None:
    @sglc.function
    def short(s: Any, n: int) -> None:
        s += PREFIX + str(n) + sglc.gen("a", max_tokens=1)
        seen.add(threading.get_ident())
        counts.append(threading.active_count())
        s["a"]

    seen: set[int] = set()
    counts: list[int] = []
    before = threading.active_count()
    assert len(short.run_batch([(n,) for n in range(1000)], backend=own)) == 1000
    assert seen == {threading.get_ident()}
    assert max(counts) <= before + 1
    shown = own.host.executor._backend.stats()
    assert shown["prefilled_tokens"] < len(PREFIX) + 1000 * len("999x")


def test_python_that_blocks_goes_on_in_threads_beside(hashed: Backend) -> None:
    @sglc.function
    def slow(s: Any, n: int) -> None:
        s += str(n) + sglc.gen("a", max_tokens=2)
        s["a"]
        inside.append(n)
        together.append(len(inside))
        time.sleep(0.05)
        inside.remove(n)

    inside: list[int] = []
    together: list[int] = []
    assert may_block(slow.func)
    batch = batch_of(
        slow, [(n,) for n in range(24)], {}, hashed, seed=0, num_threads="auto", progress_bar=False
    )
    assert len([*batch.in_order()]) == 24
    assert batch.num_threads > 1
    assert max(together) > 1
    assert not batch_threads()
    assert not may_block(twice.func)


def test_python_that_computes_takes_no_further_threads(hashed: Backend) -> None:
    @sglc.function
    def busy(s: Any, n: int) -> None:
        until = time.thread_time() + 0.03
        while time.thread_time() < until:
            pass
        s += str(n) + sglc.gen("a", max_tokens=1)

    def num_threads() -> int:
        rows = [(n,) for n in range(8)]
        batch = batch_of(busy, rows, {}, hashed, seed=0, num_threads="auto", progress_bar=False)
        assert len([*batch.in_order()]) == 8
        return batch.num_threads

    # where the machine gives this thread no time it looks as if it slept: not three times over
    assert 1 in (num_threads() for _ in range(3))


def test_num_threads_bounds_the_rows_that_are_open(hashed: Backend) -> None:
    @sglc.function
    def counted(s: Any, n: int) -> None:
        is_open.add(n)
        most.append(len(is_open))
        s += str(n) + sglc.gen("a", max_tokens=2)
        s["a"]
        is_open.remove(n)

    is_open: set[int] = set()
    most: list[int] = []
    counted.run_batch([(n,) for n in range(9)], backend=hashed, num_threads=3)
    assert max(most) == 3
    for wrong in (0, "many", 1.5):
        with pytest.raises(ValueError, match="num_threads must be"):
            counted.run_batch([(1,)], backend=hashed, num_threads=wrong)


def test_a_row_may_run_other_programs_and_batches(hashed: Backend) -> None:
    @sglc.function
    def outer(s: Any, n: int) -> None:
        inner = twice.run(n, backend=hashed)
        s += inner["b"] + " " + sglc.gen("a", max_tokens=1)
        rows = twice.run_batch([(n,), (n + 1,)], backend=hashed)
        s += "".join(row["b"] for row in rows)

    states = outer.run_batch([(n,) for n in range(6)], backend=hashed)
    for n, state in enumerate(states):
        assert state.error() is None
        assert state.text().startswith(twice.run(n, backend=hashed)["b"] + " ")


def test_in_generator_style_a_state_comes_as_soon_as_it_is_done(own: Backend) -> None:
    @sglc.function
    def lines(s: Any, n: int) -> None:
        s += str(n) + sglc.gen("a", max_tokens=40 if n else 1, ignore_eos=True)

    rows = lines.run_batch([(n,) for n in range(20)], backend=own, generator_style=True)
    first = next(rows)
    assert first.text().startswith("0")
    assert own.host.executor._runs  # the others still run
    rows.close()  # type: ignore[attr-defined]
    assert not own.host.executor._runs  # and have been cancelled


def test_a_row_whose_own_task_is_cancelled_is_a_row_that_fails(hashed: Backend) -> None:
    @sglc.function
    def cancelled(s: Any, n: int) -> None:
        s += str(n)
        if n == 1:
            raise asyncio.CancelledError

    states = cancelled.run_batch([(n,) for n in range(3)], backend=hashed)
    assert [state.error() is None for state in states] == [True, False, True]


def test_a_batch_is_read_where_it_was_begun(hashed: Backend) -> None:
    def read() -> None:
        try:
            next(rows)
        except sglc.StateError as error:
            errors.append(str(error))

    errors: list[str] = []
    rows = twice.run_batch([(n,) for n in range(3)], backend=hashed, generator_style=True)
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert errors == ["a batch is read from two threads: read it where it was begun"]


def test_an_engine_that_is_shut_down_ends_the_batch(own: Backend) -> None:
    @sglc.function
    def ending(s: Any, n: int) -> None:
        s += str(n) + sglc.gen("a", max_tokens=30, ignore_eos=True)
        if n == 5:
            own.shutdown()
        s["a"]

    states = ending.run_batch([(n,) for n in range(200)], backend=own)
    assert len(states) == 200
    assert all(isinstance(state.error(), sglc.RunFailed) for state in states)
    assert "shut down" in str(states[-1].error())
    with pytest.raises(RuntimeError, match="shut down"):
        ending.run_batch([(1,)], backend=own)


def test_a_state_is_appended_by_one_thread_only(hashed: Backend) -> None:
    @sglc.function
    def shared(s: Any) -> None:
        s += "x"
        forks = s.fork(2)

        def work(state: Any) -> None:
            try:
                state += "y" + sglc.gen("a", max_tokens=1)
            except sglc.StateError as error:
                errors.append(str(error))

        for state in (s, *forks):
            thread = threading.Thread(target=work, args=(state,))
            thread.start()
            thread.join()
        found.extend(f["a"] for f in forks)

    errors: list[str] = []
    found: list[str] = []
    state = shared.run_batch([()], backend=hashed)[0]
    assert state.error() is None
    assert len(errors) == 1
    assert "two threads" in errors[0]
    assert len(found) == 2


def test_the_progress_bar_counts_on_stderr(
    hashed: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    twice.run_batch([(n,) for n in range(3)], backend=hashed, progress_bar=True)
    shown = capsys.readouterr()
    assert not shown.out
    assert "3/3" in shown.err


def test_without_tqdm_the_rows_are_counted(
    hashed: Backend, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    twice.run_batch([(n,) for n in range(3)], backend=hashed, progress_bar=True)
    shown = capsys.readouterr().err
    assert shown.startswith("\r0/3 rows")
    assert shown.endswith("\r3/3 rows\n")


def test_the_progress_bar_counts_no_rows_that_were_stopped(
    own: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    @sglc.function
    def uneven(s: Any, n: int) -> None:
        length = 3000 if n else 1
        s += str(n) + sglc.gen("a", max_tokens=length, ignore_eos=True)

    states = uneven.run_batch(
        [(n,) for n in range(20)], backend=own, progress_bar=True, generator_style=True
    )
    assert next(states)["a"]
    states.close()  # type: ignore[attr-defined]  # it is a generator
    assert " 1/20" in capsys.readouterr().err.rpartition("\r")[2]


def test_garbage_is_looked_for_less_often_while_rows_run(hashed: Backend) -> None:
    @sglc.function
    def looking(s: Any, n: int) -> None:
        found.append(gc.get_threshold())
        s += str(n) + sglc.gen("a", max_tokens=1)

    found: list[tuple[int, int, int]] = []
    before = gc.get_threshold()
    states = looking.run_batch([(n,) for n in range(3)], backend=hashed, generator_style=True)
    next(states)
    looking.run_batch([(n,) for n in range(3)], backend=hashed)
    states.close()
    assert {each[0] for each in found} == {50_000}
    assert gc.get_threshold() == before
    try:
        gc.set_threshold(80_000, 5, 5)
        looking.run_batch([(1,)], backend=hashed)
        assert found[-1] == (80_000, 5, 5)
    finally:
        gc.set_threshold(*before)
