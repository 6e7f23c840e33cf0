"""Report every mistake in programs; run nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("paths", nargs="+", metavar="PROGRAM", help="a .sgl file")
    parser.add_argument("--json", action="store_true", help="one JSON object per diagnostic")
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Check each file; 1 when any has an error."""
    from sglc.cli.programs import read_source, report
    from sglc.compiler.diagnostics import DiagnosticSink, Severity, to_data
    from sglc.compiler.frontend.check import check

    args = parser.parse_args(words)
    failed = False
    for path in args.paths:
        sink = DiagnosticSink()
        check(read_source(path), sink)
        if args.json:
            for diagnostic in sink.diagnostics:
                print(json.dumps(to_data(diagnostic), ensure_ascii=False))
        else:
            report(sink, sys.stderr)
        warned = any(d.severity is Severity.WARNING for d in sink.diagnostics)
        failed = failed or sink.has_errors or (args.strict and warned)
    return EXIT_ERRORS if failed else EXIT_OK
