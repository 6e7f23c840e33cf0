"""All streams of a run are in its namespace; two runs share nothing across theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from generators.hash_model import TOKENIZER, scheduler
from generators.ir_programs import ARGUMENTS, ENTRY, make_tools, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import level, parse_pipeline
from sglc.compiler.source import SourceFile
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.engine.shared import Client, SharedBackend
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder


class Watched(Client):
    """Takes down the namespace of every request."""

    def __init__(self) -> None:
        super().__init__(SharedBackend(scheduler(4000)))
        self.seen: list[str] = []

    def submit(self, request: StreamRequest) -> int:
        self.seen.append(request.namespace)
        return super().submit(request)

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        self.seen += [each.namespace for each in requests]
        return super().submit_group(requests)

    def resume(self, stream: int, request: StreamRequest) -> None:
        self.seen.append(request.namespace)
        super().resume(stream, request)


def executor(backend: Any) -> Executor:
    tools = make_tools([]) | {"note": lambda line: line[:3]}
    return Executor(backend, PromptEncoder(TOKENIZER, CHATML), tools=ToolRegistry(tools))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(modules(), st.sampled_from(["", "prefix{min_chars=1}", str(level(2))]))
def test_every_stream_of_a_run_is_in_its_namespace(module: Module, pipeline: str) -> None:
    made = module
    for each in parse_pipeline(pipeline).passes if pipeline else ():
        made = each.run(made, Context(frozenset({ENTRY})))
    plan = lower_module(made, ENTRY)

    def results(*names: str) -> tuple[Watched, list[tuple[Any, Any]], list[Run]]:
        backend = Watched()
        runner = executor(backend)
        runs = [runner.submit(plan, ARGUMENTS, seed=3, namespace=name) for name in names]
        runner.run_until_idle()
        runner.close()
        return backend, [(r.result().value, r.result().error) for r in runs], runs

    backend, found, _ = results("a")
    assert set(backend.seen) <= {"a"}
    backend, both, runs = results("a", "b")
    assert set(backend.seen) <= {"a", "b"}
    assert both == found * 2
    for seen in "ab":
        assert (seen in backend.seen) == bool(backend.seen)
    # The second one costs what the first one does: nothing of it was there.
    costs = [sum(s.computed_tokens for s in run.result().stats.values()) for run in runs]
    assert costs[0] == costs[1]


@pytest.mark.parametrize(("names", "shares"), [("aa", True), ("ab", False)])
def test_equal_greedy_calls_are_one_only_within_a_namespace(names: str, shares: bool) -> None:
    text = 'prompt main() -> str:\n    "abc"\n    return gen(max_tokens=4)\n'
    optimization = Optimization(parse_pipeline(str(level(2))), runs_entry=True)
    program = compile_source(SourceFile("t.sgl", text), DiagnosticSink(), None, optimization)
    assert program is not None
    backend = Watched()
    runner = executor(backend)
    runs = [runner.submit(program.plan, namespace=name) for name in names]
    runner.run_until_idle()
    hits = sum(s.single_flight_hits for run in runs for s in run.result().stats.values())
    assert hits == (1 if shares else 0)
    assert runs[0].result().value == runs[1].result().value
