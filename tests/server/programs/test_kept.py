"""What is kept of a run that is over: what it said, and nothing of what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
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


def ended(rows: list[Mapping[str, Any]], *, is_batch: bool) -> ProgramRun:
    """A run over ``rows`` that is complete."""
    program = SimpleNamespace(
        id="prog_1",
        built=SimpleNamespace(plan=b"", is_checked_aside=False),
        bind=lambda prompt, row, place: row,
    )
    engine = SimpleNamespace(
        load_plan=lambda *given: None, run_plan=lambda *given, **more: FakeJob()
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
    run = ProgramRun("", cast(Any, program), options, RunEvents(1 << 20), 1 << 20)
    asyncio.run(run.drive(cast(Any, engine), cast(Any, {})))
    return run


def test_arguments_are_let_go_of() -> None:
    for is_batch in (False, True):
        run = ended([{"x": "a" * 1000}], is_batch=is_batch)
        assert run.status == "completed"
        assert not run.options.rows
        assert not run.captures
        assert TEXT in str(run.to_data())


def test_results_count_beside_the_events_that_told_them() -> None:
    one = ended([{}], is_batch=False)
    assert one.num_bytes >= one.events.num_bytes + 2 * len(TEXT)  # its value and its capture
    many = ended([{}] * 5, is_batch=True)
    assert many.num_bytes >= many.events.num_bytes + 5 * 2 * len(TEXT)
