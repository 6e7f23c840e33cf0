"""The options of ``sglc serve`` about uploaded programs and their runs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sglc.cli.errors import UsageError

if TYPE_CHECKING:
    from sglc.server.programs.config import ProgramsConfig


def add_uploads(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add(
        "--tool-webhooks",
        type=Path,
        default=None,
        metavar="FILE",
        help="tools of uploaded programs that a webhook answers, by name (docs/server.md)",
    )
    add(
        "--run-timeout",
        type=_seconds,
        default=None,
        metavar="SECONDS",
        help="wall time of one run of an uploaded program",
    )
    add(
        "--run-grace",
        type=_seconds,
        default=None,
        metavar="SECONDS",
        help="how long a run goes on without a client that follows it",
    )


def programs_config(args: argparse.Namespace) -> ProgramsConfig:
    """Return what the options say.

    Raises:
        UsageError: the file of webhooks cannot be used.
    """
    from sglc.server.programs.config import ProgramsConfig
    from sglc.server.programs.webhook_file import WebhookFileError, read_webhooks

    config = ProgramsConfig()
    if args.run_timeout is not None:
        config = replace(config, limits=replace(config.limits, wall_time_s=args.run_timeout))
    if args.run_grace is not None:
        config = replace(config, run_grace_s=args.run_grace)
    if args.tool_webhooks is not None:
        try:
            config = replace(config, webhooks=read_webhooks(args.tool_webhooks))
        except WebhookFileError as error:
            raise UsageError(f"--tool-webhooks: {error}") from None
    return config


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a time above 0, not {text}")
    return value
