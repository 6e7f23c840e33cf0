"""Print a program as its syntax tree, its graph or its plan."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("path", metavar="PROGRAM", help="a .sgl file")
    parser.add_argument("--emit", choices=("ast", "graph", "plan"), default="graph")
    parser.add_argument("--json", action="store_true", help="the JSON form of the graph")


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Compile the file as far as asked and print the result."""
    args = parser.parse_args(words)
    from sglc.cli.programs import compile_or_report, read_source

    if args.emit == "ast":
        return _emit_ast(args.path)
    program = compile_or_report(read_source(args.path))
    if program is None:
        return EXIT_ERRORS
    if args.emit == "plan":
        from sglc.compiler.plan.serial import plan_to_data

        _print_json(plan_to_data(program.plan))
    elif args.json:
        from sglc.compiler.ir.serial import to_data

        _print_json(to_data(program.graph))
    else:
        from sglc.compiler.ir.text import print_module

        print(print_module(program.graph), end="")
    return EXIT_OK


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
