"""Runs that are recorded on the hash model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, check_source, compile_source
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module
from sglc.compiler.passes.pipeline import level
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.core.backend import Backend
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.host import Host
from sglc.runtime.recording.about import model_data
from sglc.runtime.recording.reader import read_recording
from sglc.runtime.recording.recording import Recording
from sglc.runtime.recording.writer import RecordingWriter
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

Tools = Mapping[str, Callable[..., Any]]
Row = tuple[int, Mapping[str, Any]]


def module_of(text: str) -> Module:
    """The graph of a program, before any pass."""
    checked = check_source(SourceFile("p.sgl", text), DiagnosticSink())
    assert checked is not None
    return build_graph(checked)


def plan_of(text: str, entry: str = "main", passes: int = 0) -> Plan:
    sink = DiagnosticSink()
    optimization = Optimization(level(passes), runs_entry=True, entry=entry)
    program = compile_source(SourceFile("p.sgl", text), sink, optimization=optimization)
    assert program is not None, [str(d) for d in sink.diagnostics]
    return program.plan.with_entry(entry)


def about(backend: Backend) -> dict[str, Any]:
    encoder = PromptEncoder(TOKENIZER, CHATML)
    return {"model": model_data(Executor(backend, encoder), encoder, "hash")}


def recorded(
    path: Path,
    plan: Plan,
    rows: Sequence[Row],
    tools: Tools | None = None,
    *,
    backend: Backend | None = None,
    seed: int = 3,
) -> tuple[Recording, dict[int, Result]]:
    """Run a plan over rows by their numbers, and read what was recorded of it."""
    backend = backend or scheduler(20_000)
    writer = RecordingWriter(path, about(backend))
    encoder = PromptEncoder(TOKENIZER, CHATML)
    executor = Executor(backend, encoder, tools=ToolRegistry(dict(tools or {})))
    host = Host(executor, encoder, 64)
    host.record(writer)
    results = dict(host.run_batch(plan, rows, seed=seed))
    executor.close()
    writer.close()
    return read_recording(path), results
