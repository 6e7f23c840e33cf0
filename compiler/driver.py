"""The way from source text to Plan, on one screen."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sglc.compiler.passes.base import MarkupOf
    from sglc.compiler.passes.history import History
    from sglc.compiler.passes.pipeline import Pipeline, Watch
    from sglc.compiler.passes.report import Change

__all__ = [
    "CheckOptions",
    "Optimization",
    "Program",
    "check_source",
    "compile_source",
    "entry_prompts",
    "optimized",
]


@dataclass(frozen=True, slots=True)
class Optimization:
    """Which passes run; ``pipeline`` None means those of the default level.

    ``runs_entry``: the program is run at one prompt and nowhere else, ``entry`` or, without one,
    the only one of ``entry_prompts``; ``by_value``: whoever runs a prompt that declares a result
    looks at nothing but the result. ``watch`` is told what each pass made. ``history`` gives what
    earlier runs of the program with this digest have shown, ``markup`` what the model's template
    writes around messages, if that is known. ``known`` are arguments that all runs of that one
    prompt are given, as ``bind_arguments`` returns them.
    """

    pipeline: Pipeline | None = None
    runs_entry: bool = False
    entry: str | None = None
    by_value: bool = False
    watch: Watch | None = None
    history: Callable[[str], History] | None = None
    markup: MarkupOf | None = None
    known: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled program: what was checked, its graph, what the passes made of it, its plan.

    ``graph`` is what the program says, before any pass; ``changes`` says what they did.
    """

    checked: Checked
    graph: Module
    optimized: Module
    plan: Plan
    changes: Sequence[Change] = field(default=())


def check_source(
    source: SourceFile, sink: DiagnosticSink, options: CheckOptions | None = None
) -> Checked | None:
    """Report every mistake of a program; None when there is an error."""
    return check(source, sink, options=options or CheckOptions())


def compile_source(
    source: SourceFile,
    sink: DiagnosticSink,
    options: CheckOptions | None = None,
    optimization: Optimization | None = None,
) -> Program | None:
    """Compile a program; None when it has errors, which are in ``sink``.

    The plan starts at the prompt that ``optimization`` names, else at the first of
    ``entry_prompts``, or has no entry when there is none.
    """
    with collector_paused():
        checked = check_source(source, sink, options)
        if checked is None:
            return None
        graph = build_graph(checked)
        verify(graph)
        return optimized(checked, graph, optimization or Optimization())


@contextmanager
def collector_paused() -> Iterator[None]:
    """Look for no cycles of garbage for a while.

    What compiling makes lives until it is done; a collector that goes through all of it again and
    again takes a quarter of the time, and more the larger the program is.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def optimized(checked: Checked, graph: Module, optimization: Optimization) -> Program:
    """Return the program that the passes make of a verified graph of ``checked``."""
    entries = entry_prompts(checked)
    made, changes = optimize(graph, entries, optimization)
    starts = (optimization.entry or "", *entries)  # passes drop what the one that runs needs not
    plan = lower_module(made, next((n for n in starts if n in made.functions), ""))
    return Program(checked, graph, made, plan, changes)


def optimize(
    graph: Module, entries: list[str], optimization: Optimization
) -> tuple[Module, Sequence[Change]]:
    """Run the passes on a verified graph; ``entries`` are the prompts that a run may mean.

    They are imported here, so that who only checks programs never does.
    """
    from sglc.compiler.evaluation import evaluate_function
    from sglc.compiler.passes.base import Context
    from sglc.compiler.passes.pipeline import DEFAULT_LEVEL, level

    pipeline = optimization.pipeline
    if pipeline is None:
        pipeline = level(DEFAULT_LEVEL)
    starts = entries if optimization.entry is None else [optimization.entry]
    is_one = optimization.runs_entry and len(starts) == 1 and starts[0] in graph.functions
    roots = frozenset(starts) if is_one else None
    history = None if optimization.history is None else optimization.history(graph.digest)
    context = Context(
        roots,
        optimization.by_value,
        evaluate_function,
        history=history,
        known=optimization.known if is_one else {},
    )
    if optimization.markup is not None:
        context = replace(context, markup=optimization.markup)
    return pipeline.run(graph, context, optimization.watch), tuple(context.changes)


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
