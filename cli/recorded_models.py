"""The model of a recording, for what it does not hold: loaded when there is something to ask."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from sglc.cli.errors import CommandError, UsageError
from sglc.cli.extras import needed_for
from sglc.cli.models import local_options, model_name
from sglc.cli.servers import check_server_options, server_of

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.core.backend import Backend
    from sglc.runtime.executor.stream import Encoder
    from sglc.runtime.recording.recording import Recording


@contextmanager
def model_of(
    args: argparse.Namespace, recording: Recording, plan: Plan, source: str
) -> Iterator[Callable[[], Backend]]:
    """Give what loads the model, or asks the server, of a recording or of the command line.

    Loading raises:
        CommandError: the model cannot be loaded; the server is not there, or cannot do what the
            plan asks.
        UsageError: it is a model with another tokenizer.

    Raises:
        UsageError: options that do not go together.
    """
    _complete(args, recording)
    with ExitStack() as stack:

        def load() -> Backend:
            backend: Backend
            encoder: Encoder
            if args.server is not None:
                host = stack.enter_context(server_of(args, plan, None))
                backend, encoder = host.remote.backend, host.encoder
            else:
                backend, encoder = _local(args, plan, source)
            if encoder.tokenizer.digest != recording.about["model"]["tokenizer"]:
                name = args.server or model_name(args.model, plan.config)
                raise UsageError(
                    f"{recording.path}: recorded with another tokenizer than that of `{name}`: "
                    "name its model with --model"
                )
            return backend

        yield load


def _complete(args: argparse.Namespace, recording: Recording) -> None:
    """Take what the command line does not say from the recording."""
    options = recording.about.get("options", {})
    if args.server is None and args.model is None:
        args.server = options.get("server")
        args.dialect = args.dialect or options.get("dialect")
        args.emulate = args.emulate or bool(options.get("emulate"))
        args.speculate = args.speculate or options.get("speculate")
        args.model = options.get("model") if args.server else recording.about["model"].get("name")
    if args.server is None and args.chat_template is None:
        args.chat_template = options.get("chat_template")
    args.dtype = options.get("dtype", "auto") if args.dtype == "auto" else args.dtype
    args.device = options.get("device", "auto") if args.device == "auto" else args.device
    args.no_jump_forward = args.no_jump_forward or not options.get("jump_forward", True)
    check_server_options(args)


def _local(args: argparse.Namespace, plan: Plan, source: str) -> tuple[Backend, Encoder]:
    with needed_for("running a model"):
        from sglc.runtime.local import load_engine
        from sglc.runtime.models.errors import ModelError
    try:
        engine = load_engine(local_options(args, source, plan.config))
    except ModelError as error:
        raise CommandError(str(error)) from None
    return engine.scheduler, engine.encoder
