"""Stop texts of typed gens: what stands before one is always of the type."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder


def plan_of(source: str) -> Plan:
    sink = DiagnosticSink()
    program = compile_source(SourceFile("a.sgl", source), sink)
    assert program is not None, sink.diagnostics
    return program.plan


def results(source: str, seeds: Sequence[int], **arguments: object) -> list[Result]:
    plan = plan_of(source)
    executor = Executor(scheduler(20_000), PromptEncoder(TOKENIZER, CHATML))
    runs = [executor.submit(plan, arguments, seed=seed) for seed in seeds]
    executor.run_until_idle()
    executor.close()
    return [run.result() for run in runs]


@pytest.mark.parametrize("stop", ['stop="a"', 'stop=["e", "th"]', "stop=[chosen]"])
def test_what_stands_before_a_stop_text_is_of_the_type(stop: str) -> None:
    options = f"{stop}, max_tokens=40, temperature=1"
    source = (
        'prompt p(chosen: str = "i"):\n'
        f'    "Go on: {{x = gen(/[a-z]{{3,}}( [a-z]{{3,}})*/, {options})}}"\n'
    )
    found = results(source, range(40))
    texts = [result.captures["x"] for result in found if result.error is None]
    assert len(texts) == 40
    assert all(len(word) >= 3 for text in texts for word in text.split(" "))
    assert len({len(text) for text in texts}) > 3


def test_a_type_that_only_stops_is_told() -> None:
    source = 'prompt p(s: str):\n    "Go on: {x = gen(/ab*/, stop=[s], max_tokens=9)}"\n'
    (result,) = results(source, [0], s="a")
    assert result.error is not None
    assert "every text of it contains a stop text" in result.error.message
