"""Whatever a program does, its replay comes to the same, and asks for nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from generators import ir_programs, sgl_programs
from generators.early_arms import with_early_arms
from generators.recorded import module_of, plan_of, recorded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.plan.plan import Plan
from sglc.runtime.recording.differences import first_difference
from sglc.runtime.recording.replay import open_replay, recorded_plan, replay_runs

HEALTH = list(HealthCheck)
ARGUMENTS: list[Mapping[str, Any]] = [{"x": "what", "n": 2}, {"x": "", "n": 1}]


pytestmark = pytest.mark.usefixtures("built_here")


def check_replay(
    plan: Plan, rows: list[Mapping[str, Any]], tools: Mapping[str, Callable[..., Any]]
) -> None:
    """Record the rows, and replay them: the same comes of them, and nothing is missing."""
    with tempfile.TemporaryDirectory() as folder:
        numbered = [(5 * number, row) for number, row in enumerate(rows)]
        recording, results = recorded(Path(folder) / "a.sglrec", plan, numbered, tools)
    plan = recorded_plan(recording)
    replay = open_replay(recording)
    ended = list(replay_runs(replay.host, plan, recording.runs.values()))
    replay.host.executor.close()
    assert len(ended) == len(results) == len(rows)
    for run, result in ended:
        assert first_difference(run, result, plan) is None
        assert result.value == results[run.row].value
    assert replay.backend.missing == []
    assert replay.tape is not None
    assert replay.tape.missing == []
    assert replay.backend.num_executed == 0
    assert replay.backend.idle
    assert replay.backend.snapshot().num_held == 0


@settings(max_examples=12, deadline=None, suppress_health_check=HEALTH)
@given(sgl_programs.programs(), st.sampled_from([0, 2]))
def test_a_replay_is_identical(text: str, passes: int) -> None:
    check_replay(plan_of(text, passes=passes), ARGUMENTS, sgl_programs.make_tools([]))


@settings(max_examples=12, deadline=None, suppress_health_check=HEALTH)
@given(sgl_programs.programs(num_routers=2))
def test_arms_that_began_before_their_decision_are_replayed(text: str) -> None:
    """What was asked for nothing has no answer, or one that nobody looks at."""
    plan = lower_module(with_early_arms(module_of(text)), "main")
    check_replay(plan, ARGUMENTS, sgl_programs.make_tools([]))


@settings(max_examples=24, deadline=None, suppress_health_check=HEALTH)
@given(ir_programs.modules())
def test_graphs_are_replayed(module: Module) -> None:
    rows: list[Mapping[str, Any]] = [{"x": "what", "n": 2}]
    check_replay(lower_module(module, "main"), rows, ir_programs.make_tools([]))
