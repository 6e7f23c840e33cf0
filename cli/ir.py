"""Print a program as its syntax tree, its graph or its plan, and what the passes did to it.

sglc ir judge.sgl -O0
sglc ir judge.sgl --pipeline fold,dce --print-after fold
sglc ir judge.sgl --report
sglc ir judge.sgl --model embedded
sglc ir solve.sgl --set samples=2
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK, UsageError
from sglc.cli.graphs import is_graph, read_graph
from sglc.cli.history import HistoryFile, add_history_option
from sglc.cli.passes import add_pass_options, pipeline_of

if TYPE_CHECKING:
    from sglc.compiler.driver import Optimization, Program
    from sglc.compiler.ir.graph import Module
    from sglc.compiler.passes.base import Pass
    from sglc.compiler.passes.report import Change
    from sglc.compiler.plan.plan import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("path", metavar="PROGRAM", help="a .sgl file, or a graph: .sglir, .json")
    parser.add_argument("--emit", choices=("ast", "graph", "plan"), default="graph")
    parser.add_argument("--json", action="store_true", help="the JSON form of graph or report")
    add = parser.add_argument
    add("--report", action="store_true", help="what the passes changed, instead of the graph")
    add("--model", help="as `sglc run` of this model has it, where only the value is looked at")
    add("--verify", action="store_true", help="check the graph before and after each pass")
    add(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="for runs in which this parameter of the entry prompt has this value",
    )  # fmt: skip
    add("--prompt", metavar="NAME", help="which prompt --set is about, when the file has several")
    add("--print-after", metavar="PASS", help="print the graph each time this pass has run")
    add_pass_options(parser)
    add_history_option(parser, writes=False)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Compile the file as far as asked and print the result."""
    args = parser.parse_args(words)
    if is_graph(args.path) and (args.emit == "ast" or args.model or args.set):
        raise UsageError("--emit ast, --model and --set are about programs; this is a graph")
    if args.emit == "ast":
        return _emit_ast(args.path)
    from sglc.compiler.driver import Optimization

    pipeline = pipeline_of(args, verify=args.verify)
    names = {each.name for each in pipeline.passes + pipeline.last}
    if args.print_after is not None and args.print_after not in names:
        run = f"these run: {', '.join(sorted(names))}" if names else "no pass runs"
        raise UsageError(f"--print-after: {args.print_after!r} does not run here; {run}")
    if args.prompt is not None and not args.set:
        raise UsageError("--prompt says what --set is about; without it every prompt may be run")
    watch = _Printer(args.print_after)
    history = HistoryFile.of(args)
    optimization = Optimization(
        pipeline, watch=watch, history=None if history is None else history.read
    )
    if args.model is not None:
        from sglc.cli.models import FilesOnce

        files = FilesOnce(args.model)
        files.load(args.model)
        optimization = replace(optimization, runs_entry=True, by_value=True, markup=files.markup)
    made = _compiled(args, optimization)
    if made is None:
        return EXIT_ERRORS
    if args.report and args.json:
        changes = [change.to_data() for change in made.changes]
        _print_json({"pipeline": str(pipeline), "changes": changes})
    elif args.report:
        from sglc.compiler.passes.report import summary

        print(summary(made.changes), end="")
    elif args.print_after is not None:
        return EXIT_OK
    elif args.emit == "plan":
        from sglc.compiler.plan.serial import plan_to_data

        _print_json(plan_to_data(made.plan))
    elif args.json:
        from sglc.compiler.ir.serial import to_data

        _print_json(to_data(made.graph))
    else:
        from sglc.compiler.ir.text import print_module

        print(print_module(made.graph), end="")
    return EXIT_OK


class _Made(NamedTuple):
    """What the passes made."""

    graph: Module
    plan: Plan
    changes: Sequence[Change]


def _compiled(args: argparse.Namespace, optimization: Optimization) -> _Made | None:
    """Compile a program, or optimize a graph; None when it has errors, which are printed."""
    if is_graph(args.path):
        from sglc.compiler.driver import optimize
        from sglc.compiler.lowering.lower import lower_module

        graph = read_graph(args.path)
        if graph is None:
            return None
        graph, changes = optimize(graph, [], optimization)
        return _Made(graph, lower_module(graph, ""), changes)
    from sglc.cli.programs import compile_or_report, read_source

    if args.set:
        program = _with_arguments(args, optimization)
    else:
        program = compile_or_report(read_source(args.path), optimization)
    if program is None:
        return None
    return _Made(program.optimized, program.plan, program.changes)


def _with_arguments(args: argparse.Namespace, optimization: Optimization) -> Program | None:
    """Compile a program for runs of its entry prompt with some arguments."""
    from sglc.cli.programs import compile_or_report, read_source
    from sglc.cli.run import choose_entry, read_values, split_pairs, with_passes
    from sglc.compiler.passes.pipeline import Pipeline

    unoptimized = replace(optimization, pipeline=Pipeline())
    program = compile_or_report(read_source(args.path), unoptimized)
    if program is None:
        return None
    plan = choose_entry(program, args.prompt)
    known = read_values(plan.functions[plan.entry], split_pairs(args.set, "--set"))
    made = replace(optimization, runs_entry=True, entry=args.prompt)
    return with_passes(program, made, known)


class _Printer:
    """Prints the graph whenever the pass ``name`` has run."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._count = 0

    def __call__(self, each: Pass, module: Module) -> None:
        if each.name == self._name:
            from sglc.compiler.ir.text import print_module

            self._count += 1
            print(f"// after {each}, run {self._count}\n{print_module(module)}")


def _emit_ast(path: str) -> int:
    from sglc.cli.programs import read_source, report_errors
    from sglc.compiler.diagnostics import DiagnosticSink
    from sglc.compiler.frontend.parser import parse

    sink = DiagnosticSink()
    module = parse(read_source(path), sink)
    _print_json(_tree(module))
    return report_errors(sink)


def _tree(node: Any) -> Any:
    """A syntax node as JSON: its class, its place, its fields."""
    from sglc.compiler.frontend.ast import Node
    from sglc.compiler.source import SourceFile

    if isinstance(node, Node):
        data: dict[str, Any] = {"node": type(node).__name__, "at": str(node.span)}
        for name in node.FIELDS:
            value = getattr(node, name)
            if name != "span" and not isinstance(value, SourceFile):
                data[name] = _tree(value)
        return data
    if isinstance(node, tuple):
        return [_tree(item) for item in node]
    return node


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=1, ensure_ascii=False))
