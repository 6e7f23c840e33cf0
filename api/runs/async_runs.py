"""``await f.arun(…)``: programs under asyncio, one or many, without a thread for any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from sglc.program.state import ProgramState
from sglc.runs.batch import Row
from sglc.runs.collecting import rare_collections
from sglc.runs.staging import Staging
from sglc.runs.tasks import TaskProgram, until
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from sglc.backends.backend import Backend
    from sglc.program.functions import Function
    from sglc.runs.progress import Progress


class AsyncRun:
    """One run; ``state`` is there from the beginning.

    Raises:
        RuntimeError: the engine is shut down.
    """

    def __init__(
        self, function: Function, row: Row, backend: Backend, *, seed: int, instance: int = 0,
        deltas: bool = False,
    ) -> None:  # fmt: skip
        self._function = function
        self._call, options = row
        self._program = TaskProgram(self._run)
        staging = Staging(
            backend,
            options,
            self._program,
            seed=seed,
            instance=instance,
            deltas=deltas,
            history=function.runs,
        )
        if staging.fault is not None:
            raise staging.fault
        self._over = Cell()
        staging.on_end = lambda: self._over.settle(None)
        self.state = ProgramState(staging)

    def _run(self) -> None:
        self._function.run_in(self.state, self._call, pause=self._program.pause)

    async def finish(self) -> ProgramState:
        """Run the program to its end, and return its state once all of it is done.

        A task that is cancelled cancels the run.

        Raises:
            Exception: what the program raises.
        """
        await self._program
        try:
            await until(self._over)
        except asyncio.CancelledError:
            self.state.cancel()
            raise
        return self.state

    def begin(self) -> ProgramState:
        """Let the program run as a task; what it raises is raised where the state is read."""
        self.state.task = asyncio.create_task(self._finish_quietly())
        return self.state

    async def _finish_quietly(self) -> None:
        with suppress(Exception):
            await self.finish()


async def run_rows(
    function: Function, rows: Sequence[Row], backend: Backend, *, seed: int, window: int,
    progress: Progress | None,
) -> list[ProgramState]:  # fmt: skip
    """Run a function once for each row, ``window`` of them at once; states in their order."""
    states: list[ProgramState | None] = [None] * len(rows)
    numbers = iter(range(len(rows)))
    done = 0

    async def work() -> None:
        nonlocal done
        for number in numbers:
            run = AsyncRun(function, rows[number], backend, seed=seed, instance=number)
            states[number] = run.state
            with suppress(Exception):  # it is raised where the state is read
                await run.finish()
            done += 1
            if progress is not None:
                progress.show(done)

    try:
        with rare_collections():
            async with asyncio.TaskGroup() as group:
                for _ in range(min(window, len(rows))):
                    group.create_task(work())
    finally:
        if progress is not None:
            progress.close(done)
    return [state for state in states if state is not None]
