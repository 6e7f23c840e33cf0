"""The trace file: valid by the Trace Event Format, and what was recorded."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from generators.timed_runs import record

from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.said import said_data
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
    """What the format asks of slices, counters, arrows and metadata; slices of a thread nest."""
    assert isinstance(data["otherData"], dict)
    threads: dict[tuple[int, int], list[Event]] = defaultdict(list)
    named: set[tuple[str, int, int]] = set()
    arrows: dict[str, list[Event]] = defaultdict(list)
    for event in data["traceEvents"]:
        fields = {key: type(value) for key, value in event.items()}
        assert fields["pid"] is int
        if event["ph"] == "M":
            known = {"process_name": str, "thread_name": str, "process_sort_index": int}
            (value,) = event["args"].values()
            assert type(value) is known[event["name"]]
            named.add((event["name"], event["pid"], event.get("tid", 0)))
            continue
        assert fields["ts"] is float
        assert event["ts"] >= 0
        assert event["name"]
        if event["ph"] == "C":
            assert event["args"]
            assert all(type(n) is int and n >= 0 for n in event["args"].values())
            continue
        assert fields["tid"] is int
        assert event["cat"]
        if event["ph"] == "X":
            assert fields["dur"] is float
            assert event["dur"] >= 0
            threads[event["pid"], event["tid"]].append(event)
        else:
            assert event["ph"] in ("s", "f")
            assert fields["id"] is str
            arrows[event["id"]].append(event)
    for (process, thread), events in threads.items():
        assert {("process_name", process, 0), ("thread_name", process, thread)} <= named
        around: list[float] = []
        for event in sorted(events, key=lambda e: (e["ts"], -e["dur"])):
            end = round(event["ts"] + event["dur"], 3)
            while around and around[-1] <= event["ts"]:
                around.pop()
            assert all(end <= outer for outer in around)
            around.append(end)
    for start, end in arrows.values():
        assert (start["ph"], end["ph"], end["bp"]) == ("s", "f", "e")
        assert (start["name"], start["cat"]) == (end["name"], end["cat"])
        assert start["ts"] <= end["ts"]
        for event in (start, end):  # an arrow needs a slice to hold on to
            slices = threads[event["pid"], event["tid"]]
            assert any(s["ts"] <= event["ts"] <= round(s["ts"] + s["dur"], 3) for s in slices)


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
        (0, "run 0", 0.0, 0.05),
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


def test_arrows_follow_the_critical_path() -> None:
    data = trace_data(record(PROGRAM, max_running=1, a=2, b=1).recorder, {})
    arrows = [(e["ph"], e["tid"], e["ts"]) for e in data["traceEvents"] if e["ph"] in "sf"]
    assert arrows == [("s", 2, 0.039), ("f", 1, 0.04)]


def test_streams_say_what_was_said_and_where_it_comes_from() -> None:
    recorder = record(PROGRAM, a=2, b=1).recorder
    said = json.loads(json.dumps(trace_data(recorder, {})["sglc"]["said"]))
    (run,) = said["runs"]
    versions = [
        (parent, kind, text, said["places"][place]) for parent, kind, text, place in run["versions"]
    ]
    assert versions == [
        (-1, "text", "1", "a.sgl:2:6"),
        (0, "text", "a", "a.sgl:2:12"),
        (-1, "text", "1", "a.sgl:2:6"),
        (2, "text", "a", "a.sgl:2:12"),
        (-1, "text", "a", "a.sgl:5:7"),
        (4, "text", "a", "a.sgl:5:14"),
        (5, "text", "x", "a.sgl:6:6"),
        (6, "text", "b", "a.sgl:6:12"),
    ]
    assert run["calls"] == [[0, 1], [2, 3], [6, 7]]
    assert (run["final"], said["left_out"]) == (7, 0)


def test_texts_are_no_more_than_a_number_of_characters() -> None:
    (run,) = record(PROGRAM, a=2, b=1).recorder.runs
    assert len(said_data([run, run], max_chars=8)["runs"]) == 1
    assert said_data([run, run], max_chars=8)["left_out"] == 1
    assert said_data([run, run], max_chars=16)["left_out"] == 0
    assert said_data([run], max_chars=7)["runs"] == []


def test_a_call_that_failed_has_a_prompt_and_no_result() -> None:
    recorder = record('prompt main():\n    "1234{bad = gen()}"\n', bad=2).recorder
    (run,) = said_data(recorder.runs)["runs"]
    assert run["calls"] == [[0, -1]]
    assert (run["versions"], run["final"]) == ([[-1, "text", "1234", 0]], 0)


def test_a_recorder_without_a_timeline_has_no_trace() -> None:
    with pytest.raises(ValueError, match="timeline=True"):
        trace_data(Recorder(), {})
