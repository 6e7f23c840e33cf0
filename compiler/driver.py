"""The way from source text to Plan, on one screen."""

from __future__ import annotations

from dataclasses import dataclass

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.frontend.check import CheckOptions, check
from sglc.compiler.frontend.checked import Checked
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.frontend.graph.scan import called_prompts
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.verify import verify
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile

__all__ = ["CheckOptions", "Program", "check_source", "compile_source", "entry_prompts"]


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled program: what was checked, its graph and its plan."""

    checked: Checked
    graph: Module
    plan: Plan


def check_source(
    source: SourceFile, sink: DiagnosticSink, options: CheckOptions | None = None
) -> Checked | None:
    """Report every mistake of a program; None when there is an error."""
    return check(source, sink, options=options or CheckOptions())


def compile_source(
    source: SourceFile, sink: DiagnosticSink, options: CheckOptions | None = None
) -> Program | None:
    """Compile a program; None when it has errors, which are in ``sink``.

    The plan starts at the first of ``entry_prompts``, or has no entry when there is none.
    """
    checked = check_source(source, sink, options)
    if checked is None:
        return None
    graph = build_graph(checked)
    verify(graph)
    entries = entry_prompts(checked)
    return Program(checked, graph, lower_module(graph, entries[0] if entries else ""))


def entry_prompts(checked: Checked) -> list[str]:
    """Return the prompts of the entry file that a run may mean: ``main`` alone if there is one,
    else those that no other prompt of the file calls."""
    own = [name for name, info in checked.prompts.items() if info.decl in checked.entry.items]
    if "main" in own:
        return ["main"]
    called = called_prompts(checked)
    return [
        name for name in own if not any(name in called[other] for other in own if other != name)
    ]
