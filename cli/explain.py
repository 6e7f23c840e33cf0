"""Print the page of a diagnostic code, such as SGL0405."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from sglc.cli.errors import EXIT_OK, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("code", metavar="CODE", help="SGL0405, or 0405")


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Print the page, or say that there is none."""
    from sglc.compiler.diagnostics.explain import explain

    args = parser.parse_args(words)
    code = args.code.upper()
    page = explain(code if code.startswith("SGL") else f"SGL{code}")
    if page is None:
        raise UsageError(f"no diagnostic has the code {args.code}")
    print(page)
    return EXIT_OK
