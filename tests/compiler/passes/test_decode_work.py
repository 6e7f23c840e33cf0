"""What passes that tell of a decode save, on the counters of the engine: steps, preemptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder


def run(text: str, pipeline: str, num_slots: int = 20_000) -> tuple[Any, Mapping[str, int]]:
    """Return what a program gives, of which only the value is looked at, and the counters."""
    sink = DiagnosticSink()
    optimization = Optimization(parse_pipeline(pipeline), runs_entry=True, by_value=True)
    program = compile_source(SourceFile("t.sgl", text), sink, None, optimization)
    assert program is not None, sink.diagnostics
    backend = scheduler(num_slots)
    executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML))
    result = executor.drive(executor.submit(program.plan, {}, seed=5))
    executor.close()
    assert result.error is None
    return result.value, backend.stats()


CARD = """
prompt main() -> str:
    "A card: "
    card = gen({name: "ada" | "bob", age: int(0..9)}, max_tokens=60)
    return card.name
"""


def test_forced_text_is_jumped_over_where_the_pass_says_so_and_nowhere_else() -> None:
    expected, work = run(CARD, "fold,bounds,gvn,dce")
    assert (work["forced_tokens"], work["decoded_tokens"]) == (0, 25)
    value, less = run(CARD, "fold,bounds,gvn,dce,jump")
    assert value == expected
    assert (less["forced_tokens"], less["decoded_tokens"]) == (23, 2)
    assert less["forward_passes"] == work["forward_passes"] - 23


ONE_TEXT = """
prompt main() -> str:
    "Unit: "
    unit = gen("meters", max_tokens=9)
    " Size: "
    size = gen(int(0..9), max_tokens=9)
    return "{size} {unit}"
"""


def test_a_decode_of_one_text_is_no_call() -> None:
    expected, work = run(ONE_TEXT, "")
    value, less = run(ONE_TEXT, "bounds")
    assert value == expected
    calls = [(each["queue_entries"], each["decoded_tokens"]) for each in (work, less)]
    assert calls == [(2, 7), (1, 1)]
    assert less["prefilled_tokens"] == len("Unit: meters Size: ")


# Eight answers of 40 to 44 tokens, each behind a question of its own, where three have room.
ANSWERS = """
prompt main() -> str:
    "Answer in digits."
    fork i in 1..8 as f:
        " Question {i}: "
        a = gen(/[0-9]{40,44}/, max_tokens=100)
    return f[0].a + f[7].a
"""


@pytest.mark.parametrize(("num_slots", "before"), [(200, True), (20_000, False)])
def test_room_is_kept_for_what_is_surely_written(num_slots: int, before: bool) -> None:
    expected, work = run(ANSWERS, "", num_slots)
    value, less = run(ANSWERS, "bounds", num_slots)
    assert value == expected
    assert (work["preemptions"] > 0) == before
    assert less["preemptions"] == 0
    if before:
        assert less["prefilled_tokens"] < work["prefilled_tokens"]
        assert less["queue_entries"] == 8
    else:
        assert less == work
