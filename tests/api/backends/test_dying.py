"""Backends that die, or are shut down, under what runs: the line is named, no run hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from generators.backends import hash_backend
from generators.failing import fails, line_of

import sglc
from sglc.backends.backend import Backend

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_thread_is_left")]


@sglc.function
def talk(s: Any, reads: list[str]) -> None:
    s += "x" + sglc.gen("first", max_tokens=2)
    reads.append(s["first"])
    s += "!" + sglc.gen("second", max_tokens=4000, ignore_eos=True)
    s += "?" + sglc.gen("third", max_tokens=2)


def dying(num_steps: int, *, in_cancel: bool = False) -> tuple[Backend, Callable[[], None]]:
    """A backend, and a function behind which it dies in one of its next steps."""
    backend = hash_backend()
    scheduler: Any = backend.host.executor._backend
    step = scheduler.step
    left: list[int] = []

    def counted() -> Any:
        if left:
            left[0] -= 1
            if left[0] <= 0:
                raise OSError("the device is gone")
        return step()

    def cancel(stream: int) -> Any:
        raise OSError("the device cannot even cancel")

    scheduler.step = counted
    if in_cancel:
        scheduler.cancel = cancel
    return backend, lambda: left.append(num_steps)


@pytest.mark.parametrize("in_cancel", [False, True])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_backend_that_dies_keeps_what_there_was_and_names_the_call(in_cancel: bool) -> None:
    backend, kill = dying(20, in_cancel=in_cancel)
    reads: list[str] = []
    state = talk.run(reads, backend=backend)
    state["first"]
    kill()
    fails(lambda: state["second"], "`second` is not there", line_of(talk, "second"), "device is go")
    fails(lambda: state["third"], line_of(talk, "third"), "the engine has died")
    fails(state.text, "the text is not there")
    assert state["first"] == reads[0]
    assert state.text(partial=True) == "x" + reads[0] + "!"
    assert isinstance(state.error(), sglc.RunFailed)
    with pytest.raises(RuntimeError, match="the engine has died: OSError"):
        talk.run([], backend=backend)
    backend.shutdown()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_backend_that_dies_under_many_runs_hangs_none() -> None:
    backend, kill = dying(5)
    states: list[sglc.ProgramState] = []
    threads = [
        threading.Thread(target=lambda: states.append(talk.run([], backend=backend)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kill()
    for state in states:
        fails(lambda state=state: state["third"], "the engine has died")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_backend_that_dies_under_a_stream_ends_its_text() -> None:
    backend, kill = dying(30)
    state = talk.run([], backend=backend, stream=True)
    pieces: list[str] = []

    def follow() -> None:
        for piece in state.text_iter():
            if not pieces:
                kill()
            pieces.append(piece)

    fails(follow, "the engine has died")
    assert "".join(pieces).startswith("x")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_backend_that_dies_under_a_batch_ends_every_row() -> None:
    backend, kill = dying(10)

    @sglc.function
    def row(s: Any, number: int) -> None:
        s += f"{number}" + sglc.gen("first", max_tokens=2)
        s["first"]
        if number == 5:
            kill()
        s += sglc.gen("second", max_tokens=2000, ignore_eos=True)

    states = row.run_batch([{"number": i} for i in range(8)], backend=backend)
    for state in states:
        fails(lambda state=state: state["second"], line_of(row, "second"), "the engine has died")
        assert state.text(partial=True).endswith(state["first"])


def test_an_engine_that_is_shut_down_ends_what_runs() -> None:
    backend = hash_backend()
    state = talk.run([], backend=backend)
    beside = threading.Timer(0.05, backend.shutdown)
    beside.start()
    fails(lambda: state["second"], line_of(talk, "second"), "closed")
    beside.join()
    assert state.text(partial=True) == "x" + state["first"] + "!"
