"""Replays in which a model answers what a recording does not."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sglc.cli.errors import EXIT_FAILED, EXIT_OK, CommandError
from sglc.cli.recordings import program_data

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.executor.errors import RunError
    from sglc.runtime.executor.run import Result
    from sglc.runtime.recording.recording import RecordedRun, Recording
    from sglc.runtime.recording.replay import Replay
    from sglc.runtime.recording.writer import RecordingWriter

MAKE_TOOL_CALLS: Final = "to make it: --run-tools=missing"
_OF_BACKEND: Final = ("model", "internal")  # what is no fault of the program
_OF_MODEL: Final = (
    "server", "dialect", "emulate", "speculate", "model", "chat_template", "dtype", "device",
)  # fmt: skip


def execute(
    args: argparse.Namespace,
    recording: Recording,
    replay: Replay,
    plan: Plan,
    runs: Sequence[RecordedRun],
) -> int:
    """Run, print what came of it, and tell what the model had to do.

    Raises:
        CommandError: a tool was called that the recording knows nothing of; or the recording is
            to be written anew, and the model failed where it had not.
    """
    from sglc.cli.output import print_result
    from sglc.runtime.recording.replay import replay_runs

    function, failed = plan.functions[plan.entry], 0
    results: dict[int, Result] = {}
    order = [run.number for run in runs]
    lost: RunError | None = None
    for recorded, result in replay_runs(replay.host, plan, runs):
        had_failed = bool((recorded.outcome or {}).get("error"))
        if result.error is not None and result.error.code in _OF_BACKEND and not had_failed:
            lost = lost or result.error
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
    stays = "; the recording stays as it was" if args.update else ""
    if tape is not None and tape.missing:
        raise CommandError(f"{tape.missing[0]}; {MAKE_TOOL_CALLS}{stays}")
    if args.update and lost is not None:
        raise CommandError(f"the model has failed: {lost}{stays}")
    return EXIT_FAILED if failed else EXIT_OK


def _answer(result: Result, *, typed: bool) -> dict[str, Any]:
    from sglc.runtime.executor.rendered import json_value

    if result.error is not None:
        return {"error": str(result.error), "partial": json_value(result.captures)}
    return {"value" if typed else "captures": json_value(result.value)}


@contextmanager
def updated(
    args: argparse.Namespace, recording: Recording, program: Program | None
) -> Iterator[RecordingWriter | None]:
    """Let the new recording take the place of the old one, when it is whole."""
    if not args.update:
        yield None
        return
    from sglc.runtime.recording.writer import RecordingWriter

    path = recording.path
    temporary = path.with_name(f"{path.name}.tmp")
    writer = RecordingWriter(temporary, _about(args, recording, program))
    try:
        yield writer
        writer.close()
        temporary.replace(path)
    finally:
        writer.abandon()
        temporary.unlink(missing_ok=True)
    print(f"{path}: written anew", file=sys.stderr)


def _about(
    args: argparse.Namespace, recording: Recording, program: Program | None
) -> Mapping[str, Any]:
    """Return what the new recording says of what it holds."""
    about = {name: value for name, value in recording.about.items() if name != "sglrec"}
    about["model"] = {**about["model"], "name": args.server or args.model}
    if "options" in about:
        of_model = {name: getattr(args, name) for name in _OF_MODEL}
        about["options"] = {**about["options"], **of_model}
    if program is None:
        return about
    return {**about, "program": {**about["program"], **program_data(program)}}


def counted(count: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
