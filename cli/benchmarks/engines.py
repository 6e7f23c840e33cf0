"""An engine for a benchmark in this process: the server's flags that say something of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sglc.cli.errors import CommandError, UsageError
from sglc.cli.extras import needed_for
from sglc.cli.serve import device_of, engine_of
from sglc.cli.server_flags import DTYPES, add_server_flags
from sglc.cli.unserved_flags import add_unserved_flags, check_unserved

if TYPE_CHECKING:
    from sglc.runtime.options import LocalOptions

# Flags of the server that are about what a benchmark has not: HTTP, texts, chats.
_SERVING: Final = (
    "chat_template", "served_model_name", "is_embedding", "skip_tokenizer_init",
    "watchdog_timeout", "host", "port", "file_storage_pth", "max_file_bytes", "batch_window",
    "stream_interval", "enable_cache_report", "max_queued_requests", "request_timeout",
    "drain_timeout",
)  # fmt: skip


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Declare the server's flags of SGLang's names; ``check_engine`` says which mean nothing."""
    add_server_flags(parser)
    add_unserved_flags(parser)


def check_engine(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what is not there, and what says nothing of an engine without a server.

    Raises:
        UsageError: naming the flag.
    """
    check_unserved(args)
    for dest in _SERVING:
        if getattr(args, dest) != parser.get_default(dest):
            flag = "--" + dest.replace("_", "-")
            raise UsageError(f"{flag} is about serving, and nothing is served here: leave it out")


def options_of(args: argparse.Namespace) -> LocalOptions:
    """Return what the flags say.

    Raises:
        UsageError: a flag or an environment variable has a bad value.
    """
    with loading():
        from sglc.runtime.options import LocalOptions
    return LocalOptions(
        model=args.model_path,
        tokenizer=args.tokenizer_path,
        load_format=args.load_format,
        context_length=args.context_length,
        memory_fraction=args.mem_fraction_static,
        dtype=DTYPES[args.dtype],
        device=device_of(args),
        # slot 0 holds nothing of anybody
        num_slots=None if args.max_total_tokens is None else args.max_total_tokens + 1,
        engine=engine_of(args),
    )


@contextmanager
def loading() -> Iterator[None]:
    """Turn what goes wrong when a model is loaded into the end of the command."""
    with needed_for("running a model"):
        from sglc.runtime.models.errors import ModelError

        try:
            yield
        except ModelError as error:
            raise CommandError(str(error)) from None


def check_room(num_slots: int, max_context: int, lengths: Sequence[int], what: str) -> None:
    """Refuse streams of ``lengths`` tokens at once that do not fit.

    Raises:
        UsageError: naming what is asked, and the limit.
    """
    if max(lengths) > max_context:
        raise UsageError(
            f"{what} takes {max(lengths)} tokens a prompt; the context holds {max_context}"
        )
    if sum(lengths) > num_slots:
        raise UsageError(
            f"{what} takes {sum(lengths)} tokens at once; the KV cache holds {num_slots}: "
            "see --mem-fraction-static and --max-total-tokens"
        )
