"""The background host: nothing that comes while it works is missed."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from typing import Any

import pytest

from sglc.runtime.background import BackgroundHost
from sglc.runtime.engine.scripted import ScriptedBackend
from sglc.runtime.executor.executor import Executor
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

pytestmark = pytest.mark.timeout(30)


class _Watched(Executor):
    """Calls ``meanwhile`` once, in a step, before the step forgets who has woken it."""

    def __init__(self, wake: threading.Event) -> None:
        tokenizer = ByteTokenizer()
        encoder = PromptEncoder(tokenizer, CHATML)
        super().__init__(ScriptedBackend({}, tokenizer), encoder, wake=wake)
        self.meanwhile: Any = None

    def step(self) -> bool:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().step()


def _host() -> tuple[BackgroundHost, _Watched]:
    host = BackgroundHost(_Watched)
    assert isinstance(host.executor, _Watched)
    return host, host.executor


def test_a_close_in_the_middle_of_a_step_is_seen() -> None:
    host, executor = _host()

    def close() -> None:
        threading.Thread(target=host.close).start()
        while host.is_alive:
            pass

    executor.meanwhile = close
    host.call(lambda: None)
    host._thread.join(20)
    assert not host._thread.is_alive()


def test_work_that_is_staged_in_the_middle_of_a_step_is_cut_off() -> None:
    class Work:
        since_s = 0.0
        done = threading.Event()

        def cut(self) -> None:
            self.done.set()

    host, executor = _host()
    executor.meanwhile = lambda: host.stage(Work())
    host.call(lambda: None)
    assert Work.done.wait(20)
    host.close()


def test_the_exit_of_the_process_waits_for_a_step_whose_host_was_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C may end the waiting of ``close``; a thread that computes is not to be cut off."""
    forgotten: list[Any] = []
    monkeypatch.setattr(atexit, "unregister", forgotten.append)
    host, executor = _host()
    in_step: list[Any] = []

    def leave() -> None:
        host.end_soon()
        in_step.extend(forgotten)

    executor.meanwhile = leave
    host.call(lambda: None)
    host._thread.join(20)
    assert in_step == []
    assert forgotten == [host._close_at_exit]
    monkeypatch.undo()
    atexit.unregister(host._close_at_exit)


def test_ctrl_c_does_not_cut_off_a_step_at_the_exit_of_the_process() -> None:
    host, executor = _host()
    in_step, may_end = threading.Event(), threading.Event()

    def compute() -> None:
        in_step.set()
        may_end.wait(20)

    def press() -> None:
        while signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
        may_end.set()

    executor.meanwhile = compute
    host.call(lambda: None)
    assert in_step.wait(20)
    beside = threading.Thread(target=press)
    beside.start()
    host._close_at_exit()
    assert may_end.is_set()
    assert not host._thread.is_alive()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    beside.join()
