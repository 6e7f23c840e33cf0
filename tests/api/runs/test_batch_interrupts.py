"""Ctrl-C, and what else ends a process, in the middle of a batch."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import weakref
from typing import Any

import pytest
from generators.stopping import batch_threads

import sglc
from sglc.backends.backend import Backend
from sglc.runs.batch import batch_of


def test_ctrl_c_in_a_row_cancels_everything_and_keeps_what_is_done(own: Backend) -> None:
    @sglc.function
    def interrupted(s: Any, n: int) -> None:
        try:
            s += str(n) + sglc.gen("a", max_tokens=1 if n < 10 else 500, ignore_eos=True)
            if n >= 9:
                s["a"]
            while n == 9 and batch.num_done < 9:
                time.sleep(0.001)
            if n == 9:
                signal.raise_signal(signal.SIGINT)
        finally:
            closed.append(n)

    closed: list[int] = []
    batch = batch_of(
        interrupted, [(n,) for n in range(1000)], {}, own, seed=0, num_threads=16,
        progress_bar=False,
    )  # fmt: skip

    with pytest.raises(
        sglc.BatchInterrupted, match=r"interrupted at .*test_batch_interrupts.py:\d+"
    ) as caught:
        [*batch.in_order()]
    assert isinstance(caught.value, KeyboardInterrupt)
    states = caught.value.states
    assert len(states) == 1000
    assert states[0] is not None
    assert len(states[0]["a"]) >= 1
    assert caught.value.num_done >= 9
    running = [state for state in states[10:] if state is not None]
    assert running
    for state in running:
        assert isinstance(state.error(), sglc.RunFailed)
    assert states[-1] is None
    assert sorted(closed) == [n for n, state in enumerate(states) if state is not None]
    assert not own.host.executor._runs
    assert not batch_threads()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_while_the_model_writes_names_the_line_that_waits(own: Backend) -> None:
    @sglc.function
    def long(s: Any, n: int, max_tokens: int = 3000) -> None:
        s += str(n) + sglc.gen("a", max_tokens=max_tokens, ignore_eos=True)
        s["a"]

    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(
            sglc.BatchInterrupted, match=r"test_batch_interrupts.py:\d+: 0 of 50 rows done"
        ):
            long.run_batch([(n,) for n in range(50)], backend=own)
    finally:
        timer.cancel()
    assert not own.host.executor._runs
    assert long.run_batch([(1, 1)], backend=own)[0].error() is None


def test_ctrl_c_is_not_lost_in_a_callback_of_the_collector(own: Backend) -> None:
    class Thing:
        """What can be referred to weakly."""

    @sglc.function
    def collected(s: Any, n: int) -> None:
        s += str(n) + sglc.gen("a", max_tokens=3000, ignore_eos=True)
        if n == 2:
            thing = Thing()
            reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
            del thing  # the exception of the callback is dropped here
            dropped.append(reference)
        s["a"]

    dropped: list[object] = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with pytest.raises(sglc.BatchInterrupted):
            collected.run_batch([(n,) for n in range(9)], backend=own)
    finally:
        sys.unraisablehook = hook
    assert len(dropped) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_ends_the_threads_beside(own: Backend) -> None:
    @sglc.function
    def slow(s: Any, n: int) -> None:
        s += str(n) + sglc.gen("a", max_tokens=1)
        s["a"]
        seen.add(threading.get_ident())
        while len(seen) < 3:
            time.sleep(0.03)
        if threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGINT)

    seen: set[int] = set()
    with pytest.raises(
        sglc.BatchInterrupted, match=r"interrupted at .*test_batch_interrupts.py:\d+"
    ) as caught:
        slow.run_batch([(n,) for n in range(300)], backend=own)
    assert len(seen) >= 3
    assert not batch_threads()
    states = [state for state in caught.value.states if state is not None]
    assert all(state.stream_done for state in states)


def test_what_ends_the_process_ends_the_batch(own: Backend) -> None:
    @sglc.function
    def leaving(s: Any, n: int) -> None:
        s += str(n) + sglc.gen("a", max_tokens=50, ignore_eos=True)
        if n == 3:
            raise SystemExit(7)
        s["a"]

    with pytest.raises(SystemExit):
        leaving.run_batch([(n,) for n in range(9)], backend=own)
    assert not own.host.executor._runs
