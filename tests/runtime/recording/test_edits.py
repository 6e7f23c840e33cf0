"""After an edit the model is asked what lies downstream of it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from generators.hash_model import scheduler
from generators.recorded import plan_of, recorded

from sglc.compiler.plan.plan import Plan
from sglc.runtime.core.backend import Backend
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.host import Host
from sglc.runtime.recording.recording import Recording
from sglc.runtime.recording.replay import Replay, open_replay
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

PROGRAM = """prompt main(x: str):
    "Begin {x}: "
    first = gen(max_tokens=3)
    fork each in ["red", "green", "blue"] as group:
        " Of {each}: "
        one = gen(max_tokens=3)
        " then "
        two = gen(max_tokens=3, temperature=1)
    side as alone:
        " Aside: "
        note = gen(max_tokens=3)
    " All: {group[0].two}{group[1].two}{group[2].two}"
    last = gen(max_tokens=3)
    mood = select("sad", "glad")
"""
NUM_CALLS = 1 + 6 + 1 + 1 + 1
ARGUMENTS = {"x": "here"}


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    found, _ = recorded(tmp_path / "a.sglrec", plan_of(PROGRAM), [(0, ARGUMENTS)])
    assert len(found.calls) == NUM_CALLS
    return found


def executed(recording: Recording, plan: Plan) -> tuple[Replay, Result]:
    """Run a plan on a recording, and on a model for what it lacks."""
    loaded: list[Backend] = []

    def load() -> Backend:
        loaded.append(scheduler(5_000))
        return loaded[-1]

    replay = open_replay(recording, load=load)
    result = replay.host.run(plan, ARGUMENTS, seed=3)
    replay.host.executor.close()
    assert len(loaded) == (replay.backend.num_executed > 0)
    return replay, result


def fresh(plan: Plan) -> Result:
    encoder = PromptEncoder(ByteTokenizer(), CHATML)
    host = Host(Executor(scheduler(5_000), encoder), encoder, 1)
    result = host.run(plan, ARGUMENTS, seed=3)
    host.executor.close()
    return result


@pytest.mark.parametrize(
    ("old", "new", "num_executed"),
    [
        ("Begin", "Begin", 0),
        ("Begin", "Start", NUM_CALLS),
        ('["red", "green"', '["red", "grey"', 2 + 2),  # a branch, and what reads it
        (" then ", " so ", 3 + 2),
        (" Aside: ", " By the way: ", 1),
        (" All: ", " In all: ", 2),
        ('"glad"', '"happy"', 1),
        ("last = gen(max_tokens=3)", "last = gen(max_tokens=4)", 2),
        ("temperature=1", "temperature=0.5", 3 + 2),
        ("note = gen(max_tokens=3)", "other = gen(max_tokens=3)", 0),  # a name changes no call
    ],
)
@pytest.mark.parametrize("passes", [0, 2])
def test_an_edit_executes_the_calls_downstream_of_it(
    recording: Recording, old: str, new: str, num_executed: int, passes: int
) -> None:
    assert old in PROGRAM
    plan = plan_of(PROGRAM.replace(old, new), passes=passes)
    replay, result = executed(recording, plan)
    expected = fresh(plan)
    assert result.error is None
    assert (result.text, result.captures.keys()) == (expected.text, expected.captures.keys())
    assert result.captures["last"] == expected.captures["last"]
    assert replay.backend.num_executed == num_executed
    assert replay.backend.num_played == NUM_CALLS - num_executed
    assert replay.backend.num_unused == num_executed
    told = replay.backend.stats()
    written = sum(cost.completion_tokens for cost in expected.stats.values())
    assert told["played_tokens"] + told["executed_tokens"] == written
