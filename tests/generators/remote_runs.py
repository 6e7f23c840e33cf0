"""Programs on servers that are asked over HTTP."""

from __future__ import annotations

from typing import Any

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.remote.open import Remote


def plan_of(source: str) -> Plan:
    """Compile a program of the language."""
    sink = DiagnosticSink()
    program = compile_source(SourceFile("a.sgl", source), sink)
    assert program is not None, sink.diagnostics
    return program.plan


class Runner:
    """Runs programs on a server. ``deltas``: texts are asked for as they are written."""

    def __init__(self, remote: Remote, **options: Any) -> None:
        self.remote = remote
        self.executor = Executor(remote.backend, remote.encoder, **options)
        self.num_steps = 0
        self.deltas = True

    def run(self, plan: Plan | str, seed: int = 0, **arguments: Any) -> Result:
        """Run a program to its end."""
        return self.finish(self.submit(plan, seed, **arguments))

    def submit(self, plan: Plan | str, seed: int = 0, **arguments: Any) -> Run:
        """Begin a program."""
        made = plan_of(plan) if isinstance(plan, str) else plan
        return self.executor.submit(made, arguments, seed=seed, deltas=self.deltas)

    def finish(self, run: Run) -> Result:
        """Step until a run is done, and count the steps."""
        while not run.done:
            self.executor.step()
            self.num_steps += 1
            self.executor.wait(10)
        return run.result()

    def close(self) -> None:
        """End the executor and the backend."""
        self.executor.close()
        self.remote.backend.close()
