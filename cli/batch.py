"""Batches: a program over the rows of a file, or over its own ``batch`` statements."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import EXIT_FAILED, EXIT_OK, UsageError
from sglc.cli.models import FilesOnce, engine_config, refused_tools, seed_of
from sglc.cli.profiles import recorder_of, report
from sglc.cli.recordings import begin_recording, cut_off_on_failure
from sglc.cli.rows import Answers, Row, answer_key, read_rows, refuse
from sglc.cli.run import choose_entry, with_passes
from sglc.cli.servers import host_of

if TYPE_CHECKING:
    from sglc.cli.history import HistoryFile
    from sglc.compiler.driver import Optimization, Program
    from sglc.compiler.plan.plan import Function, Plan
    from sglc.runtime.executor.run import Result
    from sglc.runtime.host import Host


def run_batch(
    args: argparse.Namespace,
    program: Program,
    optimization: Optimization,
    given: Mapping[str, Any],
    files: FilesOnce,
    history: HistoryFile | None = None,
) -> int:
    """Run every row; 3 when one failed. The rows that did not are answered all the same.

    What was run is added to the history, rows that were answered before are not.
    """
    plan = choose_entry(program, args.prompt)
    function = plan.functions[plan.entry]
    jobs = _jobs(args, program, plan, given)
    program = with_passes(program, optimization, constant_arguments(function, [r for r, _ in jobs]))
    plan = choose_entry(program, args.prompt)
    recorder, seed = recorder_of(args), seed_of(args, plan.config)
    salt = _salt(args, program, plan, seed)
    failed = 0
    with ExitStack() as stack:
        host: Host | None = None
        for rows, out in jobs:
            keys = [answer_key(salt, row.arguments, row.index) for row in rows]
            with Answers(out, keys) if out else nullcontext() as answers:
                waiting = [row for row in rows if answers is None or row.index not in answers.done]
                if answers is not None and len(waiting) < len(rows):
                    done = len(rows) - len(waiting)
                    print(f"{out}: {done} of {len(rows)} rows are done", file=sys.stderr)
                if waiting:
                    if host is None:
                        host = stack.enter_context(host_of(args, plan, recorder, files))
                        begin_recording(args, host, program, plan, seed)
                    with refused_tools(), cut_off_on_failure(host):
                        errors = _run_rows(host, plan, waiting, seed, answers, history)
                    failed += len(errors)
                    _report_failures(errors, len(waiting), out)
                if answers is not None:
                    answers.finish()
        if host is not None and host.writer is not None:
            host.writer.close()
        elif args.record is not None:
            print(f"{args.record}: nothing was left to run, or to record", file=sys.stderr)
    report(args, recorder, program, plan, seed)
    if history is not None:
        history.write()
    return EXIT_FAILED if failed else EXIT_OK


def _jobs(
    args: argparse.Namespace, program: Program, plan: Plan, given: Mapping[str, Any]
) -> list[tuple[list[Row], Path | None]]:
    """Return the rows to run, with the file that their answers go to, if there is one."""
    function = plan.functions[plan.entry]
    if args.inputs is not None:
        rows = bind_rows(function, read_rows(Path(args.inputs)), given, args.inputs)
        return [(rows, Path(args.out) if args.out else None)]
    if args.out is not None:
        raise UsageError("--out goes with --inputs; a `batch` statement names its file with `to`")
    folder = Path(args.program).parent
    jobs: list[tuple[list[Row], Path | None]] = []
    for batch in program.checked.batches:
        if batch.prompt.symbol != plan.entry:
            continue
        source = batch.rows
        columns = read_rows(folder / source) if isinstance(source, str) else list(source)
        rows = bind_rows(function, columns, given, str(source) if isinstance(source, str) else "")
        jobs.append((rows, folder / batch.output if batch.output else None))
    return jobs


def _salt(args: argparse.Namespace, program: Program, plan: Plan, seed: int) -> str:
    """Return what answers depend on besides their rows.

    What the program says, not its plan: most passes change no answer.
    """
    model = args.model or plan.config.get("model")
    salt = f"{program.graph.digest}/{plan.entry}/{model}/{args.dtype}/{seed}"
    if args.server is not None:
        salt += f"/{args.server}/{args.dialect}/{args.emulate}"
    if not engine_config(args).jump_forward:
        salt += "/no-jump"
    if any(op.attrs.get("seam") == "repair" for _, op in program.optimized.walk()):
        salt += "/repair"
    return salt


def constant_arguments(function: Function, jobs: Sequence[Sequence[Row]]) -> dict[str, Any]:
    """Return the arguments that are the same in every row, defaults included."""
    from sglc.compiler.plan.arguments import bind_arguments

    found: dict[str, Any] | None = None
    for row in (row for rows in jobs for row in rows):
        values = bind_arguments(function, row.arguments)
        if found is None:
            found = values
        else:
            found = {key: value for key, value in found.items() if _same(value, values[key])}
    return found or {}


def _same(a: object, b: object) -> bool:
    """Whether two arguments are written alike: 1, 1.0 and true are three."""
    return type(a) is type(b) and repr(a) == repr(b)


def bind_rows(
    function: Function, columns: Sequence[Mapping[str, Any]], given: Mapping[str, Any], name: str
) -> list[Row]:
    """Check every row before the first is run; a column that is no parameter is only passed on."""
    from sglc.compiler.plan.arguments import ArgumentError, bind_arguments

    names = {parameter.name for parameter in function.params}
    rows, problems = [], []
    unused: dict[str, None] = {}
    for index, row in enumerate(columns):
        unused |= dict.fromkeys(column for column in row if column not in names)
        arguments = {**given, **{key: value for key, value in row.items() if key in names}}
        try:
            bind_arguments(function, arguments)
        except ArgumentError as error:
            problems += [f"{name or 'batch'} row {index + 1}: {p}" for p in error.problems]
        rows.append(Row(index, row, arguments))
    refuse(problems)
    for column in unused:
        print(f"note: column `{column}` is not a parameter of {function.name}", file=sys.stderr)
    return rows


def _run_rows(
    host: Host,
    plan: Plan,
    rows: Sequence[Row],
    seed: int,
    answers: Answers | None,
    history: HistoryFile | None,
) -> dict[int, str]:
    """Run the rows and hand on each answer as it comes; return the errors by row."""
    from tqdm import tqdm

    errors: dict[int, str] = {}
    by_index = {row.index: row for row in rows}
    printed = _Ordered([row.index for row in rows])
    runs = host.run_batch(plan, [(row.index, row.arguments) for row in rows], seed=seed)
    with tqdm(total=len(rows), unit="row", disable=None, file=sys.stderr) as bar:
        for index, result in runs:
            answer = _answer(by_index[index], result, plan.functions[plan.entry])
            if result.error is not None:
                errors[index] = str(result.error)
            if history is not None:
                history.add(result)
            if answers is not None:
                answers.add(index, answer)
            else:
                printed.add(index, json.dumps(answer, ensure_ascii=False))
            bar.update()
    return errors


def _report_failures(errors: Mapping[int, str], num_rows: int, out: Path | None) -> None:
    if errors:
        first = min(errors)
        where = f"the errors are in {out}, and " if out else ""
        print(
            f"sglc: {len(errors)} of {num_rows} rows failed; row {first + 1}: {errors[first]}\n"
            f"  {where}the same command tries them again",
            file=sys.stderr,
        )


def _answer(row: Row, result: Result, function: Function) -> dict[str, Any]:
    """What is written for one row: its columns, and the value or the captures, or the error."""
    from sglc.runtime.executor.rendered import error_data, json_value

    record: dict[str, Any] = {"input": dict(row.columns)}
    if result.error is not None:
        partial = json_value(result.captures)
        return record | {"error": error_data(result.error), "partial": partial}
    if function.result is not None:
        return record | {"value": json_value(result.value)}
    return record | {"captures": json_value(result.captures)}


class _Ordered:
    """Prints lines in the order of their rows, each as soon as those before it are there."""

    def __init__(self, order: Sequence[int]) -> None:
        self._order = list(reversed(order))
        self._waiting: dict[int, str] = {}

    def add(self, index: int, line: str) -> None:
        self._waiting[index] = line
        while self._order and self._order[-1] in self._waiting:
            print(self._waiting.pop(self._order.pop()), flush=True)
