"""Serve a model over HTTP.

sglc serve --model-path ./my-model --port 30000
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from sglc.cli.errors import EXIT_OK, CommandError
from sglc.cli.models import engine_config
from sglc.cli.operations import add_operations, operations_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    add = parser.add_argument
    add("--model-path", "--model", default="embedded", help="a folder, a hub id, or `embedded`")
    add("--served-model-name", default=None, help="what the model is called in replies")
    add("--dtype", choices=("auto", "float32", "bfloat16", "float16"), default="auto")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--max-total-tokens", type=int, default=None, help="tokens the KV cache holds")
    add("--no-jump-forward", action="store_true", help="sample also the text a constraint forces")
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=30000)
    add("--max-queued-requests", type=int, default=4096, help="more at once are refused with 429")
    add("--request-timeout", type=float, default=None, help="seconds that a request may take")
    add("--watchdog-timeout", type=float, default=300.0, help="seconds an engine may be silent")
    add("--drain-timeout", type=float, default=30.0, help="seconds for requests after SIGTERM")
    add("--random-seed", type=int, default=None, help="of requests that name no seed")
    add_operations(parser)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Serve until told to stop."""
    args = parser.parse_args(words)
    try:
        from sglc.runtime.models.errors import ModelError
        from sglc.server.config import ServerConfig
        from sglc.server.engine.process import EngineError
        from sglc.server.main import serve
        from sglc.server.operations.key_file import KeyFileError
        from sglc.server.storage.faults import StorageError
    except ModuleNotFoundError as error:
        raise CommandError(f"serving needs {error.name}: pip install 'sglc[serve]'") from None
    config = ServerConfig(
        model=args.model_path,
        served_name=args.served_model_name,
        dtype=args.dtype,
        device=args.device,
        num_slots=args.max_total_tokens,
        engine=engine_config(args),
        seed=args.random_seed,
        host=args.host,
        port=args.port,
        operations=operations_config(args),
        max_queued=args.max_queued_requests,
        request_timeout_s=args.request_timeout,
        restart_timeout_s=args.watchdog_timeout,
        drain_timeout_s=args.drain_timeout,
    )
    try:
        serve(config)
    except (EngineError, KeyFileError, ModelError, StorageError) as error:
        raise CommandError(str(error)) from None
    return EXIT_OK
