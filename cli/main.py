"""The ``sglc`` command: finds the subcommand, turns every failure into a line and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from sglc.cli.errors import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_USAGE,
    CommandError,
)

COMMANDS = (
    "run", "check", "compile", "ir", "viz", "test", "estimate", "bench", "explain", "serve",
    "keys", "replay",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code. The edge of the process: nothing gets past."""
    return _at_edge(_dispatch, argv)


def module_main(name: str, argv: Sequence[str] | None = None) -> int:
    """Run the benchmark that ``python -m sglc.bench_NAME`` names; as ``main``."""
    return _at_edge(
        lambda words: _command(
            f"sglc.cli.benchmarks.{name}", f"python -m sglc.bench_{name}", words
        ),
        argv,
    )


def _at_edge(run: Callable[[list[str]], int], argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--traceback" in words
    if debug:
        words.remove("--traceback")
    try:
        return run(words)
    except CommandError as error:
        if debug:
            traceback.print_exc()
        print(f"sglc: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("sglc: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader went away; what is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except OSError as error:
        if debug:
            traceback.print_exc()
        print(f"sglc: {error}", file=sys.stderr)
        return EXIT_FAILED
    except Exception as error:
        if debug:
            traceback.print_exc()
        print(
            f"sglc: internal error: {type(error).__name__}: {error}\n"
            "  this is a defect of sglc; `sglc --traceback …` shows where",
            file=sys.stderr,
        )
        return EXIT_FAILED


def _dispatch(words: list[str]) -> int:
    if words and words[0] in COMMANDS:
        return _command(f"sglc.cli.{words[0]}", f"sglc {words[0]}", words[1:])
    return _top_level(words)


def _command(module: str, prog: str, words: list[str]) -> int:
    command = importlib.import_module(module)
    parser = argparse.ArgumentParser(prog=prog, description=command.__doc__)
    command.add_arguments(parser)
    try:
        return int(command.run(parser, words))
    except SystemExit as stop:  # argparse: 0 after --help, 2 after a usage error
        return EXIT_OK if not stop.code else EXIT_USAGE


def _top_level(words: list[str]) -> int:
    if words and words[0] in {"-V", "--version"}:
        import sglc

        print(f"sglc {sglc.__version__}")
        return EXIT_OK
    lines = ["usage: sglc COMMAND …", "", "commands:"]
    for name in COMMANDS:
        doc = importlib.import_module(f"sglc.cli.{name}").__doc__ or ""
        lines.append(f"  {name:9} {doc.strip().splitlines()[0]}")
    lines += ["", "`sglc COMMAND --help` tells more; `sglc --version` the version."]
    if not words or words[0] in {"-h", "--help"}:
        print("\n".join(lines))
        return EXIT_OK if words else EXIT_USAGE
    print("\n".join([f"sglc: unknown command {words[0]!r}", *lines]), file=sys.stderr)
    return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
