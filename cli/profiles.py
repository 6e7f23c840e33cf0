"""What `run` tells of the cost of its runs: options, and where the profile and the trace go."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import UsageError

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.executor.recorder import Recorder


def add_profile_options(parser: argparse.ArgumentParser) -> None:
    """Declare what is told of the cost."""
    add = parser.add_argument
    add("--profile", action="store_true", help="print the source with the cost of each line")
    add("--profile-json", metavar="FILE.json", help="write the cost of each place")
    add("--trace", metavar="FILE.json", help="write a timeline for Perfetto or chrome://tracing")


def recorder_of(args: argparse.Namespace) -> Recorder | None:
    """Return a recorder if anything is to be told; None otherwise.

    Raises:
        UsageError: a file cannot be written where it is wanted.
    """
    files = {f"--{key}": getattr(args, key.replace("-", "_")) for key in ("profile-json", "trace")}
    wanted = {option: Path(name) for option, name in files.items() if name is not None}
    if not wanted and not args.profile:
        return None
    taken = {"--inputs": args.inputs, "--out": args.out, "the program": args.program}
    known = {Path(name).resolve(): option for option, name in taken.items() if name is not None}
    for option, path in wanted.items():
        if path.is_dir() or not path.absolute().parent.is_dir():
            reason = "is a directory" if path.is_dir() else "lies in a folder that does not exist"
            raise UsageError(f"{option}: {path} {reason}")
        other = known.setdefault(path.resolve(), option)
        if other != option:
            raise UsageError(f"{option}: {path} is already the file of {other}")
    from sglc.runtime.executor.recorder import Recorder

    return Recorder(timeline="--trace" in wanted)


def report(
    args: argparse.Namespace, recorder: Recorder | None, program: Program, plan: Plan, seed: int
) -> None:
    """Print and write what was asked for; the table goes to standard error, beside the answers."""
    if recorder is None:
        return
    from sglc.cli.costs import print_costs
    from sglc.runtime.executor.profile import Profile
    from sglc.runtime.executor.timeline import trace_data

    profile = Profile.of(recorder)
    modules = program.checked.modules
    sources = {module.file.name: module.file for module in (program.checked.entry, *modules)}
    about = {
        "program": args.program,
        "prompt": plan.entry,
        "plan": plan.digest,
        "model": args.model or plan.config.get("model") or "embedded",
        "seed": seed,
        "passes": f"-O{args.level}" if args.pipeline is None else args.pipeline,
        "by_value": not (args.json or args.stream),
        "files": {name: file.digest for name, file in sources.items()},
    }
    if args.profile:
        sys.stdout.flush()
        print_costs(profile, list(sources.values()), sys.stderr)
    if args.profile_json is not None:
        _write(args.profile_json, {**about, **profile.to_data()})
    if args.trace is not None:
        _write(args.trace, trace_data(recorder, about))


def _write(path: str, data: Mapping[str, Any]) -> None:
    with Path(path).open("w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False)
        file.write("\n")
