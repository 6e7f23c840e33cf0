"""A recorded timeline in the Trace Event Format, which Perfetto and chrome://tracing read.

A run is a process with a slice of its own; in it a lane for calls that do not overlap is a thread:
a call is a slice, its phases are slices inside, arrows lead along the critical path. Process 0 is
the engine: its steps, and as counters the streams of the batch, those that wait, and the KV slots.
Times are microseconds from the first run's start.

Beside the events, ``sglc`` holds what the format has no form for: the streams of the runs and the
tree of their prompts (``said.py``, ``prefixes.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from sglc.runtime.executor.prefixes import prefix_data
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.records import CallRecord, RunRecord, StepRecord
from sglc.runtime.executor.said import in_order, said_data

VERSION: Final = 1  # of the part called ``sglc`` and of what ``args`` hold
_ENGINE: Final = 0


def trace_data(recorder: Recorder, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trace of the runs that have ended; ``about`` says what was run.

    Raises:
        ValueError: the recorder keeps no timeline.
    """
    if not recorder.keeps_timeline:
        raise ValueError("the recorder keeps no timeline: make it with timeline=True")
    runs = [run for run in recorder.runs if run.end_ns >= 0]
    origin_ns = min((run.start_ns for run in runs), default=0)
    events = [*_named("engine", _ENGINE, sort=0), _thread("steps", _ENGINE, 1)]
    for step in recorder.steps:
        events += _step_events(step, origin_ns)
    for run in runs:
        events += _run_events(run, origin_ns)
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": dict(about),
        "sglc": {"version": VERSION, "said": said_data(runs), "prefixes": prefix_data(runs)},
    }


def _step_events(step: StepRecord, origin_ns: int) -> Iterator[dict[str, Any]]:
    yield _slice("step", "step", _ENGINE, 1, step.begin_ns, step.end_ns, origin_ns)
    batch = {"prefill": step.num_prefilling, "decode": step.num_decoding}
    slots = {"held": step.held_slots, "cached": step.cached_slots, "free": step.free_slots}
    # The batch is that of the step; what waits, and the slots, are as the step left them.
    yield _counter("batch", step.begin_ns, origin_ns, batch)
    if not step.num_running:
        yield _counter("batch", step.end_ns, origin_ns, dict.fromkeys(batch, 0))
    yield _counter("waiting", step.end_ns, origin_ns, {"streams": step.num_waiting})
    yield _counter("KV slots", step.end_ns, origin_ns, slots)


def _run_events(run: RunRecord, origin_ns: int) -> Iterator[dict[str, Any]]:
    process = run.number + 1
    name = f"run {run.instance}"
    yield from _named(name, process, sort=process)
    yield _thread("run", process, 0)
    whole = _slice(name, "run", process, 0, run.start_ns, run.end_ns, origin_ns)
    yield whole | {"args": {"instance": run.instance}}
    critical = [] if run.longest is None else run.longest.calls()
    thread_of: dict[CallRecord, int] = {}
    lanes: list[int] = []  # where the last call of each ends
    for number, call in enumerate(in_order(run)):
        lane = next((i for i, end in enumerate(lanes) if end <= call.start_ns), len(lanes))
        if lane == len(lanes):
            lanes.append(0)
            yield _thread(f"calls {lane + 1}", process, lane + 1)
        lanes[lane] = call.end_ns
        thread_of[call] = lane + 1
        args = _args(call) | {"call": number, "critical": call in critical}
        yield from _call_events(call, process, lane + 1, origin_ns, args)
    for before, after in pairwise(critical):
        yield from _arrow(before, after, process, thread_of, origin_ns)


def _args(call: CallRecord) -> dict[str, Any]:
    stats = call.stats
    args: dict[str, Any] = {
        "loc": None if call.loc is None else str(call.loc),
        "path": call.path,
    }
    if call.is_wasted:
        args["wasted"] = True
    if call.op == "tool":
        return args
    return args | {
        "joined": call.has_joined,
        "prompt_tokens": stats.prompt_tokens,
        "cached_tokens": stats.cached_tokens,
        "prefilled_tokens": stats.prefilled_tokens,
        "scored_tokens": stats.scored_tokens,
        "decoded_tokens": stats.decoded_tokens,
        "forced_tokens": stats.forced_tokens,
    }


def _call_events(
    call: CallRecord, process: int, thread: int, origin_ns: int, args: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    name = f"{call.op} {call.name}".strip()
    begin_ns, end_ns = call.start_ns, call.end_ns
    slice_ = _slice(name, call.op, process, thread, begin_ns, end_ns, origin_ns)
    yield slice_ | {"args": dict(args)}
    for phase, begin_ns, end_ns in call.segments:
        yield _slice(phase, "phase", process, thread, begin_ns, end_ns, origin_ns)


def _arrow(
    before: CallRecord,
    after: CallRecord,
    process: int,
    thread_of: Mapping[CallRecord, int],
    origin_ns: int,
) -> Iterator[dict[str, Any]]:
    """A flow from the last moment of one call to the first of the next."""
    number = f"{process}/{thread_of[after]}/{after.start_ns - origin_ns}"
    at = {"name": "critical path", "cat": "critical", "id": number, "pid": process}
    last_ns = max(before.start_ns, before.end_ns - 1)
    yield at | {"ph": "s", "tid": thread_of[before], "ts": (last_ns - origin_ns) / 1000}
    first = (after.start_ns - origin_ns) / 1000
    yield at | {"ph": "f", "bp": "e", "tid": thread_of[after], "ts": first}


def _slice(
    name: str, category: str, process: int, thread: int, begin_ns: int, end_ns: int, origin_ns: int
) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": name,
        "cat": category,
        "pid": process,
        "tid": thread,
        "ts": (begin_ns - origin_ns) / 1000,
        "dur": (end_ns - begin_ns) / 1000,
    }


def _counter(name: str, at_ns: int, origin_ns: int, values: Mapping[str, int]) -> dict[str, Any]:
    at = (at_ns - origin_ns) / 1000
    return {"ph": "C", "name": name, "pid": _ENGINE, "ts": at, "args": dict(values)}


def _named(name: str, process: int, sort: int) -> Iterator[dict[str, Any]]:
    yield {"ph": "M", "name": "process_name", "pid": process, "args": {"name": name}}
    order = {"sort_index": sort}
    yield {"ph": "M", "name": "process_sort_index", "pid": process, "args": order}


def _thread(name: str, process: int, thread: int) -> dict[str, Any]:
    args = {"name": name}
    return {"ph": "M", "name": "thread_name", "pid": process, "tid": thread, "args": args}
