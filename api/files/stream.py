"""The events of a run, as they happen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc.files.plan_run import PlanRun
    from sglc.files.results import ProgramResult
    from sglc.runs.mailbox import Mailbox
    from sglc.runtime.executor.events import RunEvent


class ProgramStream:
    """An iterator over the events of a run, for one reader; ``result()`` waits for its end.

    Deltas are text as it is written, by the name of the capture. Used as a context manager it
    cancels a run that is left early.
    """

    def __init__(
        self,
        run: PlanRun,
        box: Mailbox[RunEvent | None],
        finish: Callable[[PlanRun], ProgramResult],
    ) -> None:
        self._run = run
        self._box = box
        self._finish = finish
        self._is_read = False

    def __iter__(self) -> Iterator[RunEvent]:
        while not self._is_read:
            event = self._box.get()
            if event is None:
                self._is_read = True
                return
            yield event

    async def __aiter__(self) -> AsyncIterator[RunEvent]:
        while not self._is_read:
            event = await self._box.aget()
            if event is None:
                self._is_read = True
                return
            yield event

    def text(self, name: str | None = None) -> Iterator[str]:
        """Yield what the model writes, of all its calls or of the capture ``name``."""
        for event in self:
            if event.t == "delta" and name in (None, event.name):
                yield str(event.value)

    def result(self) -> ProgramResult:
        """Wait for the end of the run and return what came of it."""
        return self._finish(self._run)

    def cancel(self) -> None:
        """Stop the run; its result has what there was of it."""
        self._run.cancel()

    def __enter__(self) -> ProgramStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()
