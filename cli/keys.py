"""Make and take away the API keys of a server.

sglc keys add keys.json alice --max-concurrent 8    # prints the key, this once
sglc keys list keys.json
sglc keys remove keys.json alice
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sglc.cli.errors import EXIT_OK, CommandError
from sglc.cli.extras import needed_for

if TYPE_CHECKING:
    from sglc.server.operations.key_file import KeyFile

_LIMITS = {
    "max_tokens": (int, "generated tokens of one request or run"),
    "max_model_calls": (int, "model calls of one request or run"),
    "max_fork_width": (int, "branches of one fork"),
    "max_wall_time_s": (float, "seconds of one run"),
    "max_concurrent": (int, "requests with model calls at once"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|remove")
    add = actions.add_parser("add", help="make a key, and print it")
    add.add_argument("file", type=Path)
    add.add_argument("name", help="whose key it is: the name of a tenant")
    for name, (kind, what) in _LIMITS.items():
        option = f"--{name.replace('_', '-')}"
        add.add_argument(option, type=kind, default=None, metavar="N", help=what)
    show = actions.add_parser("list", help="say whose keys there are")
    show.add_argument("file", type=Path)
    remove = actions.add_parser("remove", help="take the keys of a tenant away")
    remove.add_argument("file", type=Path)
    remove.add_argument("name")
    remove.add_argument("--id", default=None, help="this key alone; `list` has the ids")


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Change the file, or say what is in it."""
    args = parser.parse_args(words)
    with needed_for("keeping keys", "serve"):
        from sglc.server.operations.key_file import KeyFile, KeyFileError, edited
    try:
        if args.action == "list":
            _list(KeyFile.read(args.file))
            return EXIT_OK
        with edited(args.file) as found:
            if args.action == "add":
                limits = {name: getattr(args, name) for name in _LIMITS}
                key = found.add(args.name, {k: v for k, v in limits.items() if v is not None})
            else:
                count = found.remove(args.name, args.id)
    except KeyFileError as error:
        raise CommandError(str(error)) from None
    if args.action == "add":
        print(key)  # once it is in the file
    else:
        print(f"{count} {'key' if count == 1 else 'keys'} of {args.name} removed")
    return EXIT_OK


def _list(found: KeyFile) -> None:
    for name, holder in found.holders.items():
        limits = " ".join(
            f"{limit}={getattr(holder.limits, limit):g}"
            for limit in _LIMITS
            if getattr(holder.limits, limit) is not None
        )
        print(name, limits or "no limits")
        for key in holder.keys:
            print(f"  {key.number}  made {time.strftime('%Y-%m-%d', time.gmtime(key.created_at))}")
