"""What arms that begin early cost, and what of that is on the critical path."""

from __future__ import annotations

from generators.timed_runs import early_plan_of, record

from sglc.runtime.executor.profile import Profile
from sglc.runtime.executor.timeline import trace_data

ROUTER = """prompt main():
    "x"
    side as r: kind = gen()
    if r.kind == "kind": "{a = gen()}"
    else: "{b = gen()}"
    "{c = gen()}"
"""


def test_an_arm_and_its_decision_take_the_time_of_the_longer_one() -> None:
    plain = record(ROUTER, kind=5, a=3, b=9, c=1)
    assert plain.path == ["kind", "a", "c"]
    assert plain.run.duration_ns == 90
    early = record(ROUTER, plan=early_plan_of, kind=5, a=3, b=9, c=1)
    assert early.path == ["kind", "c"]
    assert early.run.duration_ns == 60
    longer = record(ROUTER, plan=early_plan_of, kind=5, a=7, b=9, c=1)
    assert longer.path == ["a", "c"]
    assert longer.run.duration_ns == 80
    for recorded in (early, longer):
        assert recorded.result.text == plain.result.text
        assert (recorded.run.speculated, recorded.run.committed) == (2, 1)


def test_an_arm_that_is_not_taken_is_on_no_path() -> None:
    done = record(ROUTER, plan=early_plan_of, kind=5, a=8, b=5, c=1)
    (b,) = (call for call in done.run.calls if call.name == "b")
    assert b.is_wasted
    assert b.duration_ns == 50
    assert "b" not in done.path
    profile = Profile.of(done.recorder)
    assert (profile.speculated, profile.committed) == (2, 1)
    assert profile.total.wasted_tokens == done.result.wasted_tokens == b.stats.computed_tokens > 0
    data = profile.to_data()
    assert (data["speculated"], data["committed"]) == (2, 1)
    wasted = [place["wasted_tokens"] for place in data["places"] if place["line"] == 5]
    assert wasted == [b.stats.computed_tokens]
    events = trace_data(done.recorder, {})["traceEvents"]
    slices = {event["name"]: event["args"] for event in events if "args" in event}
    assert slices["gen b"]["wasted"] is True
    assert "wasted" not in slices["gen a"]


def test_nothing_is_wasted_by_a_plain_run() -> None:
    done = record(ROUTER, kind=2, a=2, b=2, c=2)
    assert Profile.of(done.recorder).total.wasted_tokens == 0
    assert done.result.wasted_tokens == 0


NESTED = """prompt main():
    "x"
    side as r: kind = gen()
    if r.kind == "none":
        side as q: inner = gen()
        if q.inner == "inner": "{a = gen()}"
        else: "{b = gen()}"
    "{c = gen()}"
"""


def test_what_is_in_an_arm_that_is_not_taken_is_wasted_with_it() -> None:
    done = record(NESTED, plan=early_plan_of, kind=5, inner=9, a=8, b=8, c=1)
    wasted = {call.name for call in done.run.calls if call.is_wasted}
    assert wasted == {"inner", "a", "b"}
    assert done.path == ["kind", "c"]
    assert (done.run.speculated, done.run.committed) == (4, 1)
    assert Profile.of(done.recorder).total.wasted_tokens == done.result.wasted_tokens > 0
