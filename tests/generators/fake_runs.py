"""Runs of programs without an engine: jobs that tell a capture and a result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

from sglc.runtime.executor.limits import Limits
from sglc.server.engine.messages import Finished, Happened, JobReply
from sglc.server.programs.events import RunEvents
from sglc.server.programs.run import ProgramRun, RunOptions

TEXT = "b" * 1000


class FakeJob:
    """A job that tells a capture and a result."""

    async def __aenter__(self) -> FakeJob:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[JobReply]:
        yield Happened(1, ({"t": "value", "name": "x", "value": TEXT},))
        yield Finished(1, {"value": TEXT, "captures": {"x": TEXT}})


class FakeEngine:
    """Begins jobs; raises ``errors`` first. ``asked`` are the instances it was given."""

    def __init__(self, errors: Sequence[Exception] = ()) -> None:
        self._errors = list(errors)
        self.asked: list[int] = []

    def load_plan(self, digest: str, plan: bytes) -> None:
        """Take a plan."""

    def run_plan(self, *given: Any, instance: int, **more: Any) -> FakeJob:
        """Begin a job."""
        self.asked.append(instance)
        if self._errors:
            raise self._errors.pop(0)
        return FakeJob()


def ended_run(
    rows: Sequence[Mapping[str, Any]], *, is_batch: bool, engine: FakeEngine | None = None
) -> ProgramRun:
    """A run over ``rows`` that is complete."""
    program = SimpleNamespace(
        id="prog_1",
        built=SimpleNamespace(plan=b"", is_checked_aside=False),
        bind=lambda prompt, row, place: row,
    )
    options = RunOptions(
        prompt="f",
        rows=rows,
        is_batch=is_batch,
        seed=0,
        limits=Limits(),
        deltas=True,
        trace=False,
        model="m",
    )

    async def main() -> ProgramRun:
        run = ProgramRun("", cast(Any, program), options, RunEvents(1 << 20), 1 << 20)
        await run.drive(cast(Any, engine or FakeEngine()), cast(Any, {}))
        return run

    return asyncio.run(main())
