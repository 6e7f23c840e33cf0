"""Print the page of a diagnostic code, such as SGL0405."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from sglc.cli.errors import EXIT_OK, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("code", nargs="?", metavar="CODE", help="SGL0405, or 0405; all if left out")


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Print the page, or say that there is none."""
    from sglc.compiler.diagnostics.explain import explain, list_codes

    args = parser.parse_args(words)
    if args.code is None:
        print(list_codes())
        return EXIT_OK
    try:
        print(explain(args.code))
    except ValueError as error:
        raise UsageError(str(error)) from None
    return EXIT_OK
