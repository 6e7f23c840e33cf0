"""The Trace Event Format, as far as traces use it: what Perfetto and chrome://tracing ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

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
