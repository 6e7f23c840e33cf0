"""The options of ``sglc serve`` about keys, logs, metrics, traces and origins."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sglc.cli.errors import UsageError

if TYPE_CHECKING:
    from sglc.server.operations.config import OperationsConfig


def add_operations(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--api-key", default=None, metavar="KEY", help="the one key that requests must bring")
    add("--api-keys", type=Path, default=None, metavar="FILE", help="keys made by `sglc keys`")
    add(
        "--isolate-cache",
        action="store_true",
        help="serve nothing of one tenant's prompts to another from the cache",
    )
    add(
        "--cors-origin",
        action="append",
        default=None,
        metavar="ORIGIN",
        help="an origin whose pages may call the server; may be repeated; `none` for no one "
        "(default: any)",
    )
    add("--enable-metrics", action="store_true", help="serve /metrics for Prometheus")
    add(
        "--otlp-traces-endpoint",
        default=None,
        metavar="URL",
        help="send a span per request there, as http://localhost:4318/v1/traces",
    )
    add("--log-format", choices=("text", "json"), default="text")
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    add("--log-requests", action="store_true", help="log lengths and tokens of each request")
    add("--log-bodies", action="store_true", help="log what requests say, up to 4 KiB of each")


def operations_config(args: argparse.Namespace) -> OperationsConfig:
    """Return what the options say.

    Raises:
        UsageError: an option has no meaning.
    """
    from sglc.server.operations.config import OperationsConfig
    from sglc.server.operations.secret import Secret

    if args.api_key is not None and not args.api_key.strip():
        raise UsageError("--api-key is empty: leave it out to serve everybody")
    return OperationsConfig(
        api_key=None if args.api_key is None else Secret(args.api_key),
        api_keys=args.api_keys,
        isolate_cache=args.isolate_cache,
        cors_origins=_origins(args.cors_origin),
        enable_metrics=args.enable_metrics,
        otlp_traces_endpoint=args.otlp_traces_endpoint,
        log_format=args.log_format,
        log_level=args.log_level,
        log_requests=args.log_requests,
        log_bodies=args.log_bodies,
    )


def _origins(given: list[str] | None) -> tuple[str, ...]:
    if given is None:
        return ("*",)
    if given == ["none"]:
        return ()
    for origin in given:
        if origin != "*" and not origin.startswith(("http://", "https://")):
            raise UsageError(
                f"--cors-origin {origin} is no origin: write https://example.org, `*` or `none`"
            )
        if origin.endswith("/"):
            raise UsageError(f"--cors-origin {origin}: an origin has no path, not even `/`")
    return tuple(given)
