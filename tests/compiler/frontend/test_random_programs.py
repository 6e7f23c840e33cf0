"""Random programs: what the checks let pass becomes a graph that runs as the interpreter says."""

from __future__ import annotations

from generators.hash_model import TOKENIZER, HashModel, expect_same, scheduler
from generators.sgl_programs import make_tools, programs
from hypothesis import HealthCheck, given, settings

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.interpreter import interpret
from sglc.compiler.ir.graph import equal
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.text import print_module
from sglc.compiler.plan.serial import plan_from_data, plan_to_data
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

ARGUMENTS = {"x": "what", "n": 2}


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(programs())
def test_a_program_means_one_thing(text: str) -> None:
    sink = DiagnosticSink()
    program = compile_source(SourceFile("random.sgl", text), sink)  # verifies the graph
    assert program is not None, sink.diagnostics
    assert equal(parse_module(print_module(program.graph)), program.graph)
    wanted_log: list[str] = []
    expected = interpret(
        program.graph, "main", ARGUMENTS, HashModel(), tools=make_tools(wanted_log)
    )
    log: list[str] = []
    executor = Executor(
        scheduler(20_000), PromptEncoder(TOKENIZER, CHATML), tools=ToolRegistry(make_tools(log))
    )
    run = executor.submit(plan_from_data(plan_to_data(program.plan)), ARGUMENTS)
    executor.run_until_idle()
    executor.close()
    expect_same(run.result(), expected)
    if expected.error is None:
        assert log == wanted_log
