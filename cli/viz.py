"""Draw a program: a page with linked views, or its graph as a text."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK, UsageError
from sglc.cli.passes import LEVELS, add_pass_options, pipeline_of

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.compiler.ir.graph import Module
    from sglc.compiler.passes.pipeline import Pipeline
    from sglc.viz.trace import Trace, TraceFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("path", metavar="PROGRAM", help="a .sgl file")
    parser.add_argument("--prompt", metavar="NAME", help="only this prompt and what it calls")
    parser.add_argument("--trace", metavar="RUN.json", help="show a run: what `run --trace` wrote")
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("-o", "--out", metavar="FILE", help="write the page: HTML, needs no network")
    form.add_argument("--tree", action="store_true", help="print a tree for the terminal")
    form.add_argument("--dot", action="store_true", help="print the graph for Graphviz")
    form.add_argument("--mermaid", action="store_true", help="print the graph for Mermaid")
    add_pass_options(parser)
    parser.set_defaults(level=None)  # a page shows all passes, a text the program as written


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Compile the program, then write or print the form asked for."""
    args = parser.parse_args(words)
    if args.trace is not None and args.out is None:
        raise UsageError("--trace is shown on the page: it goes with -o")
    from sglc.cli.programs import compile_or_report, read_source
    from sglc.compiler.driver import Optimization
    from sglc.viz.atlas import Atlas

    trace_file = None if args.trace is None else _open_trace(args.trace)
    made: list[tuple[str, Module]] = []
    optimization = Optimization(
        _pipeline(args, trace_file), watch=lambda each, module: made.append((str(each), module))
    )
    if trace_file is not None:  # as it was for the run
        entry = str(trace_file.about.get("prompt"))
        by_value = trace_file.about.get("by_value") is True
        optimization = replace(optimization, runs_entry=True, entry=entry, by_value=by_value)
    program = compile_or_report(read_source(args.path), optimization)
    if program is None:
        return EXIT_ERRORS
    names = _names(program, args.prompt)
    if args.out is not None:
        from sglc.viz.page import page_data, render_page
        from sglc.viz.stages import stages_of

        trace = None if trace_file is None else _trace(trace_file, program)
        stages = stages_of(program.graph, made, program.changes)
        data = page_data(Atlas(program.graph, names), Path(args.path).name, stages, trace)
        Path(args.out).write_text(render_page(data), encoding="utf-8")
        return EXIT_OK
    graph = program.optimized
    atlas = Atlas(graph, [name for name in names if name in graph.functions])
    if args.tree:
        from sglc.viz.tree import tree_text

        print(tree_text(atlas, color=sys.stdout.isatty()), end="")
    elif args.dot:
        from sglc.viz.dot import dot_text

        print(dot_text(atlas), end="")
    else:
        from sglc.viz.mermaid import mermaid_text

        print(mermaid_text(atlas), end="")
    return EXIT_OK


def _open_trace(path: str) -> TraceFile:
    """Read a trace.

    Raises:
        UsageError: there is no such file, or `sglc run` has not written it.
    """
    from sglc.viz.trace import TraceError, TraceFile

    try:
        return TraceFile.parse(Path(path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--trace: {path} cannot be read: {error}") from None
    except TraceError as error:
        raise UsageError(f"--trace: {error}") from None


def _trace(file: TraceFile, program: Program) -> Trace:
    """What was recorded of a run of the program.

    Raises:
        UsageError: it is not a trace of this program.
    """
    from sglc.viz.trace import TraceError

    files = [module.file for module in (program.checked.entry, *program.checked.modules)]
    try:
        return file.read(files)
    except TraceError as error:
        raise UsageError(f"--trace: {error}") from None


def _pipeline(args: argparse.Namespace, trace: TraceFile | None) -> Pipeline:
    """The passes asked for; else those of the run, all for a page, none for a text.

    Raises:
        UsageError: the pipeline is wrong; the message names the place.
    """
    if args.level is None:
        args.level = 0 if args.out is None else LEVELS[-1]
        if trace is not None and args.pipeline is None:
            passes = str(trace.about.get("passes", ""))
            levels = [number for number in LEVELS if passes == f"-O{number}"]
            args.level, args.pipeline = (levels[0], None) if levels else (args.level, passes)
    return pipeline_of(args)


def _names(program: Program, prompt: str | None) -> list[str]:
    """The prompts to show: the one asked for, else all of the file, that of a run first.

    Raises:
        UsageError: there is no such prompt, or none at all.
    """
    from sglc.compiler.diagnostics.suggest import closest

    functions = program.graph.functions
    own = [name for name, f in functions.items() if f.kind == "prompt" and "." not in name]
    if prompt is not None and (prompt not in functions or functions[prompt].kind != "prompt"):
        near = closest(prompt, own)
        hint = f"; did you mean `{near}`?" if near else f"; there are: {', '.join(own)}"
        raise UsageError(f"--prompt: no prompt `{prompt}`{hint if own else ''}")
    if not own and prompt is None:
        raise UsageError("the program has no prompt: nothing to draw")
    first = [name for name in own if name == program.plan.entry]
    rest = [name for name in own if name not in first]
    return [prompt] if prompt is not None else [*first, *rest]
