"""Arms that could begin before their decision: not where every request is paid for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from generators.remote_runs import Runner
from generators.scripted_http import Reply, ScriptedServer
from generators.timed_runs import early_plan_of

from sglc.runtime.remote.capabilities import COMPATIBLE_COMPLETIONS
from sglc.runtime.remote.open import open_remote
from sglc.runtime.remote.table import kinds

ROUTER = """prompt main():
    "Mail: "
    side as r:
        "Kind: "
        kind = gen(max_tokens=1)
    if r.kind == "x": "First: {a = gen(max_tokens=1)}"
    else: "Second: {b = gen(max_tokens=1)}"
"""


@pytest.mark.parametrize("bills", [False, True])
def test_what_is_paid_for_is_not_guessed(scripted: ScriptedServer, bills: bool) -> None:
    def answer(path: str, body: Any) -> Reply:
        choice = {"index": 0, "text": "x", "finish_reason": "length"}
        return Reply(body={"choices": [choice], "usage": None})

    scripted.answer = answer
    can = replace(COMPATIBLE_COMPLETIONS, bills=bills)
    runner = Runner(open_remote("completions", url=scripted.url, model="m", capabilities=can))
    runner.deltas = False
    result = runner.run(early_plan_of(ROUTER))
    runner.close()
    assert result.captures["a"] == "x"
    assert result.speculated == (0 if bills else 2)
    if bills:
        prompts = [body["prompt"] for _, body in scripted.requests]
        assert prompts == ["Mail: Kind: ", "Mail: First: "]


def test_providers_bill_and_servers_of_ones_own_do_not() -> None:
    free = {can.name for can in kinds() if not can.bills}
    assert free == {
        "local", "sglc", "sglang 0.2 to 0.4", "sglang 0.5", "completions of SGLang",
        "completions of sglc", "chat of sglc", "chat of sglang 0.5", "chat of vLLM",
    }  # fmt: skip
