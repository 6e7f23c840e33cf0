"""What commands that record runs share: the option, and what a recording says of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import CommandError, UsageError
from sglc.cli.extras import needed_for
from sglc.cli.models import model_name

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.host import Host
    from sglc.runtime.recording.recording import Recording

_OTHERS = ("program", "inputs", "out", "profile_json", "trace", "history")


def add_record_option(parser: argparse.ArgumentParser) -> None:
    """Declare where a recording goes."""
    parser.add_argument(
        "--record", metavar="FILE.sglrec",
        help="write all that model and tools say, for `sglc replay`",
    )  # fmt: skip


def check_record_file(args: argparse.Namespace) -> None:
    """Refuse a file that is something else, before anything runs.

    Raises:
        UsageError: says what it is.
    """
    if args.record is None:
        return
    path = Path(args.record)
    for name in _OTHERS:
        other = getattr(args, name, None)
        if other is not None and other != "auto" and Path(other).resolve() == path.resolve():
            what = "the program" if name == "program" else "--" + name.replace("_", "-")
            raise UsageError(f"--record: {path} is already the file of {what}")
    refuse_other_file(path)


def refuse_other_file(path: Path) -> None:
    """Refuse to write a recording over something that is none.

    Raises:
        UsageError: something else is there, or there is no such folder.
    """
    from sglc.runtime.recording.place import problem_with

    problem = problem_with(path)
    if problem is not None:
        raise UsageError(problem)


def begin_recording(
    args: argparse.Namespace, host: Host, program: Program, plan: Plan, seed: int
) -> None:
    """Write down what is run from now on, if that is asked for."""
    if args.record is None:
        return
    from sglc.runtime.recording.pictures import stable_ids
    from sglc.runtime.recording.writer import RecordingWriter

    about = recording_about(args, host, program, plan)
    stable = stable_ids(host.encoder.tokenizer)
    data = {**about, "options": options_data(args, seed)}
    host.record(RecordingWriter(args.record, data, stable))


def recording_about(
    args: argparse.Namespace, host: Host, program: Program, plan: Plan
) -> dict[str, Any]:
    """Return what a recording says of a program, and of the model it runs on.

    Raises:
        CommandError: the tokenizer of the model cannot be kept.
    """
    import sglc
    from sglc.runtime.recording.about import model_data
    from sglc.runtime.recording.recording import RecordingError

    try:
        name = getattr(args, "server", None) or model_name(args.model, plan.config)
        model = model_data(host.executor, host.encoder, name)
    except RecordingError as error:
        raise CommandError(f"--record: {error}") from None
    return {
        "by": f"sglc {sglc.__version__}",
        "program": {"prompt": plan.entry, **program_data(program)},
        "model": model,
    }


@contextmanager
def cut_off_on_failure(host: Host) -> Iterator[None]:
    """Leave a recording as it is if the block fails or is interrupted."""
    try:
        yield
    except BaseException:
        if host.writer is not None:
            host.writer.abandon()
        raise


def program_data(program: Program) -> dict[str, Any]:
    """Return what a recording says of a program: its sources."""
    checked = program.checked
    files = {module.file.name: module.file for module in (checked.entry, *checked.modules)}
    return {
        "path": checked.entry.file.name,
        "graph": program.graph.digest,
        "sources": {name: file.text for name, file in files.items()},
    }


def options_data(args: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Return what a recording says of how its program was compiled and run."""
    return {
        "level": args.level,
        "pipeline": args.pipeline,
        "by_value": not (args.json or args.stream),
        "markup": args.trace is None and args.server is None,
        "server": args.server,
        "dialect": args.dialect,
        "emulate": args.emulate,
        "speculate": args.speculate,
        "model": args.model,
        "chat_template": args.chat_template,
        "dtype": args.dtype,
        "device": args.device,
        "jump_forward": not args.no_jump_forward,
        "seed": seed,
    }


def read(path: str | Path) -> Recording:
    """Read a recording.

    Raises:
        CommandError: the machine lacks what reads it.
        UsageError: it cannot be read.
    """
    with needed_for("replaying"):
        from sglc.runtime.recording.reader import read_recording
        from sglc.runtime.recording.recording import RecordingError
    try:
        return read_recording(path)
    except RecordingError as error:
        raise UsageError(str(error)) from None
