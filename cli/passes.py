"""What commands that compile share: which passes run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sglc.cli.errors import UsageError

if TYPE_CHECKING:
    from sglc.compiler.passes.pipeline import Pipeline

LEVELS = (0, 1, 2)


def add_pass_options(parser: argparse.ArgumentParser, *, default: int = LEVELS[-1]) -> None:
    """Declare the level of optimization, and the passes one by one."""
    group = parser.add_argument_group("passes").add_mutually_exclusive_group()
    group.add_argument(
        "-O", type=int, choices=LEVELS, default=default, dest="level",
        help=f"0: no passes; 1: those that keep every token; 2: and the distribution ({default})",
    )  # fmt: skip
    group.add_argument("--pipeline", metavar="PASSES", help='these, in order: "fold,gvn,dce"')


def pipeline_of(args: argparse.Namespace, *, verify: bool = False) -> Pipeline:
    """Return the passes that the command line asks for.

    Raises:
        UsageError: the pipeline is wrong; the message names the place.
    """
    from dataclasses import replace

    from sglc.compiler.passes.pipeline import PipelineError, level, parse_pipeline

    if args.pipeline is None:
        return level(args.level, verify=verify)
    try:
        return replace(parse_pipeline(args.pipeline), verify=verify)
    except PipelineError as error:
        raise UsageError(str(error)) from None
