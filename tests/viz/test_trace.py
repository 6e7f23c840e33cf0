"""Traces: read back as they were written, refused when they are damaged or of another program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from generators.traces import BRANCHES, Traced, branches
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.compiler.source import SourceFile
from sglc.viz.page import page_data, render_page
from sglc.viz.trace import Trace, TraceError, TraceFile

RUN = cache(branches)


def read_trace(text: str, name: str, sources: list[SourceFile]) -> Trace:
    return TraceFile.parse(text, name).read(sources)


def test_a_trace_is_read_as_it_was_recorded() -> None:
    trace = RUN().read()
    (run,) = trace.runs
    names = [f"{call.op} {call.name}" for call in run.calls]
    assert names == ["gen a", "gen b", "gen b", "gen inner", "gen c"]
    assert [call.place for call in run.calls[:2]] == ["a.sgl:7:24", "a.sgl:9:19"]
    for call in run.calls:
        assert sum(p.end - p.begin for p in call.phases) == pytest.approx(call.end - call.begin)
        assert run.begin <= call.begin <= call.end <= run.end
    assert run.versions is not None
    assert [run.versions[call.result].text for call in run.calls] == ["a", "b", "b", "inner", "c"]
    assert set(trace.counters) == {"batch", "waiting", "KV slots"}
    assert (trace.calls_left_out, len(trace.nodes) > 5) == (0, True)


def test_the_program_may_have_moved_to_another_folder() -> None:
    source = SourceFile("/elsewhere/b.sgl", BRANCHES)
    trace = read_trace(RUN().trace, "run.json", [source])
    assert trace.runs[0].calls[0].place == "/elsewhere/b.sgl:7:24"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "run.json is no trace: it is not JSON"),
        ("[1, 2", "run.json is no trace: it is not JSON"),
        ("[]", "run.json is no trace: it has no list `traceEvents`"),
        ('{"traceEvents": 3}', "it has no list `traceEvents`"),
        ('{"traceEvents": []}', "not one that `sglc run --trace` has written"),
        ('{"traceEvents": [], "otherData": {}, "sglc": {}}', "not one that `sglc run --trace`"),
        (
            '{"traceEvents": [], "otherData": {"files": {}}, "sglc": {"version": 99}}',
            "written by another version of sglc (format 99, this one reads 1)",
        ),
        (
            '{"traceEvents": [], "otherData": {"files": 7}, "sglc": {"version": 1}}',
            "run.json is damaged: `files` names no files",
        ),
    ],
)
def test_what_is_no_trace_is_refused(text: str, told: str) -> None:
    with pytest.raises(TraceError) as error:
        read_trace(text, "run.json", [RUN().source])
    assert told in str(error.value)


def test_a_trace_of_another_program_is_refused() -> None:
    other = SourceFile("other.sgl", 'prompt p():\n    "x"\n')
    with pytest.raises(TraceError, match=r"a trace of another program: a.sgl, not other.sgl"):
        read_trace(RUN().trace, "run.json", [other])
    changed = SourceFile("folder/a.sgl", BRANCHES + "\n")
    with pytest.raises(TraceError, match=r"a.sgl has changed since run.json was recorded"):
        read_trace(RUN().trace, "run.json", [changed])


def test_damage_is_told_with_its_place() -> None:
    data = json.loads(RUN().trace)
    number = next(i for i, e in enumerate(data["traceEvents"]) if e.get("cat") == "phase")
    del data["traceEvents"][number]["ts"]
    with pytest.raises(TraceError, match=rf"run.json is damaged: event {number} is not"):
        read_trace(json.dumps(data), "run.json", [RUN().source])
    data = json.loads(RUN().trace)
    data["sglc"]["said"]["runs"][0]["versions"][3][0] = 3
    with pytest.raises(TraceError, match=r"damaged: `said` .* version 3 has no parent 3"):
        read_trace(json.dumps(data), "run.json", [RUN().source])


def paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to everything inside."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*path, key))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_trace_with_anything_replaced_is_refused_or_drawn(data: st.DataObject) -> None:
    known: Traced = RUN()
    trace = json.loads(known.trace)
    path = data.draw(st.sampled_from(list(paths(trace))))
    new = data.draw(st.sampled_from([None, -1, 7, 1e300, "x", [], {}, True]))
    at = trace
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    try:
        read = read_trace(json.dumps(trace), "run.json", [known.source])
    except TraceError:
        return
    render_page(page_data(known.atlas(), "a.sgl", known.stages, read))
