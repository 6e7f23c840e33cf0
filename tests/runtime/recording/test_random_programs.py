"""Whatever a program does, its replay comes to the same, and asks for nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path

from generators.recorded import plan_of, recorded
from generators.sgl_programs import make_tools, programs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.runtime.recording.differences import first_difference
from sglc.runtime.recording.replay import open_replay, recorded_plan, replay_runs


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.sampled_from([0, 2]))
def test_a_replay_is_identical(text: str, passes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [(0, {"x": "what", "n": 2}), (5, {"x": "", "n": 1})]
        log: list[str] = []
        recording, results = recorded(
            Path(folder) / "a.sglrec", plan_of(text, passes=passes), rows, make_tools(log)
        )
    plan = recorded_plan(recording)
    replay = open_replay(recording)
    ended = list(replay_runs(replay.host, plan, recording.runs.values()))
    assert len(ended) == len(results) == 2
    for run, result in ended:
        assert first_difference(run, result, plan) is None
        assert result.value == results[run.row].value
    assert replay.backend.missing == []
    assert replay.tape is not None
    assert replay.tape.missing == []
    assert replay.backend.num_executed == 0
    assert replay.backend.idle
    assert replay.backend.snapshot().num_held == 0
