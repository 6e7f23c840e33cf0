"""An event loop in a thread of its own, for code that has none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Begins with the first coroutine; its thread keeps no process alive."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._open: set[Future[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a coroutine; cancelling what is returned cancels it, or keeps it from beginning."""
        begun = asyncio.run_coroutine_threadsafe(_after_a_turn(work), self._running())
        self._open.add(begun)
        begun.add_done_callback(self._open.discard)
        return begun

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine comes to."""
        return self.start(work).result()

    def cancel_all(self) -> None:
        """Cancel what runs and wait until it has ended."""
        if self._loop is not None:
            for begun in list(self._open):
                begun.cancel()
            self.run(_others_ended())

    def close(self) -> None:
        """Cancel what runs and end the thread."""
        self.cancel_all()
        if self._loop is None or self._thread is None:
            return
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="sglc-remote", daemon=True
            )
            self._thread.start()
        return self._loop


async def _after_a_turn(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine unless it is cancelled already, which a task learns after its first step."""
    try:
        await asyncio.sleep(0)
        return await work
    finally:
        work.close()  # has not begun, if it was cancelled


async def _others_ended() -> None:
    """Wait for every other task; those that others have begun are ended by these."""
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(tasks)
