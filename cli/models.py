"""What commands that run a model share: its options, loading it, the seed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from sglc.runtime.config import EngineConfig
    from sglc.runtime.executor.recorder import Recorder
    from sglc.runtime.host import Host


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Declare which model, where, how large and how long."""
    add = parser.add_argument
    add("--model", default=None, help="a folder, a hub id, or `embedded` (the default)")
    add("--dtype", choices=("auto", "float32", "bfloat16", "float16"), default="auto")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--seed", type=int, default=None, help="makes sampling repeatable (default 0)")
    add("--max-slots", type=_positive, metavar="N", help="tokens the KV cache holds")
    add("--no-jump-forward", action="store_true", help="sample also the text a constraint forces")
    add("--timeout", type=_seconds, metavar="SECONDS", help="give up a run after this long")


def load_host(
    args: argparse.Namespace,
    program_path: str,
    config: Mapping[str, Any],
    recorder: Recorder | None = None,
) -> Host:
    """Load the model and everything that runs plans on it; a recorder takes down what they cost.

    Raises:
        CommandError: the model cannot be loaded.
        UsageError: an environment variable has a bad value.
    """
    from pathlib import Path

    try:
        from sglc.runtime.config import cache_folder
        from sglc.runtime.local import LocalOptions, load
        from sglc.runtime.models.errors import ModelError
    except ModuleNotFoundError as error:
        raise CommandError(
            f"running a model needs {error.name}: pip install 'sglc[local]'"
        ) from None
    options = LocalOptions(
        model=args.model or config.get("model") or "embedded",
        dtype=args.dtype,
        device=args.device,
        num_slots=args.max_slots,
        search_path=(str(Path(program_path).resolve().parent),),
        timeout_s=args.timeout,
        engine=engine_config(args),
        cache_folder=cache_folder(),
    )
    try:
        return load(options, recorder)
    except ModelError as error:
        raise CommandError(str(error)) from None


def engine_config(args: argparse.Namespace) -> EngineConfig:
    """The engine's configuration: the environment's, and what the command line says.

    Raises:
        UsageError: an environment variable has a bad value.
    """
    from sglc.runtime.config import EngineConfig

    try:
        engine = EngineConfig.from_env()
    except ValueError as error:
        raise UsageError(str(error)) from None
    return replace(engine, jump_forward=False) if args.no_jump_forward else engine


@contextmanager
def refused_tools() -> Iterator[None]:
    """Turn a tool that cannot be bound into the end of the command."""
    from sglc.runtime.executor.tools import ToolError

    try:
        yield
    except ToolError as error:
        raise CommandError(str(error)) from None


def seed_of(args: argparse.Namespace, config: Mapping[str, Any]) -> int:
    """The seed of the command line, else of the file's config, else 0."""
    return int(args.seed if args.seed is not None else config.get("seed", 0))


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a time above 0, not {text}")
    return value
