"""What a profile sums up, by place and as JSON."""

from __future__ import annotations

import json

from generators.hash_model import TOKENIZER
from generators.timed_runs import Clock, Steps, plan_of, record

from sglc.compiler.plan.plan import Loc
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.profile import Profile
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

PROGRAM = """prompt one() -> str:
    "1{a = gen()}"
    return a
prompt main():
    "{one()}{one()}"
    "x{b = gen()}"
"""


def test_calls_of_one_place_are_summed() -> None:
    profile = Profile.of(record(PROGRAM, max_running=1, a=2, b=1).recorder)
    first, second = profile.places.values()
    assert list(profile.places) == [Loc("a.sgl", 2, 12), Loc("a.sgl", 6, 12)]
    assert (first.calls, second.calls) == (2, 1)
    assert first.stats.decoded_tokens == 4
    assert first.spent_ns == {"build": 0, "queue": 20, "prefill": 20, "decode": 20, "tool": 0}
    assert (first.critical_ns, second.critical_ns) == (40, 10)
    assert (profile.share(first), profile.share(second)) == (0.8, 0.2)
    assert profile.lines("a.sgl").keys() == {2, 6}
    assert profile.lines("b.sgl") == {}


def test_runs_side_by_side_are_summed_and_share_the_wall_time() -> None:
    clock = Clock()
    recorder = Recorder(clock)
    executor = Executor(
        Steps(clock, {"a": 2, "b": 1}, max_running=1), PromptEncoder(TOKENIZER, CHATML),
        recorder=recorder,
    )  # fmt: skip
    plan = plan_of('prompt main():\n    "1{a = gen()}"\n')
    for instance in (3, 7):
        executor.submit(plan, instance=instance)
    executor.run_until_idle()
    executor.close()
    profile = Profile.of(recorder)
    assert (profile.num_runs, profile.wall_ns, profile.critical_ns) == (2, 40, 60)
    assert profile.slowest is not None
    assert profile.slowest.instance == 7
    (cost,) = profile.places.values()
    assert (cost.calls, cost.critical_ns) == (2, 60)


def test_json_has_every_place_the_total_and_the_path_of_the_slowest_run() -> None:
    profile = Profile.of(record(PROGRAM, a=200, b=1).recorder)
    data = json.loads(json.dumps(profile.to_data()))
    assert (data["runs"], data["wall_ms"], data["critical_ms"]) == (1, 0.00201, 0.00201)
    assert [(p["file"], p["line"], p["column"]) for p in data["places"]] == [
        ("a.sgl", 2, 12),
        ("a.sgl", 6, 12),
    ]
    assert data["places"][0]["decode_ms"] == 0.00398
    assert data["total"]["prompt_tokens"] == sum(p["prompt_tokens"] for p in data["places"])
    path = data["slowest"]["critical_path"]
    assert [(c["loc"], c["op"], c["name"], c["start_ms"], c["ms"]) for c in path] == [
        ("a.sgl:2:12", "gen", "a", 0.0, 0.002),
        ("a.sgl:6:12", "gen", "b", 0.002, 0.00001),
    ]


def test_a_run_without_calls_costs_nothing() -> None:
    profile = Profile.of(record('prompt main():\n    "x"\n').recorder)
    assert (profile.places, profile.num_runs, profile.critical_ns) == ({}, 1, 0)
    data = profile.to_data()
    assert (data["places"], data["slowest"]["critical_path"]) == ([], [])
    assert Profile.of(Recorder()).to_data()["slowest"] is None
