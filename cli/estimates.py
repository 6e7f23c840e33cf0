"""What commands that look at costs share: the tokenizer without the weights, the calibration."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sglc.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from sglc.cli.models import FilesOnce
    from sglc.compiler.cost.calibration import Calibration
    from sglc.compiler.ir.graph import Module
    from sglc.runtime.tokenizer.prompt import PromptEncoder


class ModelFacts(NamedTuple):
    """What an estimate has to know of a model; no encoder where no tokenizer can be loaded."""

    encoder: PromptEncoder | None
    max_context: int | None


def load_facts(name: str, files: FilesOnce) -> ModelFacts:
    """Load tokenizer and chat template of the model; its weights are not read.

    Raises:
        CommandError: there is no such model, or its files are broken.
    """
    try:
        import tokenizers  # noqa: F401  # what reads tokenizers is an extra

        from sglc.runtime.models.config import read_config
        from sglc.runtime.models.errors import ModelError
        from sglc.runtime.tokenizer.prompt import PromptEncoder
    except ModuleNotFoundError:
        return ModelFacts(None, None)
    found = files.load(name)
    try:
        max_context = read_config(found.directory).max_context
    except ModelError as error:
        raise CommandError(str(error)) from None
    return ModelFacts(PromptEncoder(found.tokenizer, found.template), max_context)


def machine_name(args: argparse.Namespace) -> str:
    """This machine, and what of it a model is run on."""
    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{processor} x{os.cpu_count()} {args.device} {args.dtype}"


def calibration_of(args: argparse.Namespace, model: str) -> Calibration:
    """Return the calibration of the file that is named, else that of this machine and model, else
    the one that says that it is none.

    Raises:
        UsageError: the file that is named is missing or none.
        CommandError: the one of this machine is broken.
    """
    from sglc.compiler.cost.calibration import UNCALIBRATED, CalibrationError
    from sglc.compiler.cost.store import load, read
    from sglc.runtime.config import cache_folder

    named = getattr(args, "calibration", None)
    if named is not None:
        try:
            return read(Path(named))
        except CalibrationError as error:
            raise UsageError(str(error)) from None
    folder = cache_folder()
    if folder is None:
        return UNCALIBRATED
    try:
        return load(folder, model, machine_name(args)) or UNCALIBRATED
    except CalibrationError as error:
        raise CommandError(f"{error}; delete it, or measure anew: sglc bench --calibrate") from None


def evaluate(module: Module, name: str, arguments: Mapping[str, Any]) -> Any:
    """Run a function of a program for an estimate."""
    from sglc.compiler.evaluation import evaluate_function
    from sglc.compiler.passes.base import NotConstant

    try:
        return evaluate_function(module, name, arguments)
    except NotConstant as error:
        raise LookupError(name) from error
