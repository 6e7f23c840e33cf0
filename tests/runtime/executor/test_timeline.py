"""The trace file: valid by the Trace Event Format, and what was recorded."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from generators.timed_runs import record

from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.timeline import trace_data

PROGRAM = """prompt one() -> str:
    "1{a = gen()}"
    return a
prompt main():
    "{one()}{one()}"
    "x{b = gen()}"
"""
Event = Mapping[str, Any]


def check_format(data: Mapping[str, Any]) -> None:
    """What the format asks of slices, counters and metadata; slices of a thread nest."""
    threads: dict[tuple[int, int], list[Event]] = defaultdict(list)
    named: set[tuple[str, int, int]] = set()
    for event in data["traceEvents"]:
        assert isinstance(event["pid"], int)
        if event["ph"] == "X":
            assert event["dur"] >= 0 <= event["ts"]
            assert event["name"]
            threads[event["pid"], event["tid"]].append(event)
        elif event["ph"] == "C":
            assert event["ts"] >= 0
            assert event["args"]
            assert all(isinstance(n, int) and n >= 0 for n in event["args"].values())
        else:
            assert event["ph"] == "M"
            named.add((event["name"], event["pid"], event.get("tid", 0)))
    for (process, thread), events in threads.items():
        assert {("process_name", process, 0), ("thread_name", process, thread)} <= named
        around: list[float] = []
        for event in sorted(events, key=lambda e: (e["ts"], -e["dur"])):
            end = round(event["ts"] + event["dur"], 3)
            while around and around[-1] <= event["ts"]:
                around.pop()
            assert all(end <= outer for outer in around)
            around.append(end)


def test_calls_are_slices_with_their_phases_inside() -> None:
    data = trace_data(record(PROGRAM, max_running=1, a=2, b=1).recorder, {"program": "a.sgl"})
    data = json.loads(json.dumps(data))
    check_format(data)
    assert data["otherData"] == {"program": "a.sgl"}
    slices = [
        (e["tid"], e["name"], e["ts"], e["dur"])
        for e in data["traceEvents"]
        if e["ph"] == "X" and e["pid"] == 1
    ]
    assert slices == [
        (1, "gen a", 0.0, 0.02),
        (1, "prefill", 0.0, 0.01),
        (1, "decode", 0.01, 0.01),
        (2, "gen a", 0.0, 0.04),
        (2, "queue", 0.0, 0.02),
        (2, "prefill", 0.02, 0.01),
        (2, "decode", 0.03, 0.01),
        (1, "gen b", 0.04, 0.01),
        (1, "prefill", 0.04, 0.01),
    ]
    calls = [e["args"] for e in data["traceEvents"] if e.get("cat") == "gen"]
    assert [(c["loc"], c["critical"], c["decoded_tokens"]) for c in calls] == [
        ("a.sgl:2:12", False, 2),
        ("a.sgl:2:12", True, 2),
        ("a.sgl:6:12", True, 1),
    ]


def test_steps_are_slices_and_counters() -> None:
    data = trace_data(record(PROGRAM, a=2, b=1).recorder, {})
    steps = [(e["ts"], e["dur"]) for e in data["traceEvents"] if e["name"] == "step"]
    assert steps == [(0.0, 0.01), (0.01, 0.01), (0.02, 0.01)]
    batch = [(e["ts"], e["args"]) for e in data["traceEvents"] if e["name"] == "batch"]
    assert batch == [
        (0.0, {"prefill": 2, "decode": 0}),
        (0.01, {"prefill": 0, "decode": 2}),
        (0.02, {"prefill": 0, "decode": 0}),
        (0.02, {"prefill": 1, "decode": 0}),
        (0.03, {"prefill": 0, "decode": 0}),
    ]


def test_a_recorder_without_a_timeline_has_no_trace() -> None:
    with pytest.raises(ValueError, match="timeline=True"):
        trace_data(Recorder(), {})
