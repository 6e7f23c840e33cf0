"""Print the page of a diagnostic code, such as SGL0405, or how a Python function runs."""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from sglc.program.functions import Function


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument(
        "subject", nargs="?", metavar="CODE | MODULE:FUNCTION",
        help="SGL0405, or 0405; all if left out. Or a prompt function in Python, by its module",
    )  # fmt: skip
    parser.add_argument(
        "arguments", nargs="*", metavar="NAME=VALUE",
        help="arguments of the function, as Python writes them: what it becomes may depend on them",
    )  # fmt: skip


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Print the page, or say that there is none; or print the function line by line."""
    from sglc.compiler.diagnostics.explain import explain, list_codes

    args = parser.parse_args(words)
    if args.subject is None:
        print(list_codes())
        return EXIT_OK
    if ":" in args.subject:
        from sglc.views.explaining import lines_of

        function = _function(args.subject)
        print("\n".join(lines_of(function, _arguments(function, args.arguments))))
        return EXIT_OK
    if args.arguments:
        raise UsageError("NAME=VALUE goes with MODULE:FUNCTION")
    try:
        print(explain(args.subject))
    except ValueError as error:
        raise UsageError(str(error)) from None
    return EXIT_OK


def _function(subject: str) -> Function:
    """Import a prompt function.

    Raises:
        UsageError: there is none of that name.
    """
    from sglc.program.functions import Function

    module, _, name = subject.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:  # whatever the module raises while it is loaded
        raise UsageError(f"cannot import {module}: {type(error).__name__}: {error}") from None
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, Function):
        known = [n for n, v in vars(sys.modules[module]).items() if isinstance(v, Function)]
        raise UsageError(
            f"{module} has no prompt function {name!r}; it has: {', '.join(known) or 'none'}"
        )
    return found


def _arguments(function: Function, words: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value``; a value that is no literal of Python is a text.

    Raises:
        UsageError: the function has no such parameter.
    """
    given: dict[str, Any] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or name not in list(function.signature.parameters)[1:]:
            raise UsageError(f"{word!r} is no argument of {function.func.__name__}: NAME=VALUE")
        try:
            given[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            given[name] = text
    return given
