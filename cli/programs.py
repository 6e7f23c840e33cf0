"""What commands share: reading a program, compiling it, reporting what is wrong with it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK, UsageError

if TYPE_CHECKING:
    from sglc.compiler.diagnostics import DiagnosticSink
    from sglc.compiler.driver import Optimization, Program
    from sglc.compiler.source import SourceFile


def read_source(path: str) -> SourceFile:
    """Read a program file.

    Raises:
        UsageError: it is missing or not a text.
    """
    from sglc.compiler.source import SourceError, SourceFile

    try:
        return SourceFile.read(path)
    except SourceError as error:
        raise UsageError(str(error)) from None


def report(sink: DiagnosticSink, stream: TextIO) -> None:
    """Print the diagnostics, in colour on a terminal."""
    sink.print(stream, color=stream.isatty())


def report_errors(sink: DiagnosticSink) -> int:
    """Print the diagnostics and return the exit code they stand for."""
    report(sink, sys.stderr)
    return EXIT_ERRORS if sink.has_errors else EXIT_OK


def compile_or_report(
    source: SourceFile, optimization: Optimization | None = None, *, quiet: bool = False
) -> Program | None:
    """Compile a program; on errors print them and return None. Warnings are printed too.

    ``quiet``: the same program was compiled before, so everything has been said.
    """
    from sglc.compiler.diagnostics import DiagnosticSink
    from sglc.compiler.driver import compile_source

    sink = DiagnosticSink()
    program = compile_source(source, sink, optimization=optimization)
    if not quiet:
        report(sink, sys.stderr)
    return program
