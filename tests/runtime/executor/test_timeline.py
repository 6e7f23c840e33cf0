"""The trace file: valid by the Trace Event Format, and what was recorded."""

from __future__ import annotations

import json

import pytest
from generators.timed_runs import record
from generators.trace_format import check_format

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
