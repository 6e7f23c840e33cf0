"""Programs on the model of another server: ``--server URL``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sglc.cli.errors import CommandError, UsageError
from sglc.cli.extras import needed_for
from sglc.cli.models import FilesOnce, load_host

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.elsewhere import ServerHost
    from sglc.runtime.executor.recorder import Recorder
    from sglc.runtime.host import Host

_LOCAL: Final = {
    "chat_template": None, "dtype": "auto", "device": "auto", "max_slots": None,
    "no_jump_forward": False,
}  # fmt: skip
_OF_SERVER: Final = {"dialect": None, "emulate": False, "speculate": None}


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Declare which server, and how it is asked."""
    add = parser.add_argument
    add("--server", metavar="URL", help="run on the model of this server, not on one here")
    add(
        "--dialect",
        choices=("native", "completions", "chat", "anthropic", "gemini"),
        default=None,
        help="of the server: SGLang's /generate (the default), OpenAI's /v1/completions or "
        "/v1/chat/completions, Anthropic's /v1/messages, or Gemini's generateContent",
    )
    add(
        "--emulate",
        action="store_true",
        help="where the server holds no text to a type: generate, check, and generate again",
    )
    add(
        "--speculate",
        type=int,
        metavar="N",
        help="ask for N tokens at least, and answer later calls from what is behind the end",
    )


def check_server_options(args: argparse.Namespace) -> None:
    """Refuse options that say nothing of the model that runs.

    Raises:
        UsageError: naming the option.
    """
    if args.server is None:
        for option in _given(args, _OF_SERVER):
            raise UsageError(f"{option} goes with --server")
        return
    for option in _given(args, _LOCAL):
        raise UsageError(f"{option} is about a model that runs here; leave it out")
    if args.speculate is not None and args.speculate < 1:
        raise UsageError(f"--speculate must be at least 1, not {args.speculate}")


def model_options_given(args: argparse.Namespace) -> list[str]:
    """Return the options given that say which model answers, and how."""
    return _given(args, {"model": None, **_LOCAL, "server": None, **_OF_SERVER})


def _given(args: argparse.Namespace, defaults: Mapping[str, object]) -> list[str]:
    given = [name for name, default in defaults.items() if getattr(args, name) != default]
    return ["--" + name.replace("_", "-") for name in given]


@contextmanager
def host_of(
    args: argparse.Namespace,
    plan: Plan,
    recorder: Recorder | None,
    files: FilesOnce | None,
) -> Iterator[Host]:
    """Give what runs the plan: a model here, or that of a server, which is let go of at the end.

    Raises:
        CommandError: the model cannot be loaded; the server is not there, or cannot do what the
            plan asks, naming every place.
        UsageError: an environment variable has a bad value.
    """
    if args.server is None:
        yield load_host(args, args.program, plan.config, recorder, files)
        return
    with server_of(args, plan, recorder) as host:
        yield host


@contextmanager
def server_of(
    args: argparse.Namespace, plan: Plan, recorder: Recorder | None
) -> Iterator[ServerHost]:
    """Give what runs the plan on the model of a server; it is let go of at the end.

    Raises:
        CommandError: the server is not there, or cannot do what the plan asks, naming every place.
    """
    host = _server_host(args, plan, recorder)
    try:
        unserved = list(dict.fromkeys(map(str, host.unserved(plan))))
        if unserved:
            raise CommandError("\n  ".join(["the server cannot run this program:", *unserved]))
        yield host
    finally:
        host.close()


def _server_host(args: argparse.Namespace, plan: Plan, recorder: Recorder | None) -> ServerHost:
    from pathlib import Path

    from sglc.runtime.config import first_set

    with needed_for("asking a server", "clients"):
        from sglc.runtime.elsewhere import ServerOptions, load_remote
        from sglc.runtime.remote.errors import RemoteError
        from sglc.runtime.remote.policy import Emulate, Policy
    model = args.model or plan.config.get("model")
    emulate: Emulate = "validate-retry" if args.emulate else "refuse"
    policy = Policy(emulate=emulate, speculate=args.speculate or 0)
    options = ServerOptions(
        url=args.server,
        kind=args.dialect or "native",
        model=None if model is None else str(model),
        api_key=first_set("SGLC_SERVER_KEY"),
        policy=policy,
        search_path=(str(Path(args.program or ".").resolve().parent),),
        timeout_s=getattr(args, "timeout", None),  # of commands that run what they load
    )
    try:
        return load_remote(options, recorder)
    except (RemoteError, ValueError) as error:
        raise CommandError(str(error)) from None
