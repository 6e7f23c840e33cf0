"""Which server a benchmark asks, and with which key."""

from __future__ import annotations

import argparse

from sglc.cli.errors import UsageError
from sglc.cli.numbers import at_least

DEFAULT_PORT = 30000
_HOST = "127.0.0.1"


def add_address(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    group = parser.add_argument_group("the server", "its key is taken from SGLC_SERVER_KEY")
    add = group.add_argument
    add("--base-url", metavar="URL", help="where it is (on this machine)")
    add("--host", help="instead of a URL")
    add("--port", type=at_least(1), help="instead of a URL")


def url_of(args: argparse.Namespace, port: int = DEFAULT_PORT) -> str:
    """Return where the server is; ``port`` where nothing is said.

    Raises:
        UsageError: there is a URL and a host or a port, or it is no URL of HTTP.
    """
    if args.base_url is None:
        return f"http://{args.host or _HOST}:{args.port or port}"
    if args.host is not None or args.port is not None:
        raise UsageError("give either --base-url or --host and --port")
    if not args.base_url.startswith(("http://", "https://")):
        raise UsageError(f"--base-url {args.base_url}: must begin with http:// or https://")
    return str(args.base_url)


def key_of_server(backend: str) -> str | None:
    """Return the key that the environment has for the server; OpenAI's own for ``openai`` alone."""
    from sglc.runtime.config import first_set

    names = ("SGLC_SERVER_KEY", "OPENAI_API_KEY") if backend == "openai" else ("SGLC_SERVER_KEY",)
    return first_set(*names)
