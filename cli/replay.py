"""Run what was recorded once more, answered by the recording.

sglc run ask.sgl --question "Why?" --record ask.sglrec
sglc replay ask.sglrec                # without a model: identical, or the first difference
sglc replay ask.sglrec ask.sgl        # the program as it is now
sglc replay ask.sglrec --execute      # the model runs what an edit has changed
sglc replay ask.sglrec --update       # ... and the recording is written anew
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK, UsageError
from sglc.cli.models import add_model_options, refused_tools
from sglc.cli.recorded_models import model_of
from sglc.cli.recorded_programs import check_arguments, compiled
from sglc.cli.recordings import read
from sglc.cli.reexecution import MAKE_TOOL_CALLS, counted, execute, updated
from sglc.cli.servers import add_server_options, model_options_given

_GO_ON: Final = "`--update` brings the runs to their end"

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.recording.recording import RecordedRun, Recording
    from sglc.runtime.recording.replay import Replay, RunTools


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("recording", metavar="FILE.sglrec", help="what `sglc run --record` wrote")
    add(
        "program", nargs="?", metavar="PROGRAM",
        help="run this .sgl file instead of the program in the recording",
    )  # fmt: skip
    add(
        "--execute", action="store_true",
        help="let the model answer what is not in the recording; runs the program as it is now",
    )  # fmt: skip
    add("--update", action="store_true", help="as --execute, and write the recording anew")
    add(
        "--run-tools", nargs="?", const="all", default="none", choices=("all", "missing"),
        help="call the tools, or those that the recording knows nothing of: else they are not",
    )  # fmt: skip
    add_model_options(parser, runs=False)
    add_server_options(parser)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Replay. 1 when something differs, 3 when a run failed that was executed."""
    args = parser.parse_args(words)
    recording = read(args.recording)
    from sglc.runtime.recording.recording import RecordingError

    try:
        return _replay(args, recording)
    except RecordingError as error:
        raise UsageError(str(error)) from None


def _replay(args: argparse.Namespace, recording: Recording) -> int:
    from sglc.runtime.recording.replay import open_replay, recorded_plan

    executes = args.execute or args.update
    if not executes:
        for option in model_options_given(args):
            raise UsageError(f"{option} goes with --execute or --update: else there is no model")
    plan, program, path = recorded_plan(recording), None, _program_path(args, recording)
    if path is not None:
        program = compiled(path, recording)
        if program is None:
            return EXIT_ERRORS
        plan = program.plan.with_entry(plan.entry)
    runs = [run for run in recording.runs.values() if executes or run.outcome is not None]
    check_arguments(recording, runs, plan)
    source = path or recording.about.get("program", {}).get("path", ".")
    folder = Path(source).resolve().parent
    run_tools: RunTools = args.run_tools
    if not executes:
        with refused_tools():
            replay = open_replay(recording, (folder,), run_tools=run_tools)
            return _check(args, recording, replay, plan, runs)
    with (
        model_of(args, recording, plan, source) as load,
        updated(args, recording, program) as writer,
        refused_tools(),
    ):
        replay = open_replay(recording, (folder,), load=load, run_tools=run_tools, writer=writer)
        return execute(args, recording, replay, plan, runs)


def _check(
    args: argparse.Namespace,
    recording: Recording,
    replay: Replay,
    plan: Plan,
    runs: Sequence[RecordedRun],
) -> int:
    """Compare every run with what it came to; tell the first difference."""
    from sglc.runtime.recording.differences import first_difference, missing_call
    from sglc.runtime.recording.replay import replay_runs

    differences = {}
    for recorded, result in replay_runs(replay.host, plan, runs):
        found = first_difference(recorded, result, plan)
        if found is not None:
            differences[recorded.number] = found
    replay.host.executor.close()
    told: str | None = None
    if replay.backend.missing:
        tokenizer = replay.host.encoder.tokenizer
        told = str(missing_call(recording, replay.backend.missing[0], plan, tokenizer))
    elif replay.tape is not None and replay.tape.missing:
        told = f"{replay.tape.missing[0]}\n  {MAKE_TOOL_CALLS}"
    elif differences:
        number = min(differences)
        where = f"row {recording.runs[number].row + 1}: " if len(recording.runs) > 1 else ""
        told = f"{where}{differences[number]}"
    if told is not None:
        print(f"{args.recording}: not the same\n  " + told.replace("\n", "\n  "))
        return EXIT_ERRORS
    unended = len(recording.runs) - len(runs)
    if not runs and not recording.is_whole:
        print(f"{args.recording}: nothing to compare: no run had ended when it was cut off")
        print(f"  {_GO_ON}")
        return EXIT_ERRORS
    counts = [
        counted(len(runs), "run"),
        counted(replay.backend.num_played, "call"),
        counted(replay.backend.played_tokens, "token"),
        counted(replay.tape.num_played if replay.tape else 0, "tool call"),
    ]
    print(f"{args.recording}: identical: {', '.join(counts)}")
    if unended:
        print(f"{counted(unended, 'run')} had not ended when the recording was cut off; {_GO_ON}")
    return EXIT_OK


def _program_path(args: argparse.Namespace, recording: Recording) -> str | None:
    """Return the file to compile, None for the plan of the recording."""
    if args.program is not None:
        return str(args.program)
    path = str(recording.about.get("program", {}).get("path", ""))
    return path if (args.execute or args.update) and Path(path).is_file() else None
