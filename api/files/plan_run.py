"""One run of a compiled program on a backend, seen from outside of the engine's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sglc.errors import StateError
from sglc.runs.waiting import current_waiter
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from sglc.backends.backend import Backend
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.executor.events import RunEvent
    from sglc.runtime.executor.run import Result, Run
    from sglc.runtime.executor.tools import ToolRegistry


class PlanRun:
    """Begins at once. ``listen`` is told of every event, in the thread of the engine.

    ``arguments`` are known to be of their types.
    ``deltas``: text is told of as it is written, not only when a value is complete.

    Raises:
        StateError: the backend is shut down.
    """

    def __init__(
        self,
        backend: Backend,
        plan: Plan,
        arguments: Mapping[str, Any],
        *,
        tools: ToolRegistry,
        seed: int = 0,
        instance: int = 0,
        listen: Callable[[RunEvent], None] | None = None,
        deltas: bool = False,
    ) -> None:
        self._backend = backend
        self.over = Cell()
        """Done once there is a result, or the reason why there is none."""
        self._fault: BaseException | None = None
        self._run: Run | None = None
        self._listen = listen

        def begin() -> None:
            if not backend.host.is_alive:
                self._lose(StateError(f"the backend {backend.name} was shut down"))
                return
            try:
                self._run = backend.host.executor.submit(
                    plan, arguments, seed=seed, instance=instance, on_event=self._take,
                    deltas=deltas, tools=tools, are_checked=True,
                )  # fmt: skip
            except Exception as error:  # it is raised where the result is asked for
                self._lose(error)

        try:
            backend.host.call(begin)
        except RuntimeError as error:
            raise StateError(f"the backend {backend.name} is gone: {error}") from None

    def _take(self, event: RunEvent) -> None:
        if self._listen is not None:
            self._listen(event)
        if event.t == "done":
            assert self._run is not None
            self.over.settle(self._run.result())

    def _lose(self, error: BaseException) -> None:
        self._fault = error
        self.over.settle(None)

    def result(self) -> Result:
        """Wait for the outcome; an interrupt cancels the run.

        Raises:
            ToolError: a tool of the program cannot be bound.
            StateError: the backend was shut down before the run began.
        """
        if not self.over.done:
            try:
                current_waiter().wait(self.over)
            except BaseException:
                self.cancel()
                raise
        if self._fault is not None:
            raise self._fault
        result: Result = self.over.value
        return result

    def cancel(self) -> None:
        """Stop the run; what is done of it is its result."""

        def act() -> None:
            if self._run is not None:
                self._backend.host.executor.cancel(self._run)

        if not self.over.done:
            with suppress(RuntimeError):  # the engine is gone, and with it every run
                self._backend.host.call(act)
