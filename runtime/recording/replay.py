"""Runs of a recording once more, answered by it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sglc.compiler.plan.plan import Plan
from sglc.compiler.plan.serial import plan_from_data
from sglc.runtime.core.backend import Backend
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.host import Host
from sglc.runtime.recording.encoders import encoder_of
from sglc.runtime.recording.pictures import stable_ids
from sglc.runtime.recording.recording import RecordedRun, Recording, RecordingError
from sglc.runtime.recording.replay_backend import ReplayBackend, replay_backend
from sglc.runtime.recording.tools import ReplayTape, tools_of
from sglc.runtime.recording.writer import RecordingWriter

WINDOW = 256
RunTools = Literal["none", "missing", "all"]


@dataclass(frozen=True, slots=True)
class Replay:
    """A host whose model and tools are a recording; ``tape`` is None if all tools are run."""

    host: Host
    backend: ReplayBackend
    tape: ReplayTape | None


def open_replay(
    recording: Recording,
    search_path: Sequence[str | os.PathLike[str]] = (),
    *,
    load: Callable[[], Backend] | None = None,
    run_tools: RunTools = "none",
    writer: RecordingWriter | None = None,
) -> Replay:
    """Return a host of programs whose calls are in a recording.

    ``load`` gives the backend for those that are not; a ``writer`` gets the recording of what runs
    here. ``search_path`` is where tools are imported from, if they are to run.

    Raises:
        RecordingError: the recording lacks its tokenizer.
    """
    encoder = encoder_of(recording)
    backend = replay_backend(recording, load, stable_ids(encoder.tokenizer))
    tape = None
    if run_tools != "all":
        tape = ReplayTape(recording.tools, makes_missing=run_tools == "missing")
    executor = Executor(
        backend,
        encoder,
        tools=tools_of(search_path, run=run_tools != "none"),
        tape=tape,
    )
    host = Host(executor, encoder, WINDOW)
    if writer is not None:
        host.record(writer)
    return Replay(host, backend, tape)


def recorded_plan(recording: Recording) -> Plan:
    """Return the plan that the runs of a recording are of.

    Raises:
        RecordingError: there is none, or more than one.
    """
    if len(recording.plans) != 1:
        if recording.plans:
            reason = "holds several programs"
        elif "program" in recording.about:
            reason = "was cut off before its program was written"
        else:
            reason = "was made in Python, where `sglc.replay` is a backend that answers from it"
        raise RecordingError(f"{recording.path}: {reason}")
    (data,) = recording.plans.values()
    try:
        return plan_from_data(data)
    except ValueError as error:
        raise RecordingError(f"{recording.path}: its plan cannot be read: {error}") from None


def replay_runs(
    host: Host, plan: Plan, runs: Iterable[RecordedRun]
) -> Iterator[tuple[RecordedRun, Result]]:
    """Run what was recorded, many at once; yield each as it is done.

    Raises:
        ArgumentError: recorded arguments do not fit the parameters of the plan.
        ToolError: a tool is to run, and cannot be bound.
    """
    executor, waiting = host.executor, iter(runs)
    in_flight: list[tuple[RecordedRun, Run]] = []
    is_over = False
    while in_flight or not is_over:
        while len(in_flight) < WINDOW and not is_over:
            recorded = next(waiting, None)
            if recorded is None:
                is_over = True
                break
            run = host.submit(
                plan, recorded.arguments or {}, seed=recorded.seed, instance=recorded.row
            )
            in_flight.append((recorded, run))
        if not in_flight:
            break
        executor.step()
        executor.wait()
        done = [each for each in in_flight if each[1].done]
        in_flight = [each for each in in_flight if not each[1].done]
        for recorded, run in done:
            yield recorded, host.result(run)
