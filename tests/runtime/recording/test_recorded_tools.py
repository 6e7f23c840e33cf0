"""Tools: what they came to is played, each call where it was made."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from generators.hash_model import scheduler
from generators.recorded import about, plan_of, recorded

from sglc.compiler.plan.plan import ToolSpec
from sglc.constraints.types import AnyType
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tape import Played, ToolSite
from sglc.runtime.recording.differences import first_difference
from sglc.runtime.recording.reader import read_recording
from sglc.runtime.recording.recording import Recording
from sglc.runtime.recording.replay import Replay, open_replay, recorded_plan, replay_runs
from sglc.runtime.recording.tools import ReplayTape
from sglc.runtime.recording.writer import RecordingWriter

HEAD = """@readonly
tool look(key: str) -> str
tool note(line: str) -> int
"""
PROGRAM = (
    HEAD
    + """
prompt main(x: str):
    n = note(x)
    "{look(x)}{n}: "
    a = gen(max_tokens=2)
    "{look(a)}{note(x)}"
"""
)


def replayed(recording: Recording, **options: Any) -> tuple[Replay, list[Result]]:
    replay = open_replay(recording, **options)
    runs = list(recording.runs.values())
    results = {r.number: v for r, v in replay_runs(replay.host, recorded_plan(recording), runs)}
    return replay, [results[run.number] for run in runs]


def tools_with(log: list[str]) -> dict[str, Callable[..., Any]]:
    numbers = itertools.count(1)

    def note(line: str) -> int:
        number = next(numbers)
        log.append(line)
        time.sleep(0.01 * (number % 3))  # ends in another order than it began
        return number

    return {"look": lambda key: f"<{key}>", "note": note}


def test_every_row_gets_what_its_own_calls_came_to(tmp_path: Path) -> None:
    log: list[str] = []
    rows = [(i, {"x": "same"}) for i in range(6)]
    recording, results = recorded(tmp_path / "a", plan_of(PROGRAM), rows, tools_with(log))
    assert len(log) == 12
    replay, again = replayed(recording)
    assert [r.text for r in again] == [results[i].text for i in range(6)]
    assert len({r.text for r in again}) == 6  # each has its own numbers
    assert replay.tape is not None
    assert (replay.tape.num_played, replay.tape.missing) == (24, [])
    assert len(log) == 12


FAILING = (
    HEAD
    + """
@retry(1)
tool flaky(n: int) -> str

prompt main(x: str):
    a = try look(x) else "none"
    b = flaky(1)
    "{a}{b}"
    c = note(x)
    "{c}"
"""
)


def test_failures_are_played_too_try_by_try(tmp_path: Path) -> None:
    calls: list[str] = []

    def flaky(n: int) -> str:
        calls.append("flaky")
        if len(calls) == 1:
            raise OSError("down")
        return "up"

    def look(key: str) -> str:
        raise LookupError(f"no {key}")

    tools = {"flaky": flaky, "look": look, "note": lambda line: "not a number"}
    plan = plan_of(FAILING)
    recording, results = recorded(tmp_path / "a", plan, [(0, {"x": "k"})], tools)
    assert len(calls) == 2
    _, (again,) = replayed(recording)
    assert again.error is not None
    assert results[0].error is not None
    assert str(again.error) == str(results[0].error)
    assert again.error.cause == results[0].error.cause
    assert again.text == "noneup"
    (run,) = recording.runs.values()
    assert first_difference(run, again, plan) is None


def test_a_timeout_is_an_outcome(tmp_path: Path) -> None:
    text = """@timeout(0.05)
tool look(key: str) -> str
prompt main(x: str):
    "{look(x)}"
"""
    recording, results = recorded(
        tmp_path / "a", plan_of(text), [(0, {"x": "k"})], {"look": lambda key: time.sleep(0.3)}
    )
    _, (again,) = replayed(recording)
    assert "TimeoutError: no answer within 0.05 s" in str(results[0].error)
    assert str(again.error) == str(results[0].error)


@pytest.mark.parametrize(("value", "name"), [(date(2024, 2, 29), "date"), ({1: "x"}, "dict")])
def test_what_json_does_not_give_back_cannot_be_played(
    tmp_path: Path, value: Any, name: str
) -> None:
    writer = RecordingWriter(tmp_path / "a", about(scheduler(100)))
    spec = ToolSpec(name="today", params=(), result=AnyType(), effect="readonly")
    site = ToolSite(spec, 0, "0", {})
    writer.tool_ended(site, value, None)
    writer.tool_ended(site, {"x": [1, None, 2.5, "\ud800", True]}, None)
    writer.close()
    tape = ReplayTape(read_recording(tmp_path / "a").tools)
    played = tape.play(site)
    assert played is not None
    assert f"`today`: it gave a {name}, which a recording cannot hold" in str(played.error)
    assert tape.play(site) == Played({"x": [1, None, 2.5, "\ud800", True]})


def test_an_unknown_call_is_named_and_changes_nothing(tmp_path: Path) -> None:
    log: list[str] = []
    recording, _ = recorded(tmp_path / "a", plan_of(PROGRAM), [(0, {"x": "k"})], tools_with(log))
    twice = plan_of(PROGRAM.replace("{note(x)}", '{note(x)}{note("new")}'))
    replay = open_replay(recording)
    result = replay.host.run(twice, {"x": "k"}, seed=3)
    assert replay.tape is not None
    assert [str(m) for m in replay.tape.missing] == [
        'the call note(line="new") is not in the recording'
    ]
    assert 'the call note(line="new") is not in the recording' in str(result.error)
    assert len(log) == 2


def test_what_changes_something_is_played_once(tmp_path: Path) -> None:
    recording, _ = recorded(tmp_path / "a", plan_of(PROGRAM), [(0, {"x": "k"})], tools_with([]))
    more = plan_of(PROGRAM.replace("{note(x)}", "{note(x)}{note(x)}{look(x)}"))
    replay = open_replay(recording)
    replay.host.run(more, {"x": "k"}, seed=3)
    assert replay.tape is not None
    assert [m.name for m in replay.tape.missing] == ["note"]


@pytest.mark.parametrize(("run_tools", "num_made"), [("missing", 1), ("all", 3)])
def test_tools_are_run_where_that_is_asked_for(
    tmp_path: Path, run_tools: Any, num_made: int
) -> None:
    """``missing``: those of a call that is not recorded; ``all``: nothing is played."""
    source = PROGRAM.replace("-> int\n", '-> int from "notes:note"\n').replace(
        "-> str\n", '-> str from "notes:look"\n'
    )
    (tmp_path / "notes.py").write_text(
        "LOG = []\ndef look(key):\n    return f'<{key}>'\n"
        "def note(line):\n    LOG.append(line)\n    return len(LOG)\n"
    )
    recording, _ = recorded(
        tmp_path / "a", plan_of(source), [(0, {"x": "k"})],
        {"look": lambda key: f"<{key}>", "note": lambda line: 1},
    )  # fmt: skip
    edited = plan_of(source.replace("{note(x)}", '{note(x)}{note("new")}'))
    replay = open_replay(recording, (tmp_path,), run_tools=run_tools)
    result = replay.host.run(edited, {"x": "k"}, seed=3)
    if run_tools == "missing":
        assert replay.tape is not None
        assert replay.tape.num_made == num_made
        assert result.text.endswith("11")  # the 1 that was recorded, and the first new one
    else:
        assert replay.tape is None
        assert result.text.endswith("23")
