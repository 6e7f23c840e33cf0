"""Serve a model over HTTP.

sglc serve --model-path ./my-model --port 30000
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sglc.cli.abbreviations import spelled_out
from sglc.cli.errors import EXIT_OK, CommandError, UsageError
from sglc.cli.extras import needed_for
from sglc.cli.models import engine_from_env
from sglc.cli.operations import add_operations, operations_config
from sglc.cli.server_flags import DTYPES, add_server_flags
from sglc.cli.unserved_flags import add_unserved_flags, check_unserved
from sglc.cli.uploads import add_uploads, programs_config

if TYPE_CHECKING:
    from sglc.runtime.config import EngineConfig
    from sglc.server.config import ServerConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line: flags by SGLang's names, and some of our own."""
    add_server_flags(parser)
    add_operations(parser)
    add_uploads(parser)
    add_unserved_flags(parser)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Serve until told to stop."""
    args = parser.parse_args(spelled_out(words))
    check_unserved(args)
    with needed_for("serving", "serve"):
        from sglc.runtime.models.errors import ModelError
        from sglc.server.engine.process import EngineError
        from sglc.server.main import serve
        from sglc.server.operations.key_file import KeyFileError
        from sglc.server.operations.tracing import TracingError
        from sglc.server.storage.faults import StorageError
    config = server_config(args)
    try:
        serve(config)
    except (EngineError, KeyFileError, ModelError, StorageError, TracingError) as error:
        raise CommandError(str(error)) from None
    return EXIT_OK


def server_config(args: argparse.Namespace) -> ServerConfig:
    """Return what the flags say, a seed drawn if they say none.

    Raises:
        UsageError: a flag or an environment variable has a bad value.
    """
    from sglc.server.config import ServerConfig

    return ServerConfig(
        model=args.model_path,
        tokenizer=args.tokenizer_path,
        chat_template=args.chat_template,
        load_format=args.load_format,
        served_name=args.served_model_name,
        dtype=DTYPES[args.dtype],
        device=device_of(args),
        context_length=args.context_length,
        memory_fraction=args.mem_fraction_static,
        num_slots=args.max_total_tokens,
        disk_cache=not args.disable_outlines_disk_cache,
        engine=engine_of(args),
        seed=secrets.randbits(31) if args.random_seed is None else args.random_seed,
        stream_interval=args.stream_interval,
        skip_tokenizer_init=args.skip_tokenizer_init,
        is_embedding=args.is_embedding,
        host=args.host,
        port=args.port,
        storage=args.file_storage_pth,
        max_file_bytes=args.max_file_bytes,
        batch_window=args.batch_window,
        enable_cache_report=args.enable_cache_report,
        operations=operations_config(args),
        programs=programs_config(args),
        max_queued=args.max_queued_requests,
        request_timeout_s=args.request_timeout,
        restart_timeout_s=args.watchdog_timeout,
        drain_timeout_s=args.drain_timeout,
    )


def device_of(args: argparse.Namespace) -> str:
    """Return which device the flags mean.

    Raises:
        UsageError: they name a GPU and the CPU.
    """
    if not args.base_gpu_id:
        return str(args.device)
    if args.device == "cpu":
        raise UsageError(f"--base-gpu-id {args.base_gpu_id} names a GPU, and --device is cpu")
    return f"cuda:{args.base_gpu_id}"


def engine_of(args: argparse.Namespace) -> EngineConfig:
    """Return the environment's configuration with what the flags say instead.

    Raises:
        UsageError: an environment variable has a bad value.
    """
    engine = engine_from_env()
    if args.max_running_requests is not None:
        engine = replace(engine, max_running=args.max_running_requests)
    if args.max_prefill_tokens is not None:
        engine = replace(engine, max_prefill_tokens=args.max_prefill_tokens)
    if args.chunked_prefill_size is not None:
        size = args.chunked_prefill_size
        engine = replace(engine, chunk_size=engine.max_prefill_tokens if size <= 0 else size)
    if args.schedule_policy is not None:
        engine = replace(engine, schedule_policy=args.schedule_policy)
    if args.disable_radix_cache:
        engine = replace(engine, radix_cache=False)
    if args.disable_jump_forward:
        engine = replace(engine, jump_forward=False)
    return engine
