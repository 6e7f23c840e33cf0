"""A recorded timeline in the Trace Event Format, which Perfetto and chrome://tracing read.

A run is a process, in it a lane for calls that do not overlap is a thread: a call is a slice, its
phases are slices inside. Process 0 is the engine: its steps, and as counters the streams of the
batch, those that wait, and the KV slots. Times are microseconds from the first run's start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.records import CallRecord, RunRecord, StepRecord

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
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": dict(about)}


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
    yield from _named(f"run {run.instance}", process, sort=process)
    critical = set() if run.longest is None else set(run.longest.calls())
    lanes: list[int] = []  # where the last call of each ends
    for call in sorted(run.calls, key=lambda call: call.start_ns):
        lane = next((i for i, end in enumerate(lanes) if end <= call.start_ns), len(lanes))
        if lane == len(lanes):
            lanes.append(0)
            yield _thread(f"calls {lane + 1}", process, lane + 1)
        lanes[lane] = call.end_ns
        yield from _call_events(call, process, lane + 1, origin_ns, call in critical)


def _call_events(
    call: CallRecord, process: int, thread: int, origin_ns: int, is_critical: bool
) -> Iterator[dict[str, Any]]:
    stats = call.stats
    args: dict[str, Any] = {
        "loc": None if call.loc is None else str(call.loc),
        "path": call.path,
        "critical": is_critical,
    }
    if call.op != "tool":
        args |= {
            "prompt_tokens": stats.prompt_tokens,
            "cached_tokens": stats.cached_tokens,
            "prefilled_tokens": stats.prefilled_tokens,
            "scored_tokens": stats.scored_tokens,
            "decoded_tokens": stats.decoded_tokens,
            "forced_tokens": stats.forced_tokens,
        }
    name = f"{call.op} {call.name}".strip()
    begin_ns, end_ns = call.start_ns, call.end_ns
    yield _slice(name, call.op, process, thread, begin_ns, end_ns, origin_ns) | {"args": args}
    for phase, begin_ns, end_ns in call.segments:
        yield _slice(phase, "phase", process, thread, begin_ns, end_ns, origin_ns)


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
