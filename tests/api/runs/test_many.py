"""Much at once: long runs, wide forks, many threads, engines that go; and nothing left behind."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from generators.backends import hash_backend
from generators.python_reference import run_reference
from generators.python_seen import seen
from generators.stopping import wait_until

import sglc
from sglc.backends.backend import Backend
from sglc.runtime.executor.open_run import Cell

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def own() -> Iterator[Backend]:
    """A backend of which a test may count things."""
    with hash_backend() as backend:
        yield backend


@sglc.function
def appends(s: Any, count: int) -> None:
    for _ in range(count):
        s += "x"


@sglc.function
def answers(s: Any, name: str = "v", count: int = 2) -> None:
    for number in range(count):
        s += f"{name}{number}:" + sglc.gen(f"{name}{number}", max_tokens=2)


def test_a_long_run_is_few_plans_whatever_its_length(own: Backend) -> None:
    assert appends.run(10_000, backend=own).text() == "x" * 10_000
    built = own.fragments.num_built
    assert built <= 4
    for count in (20_000, 9_000):
        assert appends.run(count, backend=own).text() == "x" * count
    assert own.fragments.num_built - built <= 4  # of their ends


def test_a_thousand_forks(own: Backend) -> None:
    @sglc.function
    def wide(s: Any) -> list[str]:
        s += "root"
        forks = s.fork(1000)
        for number, fork in enumerate(forks):
            fork += f" {number}"
        forks[999] += sglc.gen("last", max_tokens=2)
        forks.join("concate_and_append")
        return [fork.text() for fork in forks] + [forks[999]["last"]]

    state = wide.run(backend=own)
    assert state.ret_value[:999] == [f"root {number}" for number in range(999)]
    assert state.text() == "root" + "".join(map(" {}".format, range(1000))) + state.ret_value[-1]


def test_forks_as_deep_as_one_likes(own: Backend) -> None:
    @sglc.function
    def deep(s: Any) -> str:
        child = s
        for _ in range(2000):
            child += "d"
            child = child.fork(1)[0]
        child += sglc.gen("v", max_tokens=1)
        return str(child.text())

    assert deep.run(backend=own).ret_value.startswith("d" * 2000)


def test_runs_of_fifty_threads_give_what_the_reference_says(hashed: Backend) -> None:
    def work(number: int) -> None:
        for turn in range(3):
            name = f"n{number}.{turn}"
            found = seen(answers.run(name, backend=hashed, seed=number))
            if found != seen(run_reference(answers, name, seed=number)):
                wrong.append(name)

    wrong: list[str] = []
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(work, range(50)))
    assert wrong == []


def test_patterns_that_threads_ask_for_at_once_are_not_mixed_up(own: Backend) -> None:
    @sglc.function
    def matched(s: Any, digit: int) -> str:
        s += "x" + sglc.gen("v", regex=f"{digit}{{3}}")
        return str(s["v"])

    def work(number: int) -> bool:
        return bool(matched.run(number % 10, backend=own).ret_value == str(number % 10) * 3)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(20) as pool:
            assert all(pool.map(work, range(200)))
    finally:
        sys.setswitchinterval(interval)


def test_states_and_cells_of_finished_runs_are_freed(own: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        forks = s.fork(2)
        forks += "x" + sglc.gen("v", max_tokens=2)
        forks.join()
        kept.extend(map(weakref.ref, (s, s._staging, *forks)))

    kept: list[Any] = []
    for _ in range(3):
        program.run(backend=own).sync()
    wait_until(lambda: not own.host.executor._runs)
    answers.run(backend=own).sync()  # the engine looks at something else
    gc.collect()
    assert [ref() for ref in kept] == [None] * len(kept)


def test_no_cells_are_left_behind(own: Backend) -> None:
    def count() -> int:
        wait_until(lambda: not own.host.executor._runs)
        gc.collect()
        return sum(type(each) is Cell for each in gc.get_objects())

    answers.run(backend=own).sync()
    before = count()
    for _ in range(20):
        answers.run(backend=own).sync()
    assert count() <= before


def test_programs_are_watched_by_a_tracer(hashed: Backend) -> None:
    lines: set[int] = set()

    def trace(frame: Any, event: str, arg: object) -> Any:
        if frame.f_code is answers.func.__code__:
            lines.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        found = seen(answers.run(backend=hashed))
    finally:
        sys.settrace(before)
    assert found == seen(run_reference(answers))
    assert len(lines) >= 2


def test_a_call_is_submitted_though_nobody_reads_yet(own: Backend) -> None:
    @sglc.function
    def program(s: Any) -> bool:
        s += "x" + sglc.gen("v", max_tokens=2)
        cell = s.variables["v"].cell
        wait_until(lambda: cell.done)
        return True

    for _ in range(50):  # whatever the engine is doing when it is told
        assert program.run(backend=own).ret_value


@pytest.mark.parametrize("delay_s", [0.0, 0.0005, 0.002, 0.01])
def test_an_engine_that_goes_at_any_moment_leaves_nobody_waiting(delay_s: float) -> None:
    backend = hash_backend()
    is_over = threading.Event()
    lost: list[str] = []

    def work() -> None:
        while not is_over.is_set():
            try:
                answers.run(backend=backend)["v1"]
            except (sglc.RunFailed, RuntimeError) as error:
                lost.append(str(error))
                return

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(delay_s)
    backend.shutdown()
    for thread in threads:
        thread.join(20)
    is_over.set()
    assert not any(thread.is_alive() for thread in threads)
    assert len(lost) == 4
    assert all("shut down" in each or "closed" in each for each in lost)


def test_runs_inside_of_runs(hashed: Backend) -> None:
    @sglc.function
    def nested(s: Any, depth: int) -> int:
        s += f"{depth}" + sglc.gen("v", max_tokens=2)
        if depth == 0:
            return 0
        inner = nested.run(depth - 1, backend=hashed, seed=depth)
        s += inner.text()
        return 1 + int(inner.ret_value)

    state = nested.run(30, backend=hashed)
    assert state.ret_value == 30
    assert seen(state) == seen(run_reference(nested, 30))


def test_an_engine_may_be_closed_before_a_step_that_finds_nothing() -> None:
    backend = sglc.mock()
    step = backend.host.executor.step
    closer = threading.Thread(target=backend.shutdown)

    def late_step() -> bool:
        if not closer.ident:
            closer.start()
            wait_until(lambda: not backend.host.is_alive)
        return step()  # forgets that somebody has woken it

    backend.host.executor.step = late_step  # type: ignore[method-assign]
    backend.host.call(lambda: None)
    wait_until(lambda: closer.ident is not None)
    closer.join(10)
    assert not closer.is_alive()


@pytest.mark.parametrize("make", [hash_backend, sglc.Engine])
def test_a_backend_that_nobody_has_ends_its_thread(make: Any) -> None:
    @sglc.function
    def one(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=4, ignore_eos=True)

    backend = make()
    text = one.run(backend=backend)["a"]
    thread = backend.host._thread
    del backend
    gc.collect()
    wait_until(lambda: not thread.is_alive())
    assert text
