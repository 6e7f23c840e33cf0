"""The runs that an executor has: how they begin, how long they may take, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sglc.runtime.executor.errors import Code, RunError
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.limits import Limits, out_of_time
from sglc.runtime.executor.open_run import OpenRun
from sglc.runtime.executor.part import Part
from sglc.runtime.executor.results import last_version, make_result

if TYPE_CHECKING:
    from sglc.runtime.executor.frame import Frame
    from sglc.runtime.executor.models import ModelCalls
    from sglc.runtime.executor.recorder import Recorder
    from sglc.runtime.executor.run import Run
    from sglc.runtime.executor.toolcalls import ToolCalls


class Runs:
    """The runs that have begun and not ended. What ends here lets go of its calls and tools."""

    def __init__(
        self,
        models: ModelCalls,
        tools: ToolCalls,
        recorder: Recorder | None,
        clock: Callable[[], float],
    ) -> None:
        self._models = models
        self._tools = tools
        self._recorder = recorder
        self._clock = clock
        self._frames: dict[Run, Frame] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._frames)

    def deadline_s(self, limits: Limits) -> float | None:
        """Return when a run with these limits has to end that begins now; None for never."""
        limit_s = limits.wall_time_s
        return None if limit_s is None else self._clock() + limit_s

    @property
    def patience_s(self) -> float | None:
        """The time after which a run has to end, if there is one."""
        limits = [run.deadline_s for run in self._frames if run.deadline_s is not None]
        return min(limits) - self._clock() if limits else None

    def begin(self, run: Run, namespace: str) -> None:
        """Nothing of a run has happened yet."""
        run.namespace = namespace
        self._models.begin(run)
        if self._recorder is not None:
            self._recorder.begin_run(run, run.instance)

    def add(self, run: Run, frame: Frame) -> None:
        """A run has begun, with a frame that stands for it."""
        self._frames[run] = frame

    def check_time(self) -> None:
        """End the runs whose time is over."""
        timed = [run for run in self._frames if run.deadline_s is not None]
        now = self._clock() if timed else 0.0
        for run in timed:
            limit_s = run.limits.wall_time_s
            if limit_s is not None and run.deadline_s is not None and run.deadline_s <= now:
                self.end(run, "limit", out_of_time(limit_s))

    def end_stuck(self) -> None:
        """End the runs that wait for nothing from outside: nothing of them could go on."""
        for run in [run for run in self._frames if not run.awaits_host]:
            self.end(run, "internal", "nothing is left that could go on: the plan is broken")

    def end(self, run: Run, code: Code, message: str) -> None:
        """Stop a run."""
        self._models.cancel(run)
        self._tools.cancel(run)
        self.finish(run, RunError(code, message))

    def lose(self, part: Part) -> None:
        """Stop a part of a run, which comes to nothing."""
        self._models.cancel(part)
        self._models.release(part)
        self._tools.cancel(part)
        if self._recorder is not None:
            for each in part.family():
                if isinstance(each, Part) and not each.is_committed:
                    self._recorder.waste(each.records or ())
        part.write_off()

    def finish(self, run: Run, error: RunError | None) -> None:
        """Everything of a run has ended: give it its result."""
        frame = self._frames[run]
        error = error or run.scope.first()
        for part in [*run.undecided()]:
            self.lose(part)
        self._models.release(run)
        if self._recorder is not None:
            self._recorder.end_run(run, last_version(run, error))
        self._conclude(run, frame, error)

    def close(self, code: Code, message: str) -> None:
        """Stop every run, though the backend may not be able to any more."""
        for run, frame in list(self._frames.items()):
            try:
                self.end(run, code, message)
            except Exception:  # a backend that has died may not be able to cancel either
                self._conclude(run, frame, RunError(code, message))

    def _conclude(self, run: Run, frame: Frame, error: RunError | None) -> None:
        self._frames.pop(run, None)
        result = run.end_open(error) if isinstance(run, OpenRun) else make_result(run, frame, error)
        for each in run.family():
            each.outcome = result
        if result.error is not None:
            run.log.add(RunEvent("error", value=result.error))
        run.log.add(RunEvent("done", value=result.value))
