"""Plans survive JSON unchanged."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sglc.compiler.plan.plan import (
    Block,
    Const,
    Function,
    Items,
    Loc,
    Node,
    Parameter,
    Plan,
    Ref,
    ToolSpec,
)
from sglc.compiler.plan.serial import plan_from_data, plan_to_data
from sglc.constraints import types as t

INNER = Block(
    label="case",
    case=("a", None, 1, 1.0, True),
    params=(3,),
    nodes=(Node(id=7, op="yield", args=(Ref(3), Const(1.0), Items((Ref(1), Items(()))))),),
)
PLAN = Plan(
    functions={
        "main": Function(
            kind="prompt",
            name="main",
            params=(
                Parameter(name="q", value=0, type=t.Str()),
                Parameter(name="n", value=1, type=t.Optional(t.Int()), has_default=True),
                Parameter(name="m", value=2, type=t.List(t.Int()), has_default=True, default=[1]),
            ),
            result=t.Record((t.Field("x", t.Int(1, 3)),)),
            body=Block(
                nodes=(
                    Node(
                        id=5,
                        op="match",
                        args=(Ref(0),),
                        kwargs=(("k", Const(None)), ("l", Const(True))),
                        outputs=(4,),
                        attrs={"stop": ("a", ("b",)), "max_tokens": 3, "t": 1.0, "x": ()},
                        blocks=(INNER,),
                        needs=(0,),
                        after=(1, 2),
                        may_exit=True,
                        loc=Loc("a.sgl", 3, 4),
                    ),
                )
            ),
            num_values=5,
            doc="Does it.",
        )
    },
    entry="main",
    constraints={"C": t.Regex("a+")},
    tools={
        "w": ToolSpec(
            name="w", params=(("q", t.Str()),), result=t.AnyType(), source="m:f", timeout_s=1.5
        )
    },
    config={"temperature": 0.5, "stop": ("x",)},
    hints={"a": True, "b": (("x", "y"), ())},
)


def test_round_trip() -> None:
    again = plan_from_data(json.loads(json.dumps(plan_to_data(PLAN))))
    assert again == PLAN
    assert repr(again) == repr(PLAN)  # 1, 1.0 and true are equal, but not the same
    assert again.digest == PLAN.digest


def test_the_digest_tells_programs_apart() -> None:
    other = json.loads(json.dumps(plan_to_data(PLAN)))
    other["functions"]["main"]["body"]["nodes"][0]["attrs"]["t"] = 1
    assert plan_from_data(other).digest != PLAN.digest


def test_a_plan_that_starts_elsewhere_keeps_its_hints() -> None:
    assert PLAN.with_entry("main") == PLAN
    assert PLAN.digest != replace(PLAN, hints={}).digest


@pytest.mark.parametrize("data", [{}, {"plan": 2}, {"plan": 1}, {"plan": 1, "functions": []}])
def test_other_data_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a plan"):
        plan_from_data(data)
