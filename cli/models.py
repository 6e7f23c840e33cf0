"""What commands that run a model share: its options, loading it, the seed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import CommandError, UsageError
from sglc.cli.extras import needed_for
from sglc.cli.numbers import at_least

if TYPE_CHECKING:
    from sglc.compiler.ir.graph import Module
    from sglc.compiler.passes.base import Markup
    from sglc.runtime.config import EngineConfig
    from sglc.runtime.executor.recorder import Recorder
    from sglc.runtime.host import Host
    from sglc.runtime.models.files import ModelFiles
    from sglc.runtime.options import LocalOptions


def add_model_options(parser: argparse.ArgumentParser, *, runs: bool = True) -> None:
    """Declare which model, where, how large and, if it ``runs``, with which seed and how long."""
    add = parser.add_argument
    add("--model", default=None, help="a folder, a hub id, or `embedded` (the default)")
    add(
        "--chat-template", metavar="FILE",
        help="a .jinja or .json file, the name of one of the model's own templates, or one that is "
        "known, such as chatml, llama-2, vicuna_v1.1",
    )  # fmt: skip
    add("--dtype", choices=("auto", "float32", "bfloat16", "float16"), default="auto")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--max-slots", type=at_least(1), metavar="N", help="tokens the KV cache holds")
    add("--no-jump-forward", action="store_true", help="sample also the text a constraint forces")
    if runs:
        add("--seed", type=int, default=None, help="makes sampling repeatable (default 0)")
        add("--timeout", type=_seconds, metavar="SECONDS", help="give up a run after this long")


def load_host(
    args: argparse.Namespace,
    program_path: str,
    config: Mapping[str, Any],
    recorder: Recorder | None = None,
    files: FilesOnce | None = None,
) -> Host:
    """Load the model and everything that runs plans on it; a recorder takes down what they cost.
    ``files`` may have been read when the program was compiled.

    Raises:
        CommandError: the model cannot be loaded.
        UsageError: an environment variable has a bad value.
    """
    with needed_for("running a model"):
        from sglc.runtime.local import load
        from sglc.runtime.models.errors import ModelError
    try:
        return load(local_options(args, program_path, config, files), recorder)
    except ModelError as error:
        raise CommandError(str(error)) from None


def local_options(
    args: argparse.Namespace,
    program_path: str,
    config: Mapping[str, Any],
    files: FilesOnce | None = None,
) -> LocalOptions:
    """What the command line says of the model.

    Raises:
        UsageError: an environment variable has a bad value.
    """
    from pathlib import Path

    from sglc.runtime.config import cache_folder
    from sglc.runtime.options import LocalOptions

    return LocalOptions(
        model=model_name(args.model, config),
        chat_template=args.chat_template,
        dtype=args.dtype,
        device=args.device,
        num_slots=args.max_slots,
        search_path=(str(Path(program_path).resolve().parent),),
        timeout_s=getattr(args, "timeout", None),  # of commands that run what they load
        engine=engine_config(args),
        cache_folder=cache_folder(),
        files=None if files is None else files.found,
    )


def model_name(given: str | None, config: Mapping[str, Any]) -> str:
    """The model of the command line, else of the file's config, else the embedded one."""
    return str(given or config.get("model") or "embedded")


class FilesOnce:
    """The files of the model that a program will run on, read when the compiler asks for them.

    ``chat_template`` stands in for the model's own: see ``load_files``. ``found`` is what was read.
    A model that cannot be read is none here: loading it says why.
    """

    def __init__(self, model: str | None, chat_template: str | None = None) -> None:
        self._model = model
        self._chat_template = chat_template
        self.found: ModelFiles | None = None

    def markup(self, module: Module) -> Markup | None:
        """Return what the model's chat template writes, if that can be relied on."""
        from sglc.runtime.tokenizer.markup import TemplateMarkup

        try:
            found = self.load(model_name(self._model, module.config))
        except CommandError:
            return None
        return TemplateMarkup.of(found.tokenizer, found.template)

    def load(self, name: str) -> ModelFiles:
        """Return the files of a model; remembered.

        Raises:
            CommandError: it cannot be read.
        """
        from sglc.runtime.models.errors import ModelError
        from sglc.runtime.models.files import load_files

        if self.found is None or self.found.path_or_id != name:
            with needed_for("reading a tokenizer"):
                try:
                    self.found = load_files(name, chat_template=self._chat_template)
                except ModelError as error:
                    raise CommandError(str(error)) from None
        return self.found


def engine_config(args: argparse.Namespace) -> EngineConfig:
    """The engine's configuration: the environment's, and what the command line says.

    Raises:
        UsageError: an environment variable has a bad value.
    """
    engine = engine_from_env()
    return replace(engine, jump_forward=False) if args.no_jump_forward else engine


def engine_from_env() -> EngineConfig:
    """The engine's configuration, as the environment has it.

    Raises:
        UsageError: a variable has a bad value.
    """
    from sglc.runtime.config import EngineConfig

    try:
        return EngineConfig.from_env()
    except ValueError as error:
        raise UsageError(str(error)) from None


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


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a time above 0, not {text}")
    return value
