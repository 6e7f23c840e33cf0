"""Replays in which a model answers what a recording does not."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import EXIT_FAILED, EXIT_OK, CommandError, UsageError
from sglc.cli.models import local_options, model_name
from sglc.cli.recordings import program_data

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.core.backend import Backend
    from sglc.runtime.executor.run import Result
    from sglc.runtime.recording.recording import RecordedRun, Recording
    from sglc.runtime.recording.replay import Replay
    from sglc.runtime.recording.writer import RecordingWriter


def execute(
    args: argparse.Namespace,
    recording: Recording,
    replay: Replay,
    plan: Plan,
    runs: Sequence[RecordedRun],
) -> int:
    """Run, print what came of it, and tell what the model had to do."""
    from sglc.cli.output import print_result
    from sglc.runtime.recording.replay import replay_runs

    function, failed = plan.functions[plan.entry], 0
    results: dict[int, Result] = {}
    order = [run.number for run in runs]
    for recorded, result in replay_runs(replay.host, plan, runs):
        results[recorded.number] = result
        while order and order[0] in results:
            ended = results.pop(order.pop(0))
            if len(runs) == 1:
                print_result(ended, function, sys.stdout)
            else:
                print(json.dumps(_answer(ended, typed=function.result is not None),
                                 ensure_ascii=False))  # fmt: skip
            if ended.error is not None:
                failed += 1
                print(f"sglc: {ended.error}", file=sys.stderr)
    replay.host.executor.close()
    backend, tape = replay.backend, replay.tape
    told = [
        f"from the recording: {counted(backend.num_played, 'call')}, "
        f"{counted(backend.played_tokens, 'token')}",
        f"executed: {counted(backend.num_executed, 'call')}, "
        f"{counted(backend.executed_tokens, 'token')}",
        f"no longer asked: {counted(backend.num_unused, 'call')}",
    ]
    if tape is not None and (tape.num_played or tape.num_made):
        told.append(f"tools: {tape.num_played} from the recording, {tape.num_made} called")
    print("; ".join(told), file=sys.stderr)
    return EXIT_FAILED if failed else EXIT_OK


def _answer(result: Result, *, typed: bool) -> dict[str, Any]:
    from sglc.runtime.executor.rendered import json_value

    if result.error is not None:
        return {"error": str(result.error), "partial": json_value(result.captures)}
    return {"value" if typed else "captures": json_value(result.value)}


def loader(
    args: argparse.Namespace, recording: Recording, plan: Plan, source: str
) -> Callable[[], Backend]:
    """Return what loads the model, when there is something for it to do."""
    about, options = recording.about["model"], recording.about.get("options", {})
    args.model = args.model or about.get("name")
    args.dtype = options.get("dtype", "auto") if args.dtype == "auto" else args.dtype
    args.device = options.get("device", "auto") if args.device == "auto" else args.device
    args.no_jump_forward = args.no_jump_forward or not options.get("jump_forward", True)

    def load() -> Backend:
        try:
            from sglc.runtime.local import load_engine
            from sglc.runtime.models.errors import ModelError
        except ModuleNotFoundError as error:
            raise CommandError(
                f"running a model needs {error.name}: pip install 'sglc[local]'"
            ) from None
        try:
            engine = load_engine(local_options(args, source, plan.config))
        except ModelError as error:
            raise CommandError(str(error)) from None
        if engine.encoder.tokenizer.digest != about["tokenizer"]:
            raise UsageError(
                f"{recording.path}: recorded with another tokenizer than that of "
                f"`{model_name(args.model, plan.config)}`: name its model with --model"
            )
        return engine.scheduler

    return load


@contextmanager
def updated(
    args: argparse.Namespace, recording: Recording, program: Program | None, plan: Plan
) -> Iterator[RecordingWriter | None]:
    """Let the new recording take the place of the old one, when it is whole."""
    if not args.update:
        yield None
        return
    from sglc.runtime.recording.writer import RecordingWriter

    path = recording.path
    temporary = path.with_name(f"{path.name}.tmp")
    writer = RecordingWriter(temporary, _about(recording, program, args.model))
    try:
        yield writer
        writer.close()
        temporary.replace(path)
    finally:
        writer.abandon()
        temporary.unlink(missing_ok=True)
    print(f"{path}: written anew", file=sys.stderr)


def _about(recording: Recording, program: Program | None, model: str | None) -> Mapping[str, Any]:
    """Return what the new recording says of what it holds."""
    about = {name: value for name, value in recording.about.items() if name != "sglrec"}
    about["model"] = {**about["model"], "name": model}
    if program is None:
        return about
    return {**about, "program": {**about["program"], **program_data(program)}}


def counted(count: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
