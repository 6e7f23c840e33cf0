"""The program of a recording, compiled as it was when it was recorded."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sglc.cli.errors import UsageError
from sglc.cli.passes import pipeline_of
from sglc.cli.programs import compile_or_report, read_source

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.recording.recording import RecordedRun, Recording


def compiled(path: str, recording: Recording) -> Program | None:
    """Compile a program as the one of the recording was; None if it has errors, which are told.

    Raises:
        UsageError: it cannot be read, lacks the prompt, or what was given does not fit it.
    """
    from sglc.cli.batch import constant_arguments
    from sglc.cli.rows import Row
    from sglc.cli.run import choose_entry, with_passes
    from sglc.compiler.driver import Optimization
    from sglc.compiler.passes.pipeline import Pipeline
    from sglc.runtime.recording.encoders import encoder_of
    from sglc.runtime.tokenizer.markup import TemplateMarkup

    if "options" not in recording.about:
        raise UsageError(f"{recording.path}: recorded by tests: run those")
    options = recording.about["options"]
    entry = str(recording.about["program"]["prompt"])
    encoder = encoder_of(recording)
    markup = TemplateMarkup.of(encoder.tokenizer, encoder.template) if options["markup"] else None
    optimization = Optimization(
        pipeline_of(Namespace(level=options["level"], pipeline=options["pipeline"])),
        runs_entry=True,
        entry=entry,
        by_value=options["by_value"],
        markup=None if markup is None else lambda module: markup,
    )
    source = read_source(path)
    unoptimized = Optimization(Pipeline(), runs_entry=True, entry=entry)
    program = compile_or_report(source, unoptimized)
    if program is None:
        return None
    plan = choose_entry(program, entry)
    runs = list(recording.runs.values())
    check_arguments(recording, runs, plan)
    rows = [Row(run.row, {}, run.arguments or {}) for run in runs]
    known = constant_arguments(plan.functions[plan.entry], [rows])
    return with_passes(program, optimization, known)


def check_arguments(recording: Recording, runs: Sequence[RecordedRun], plan: Plan) -> None:
    """Refuse runs whose arguments are not for the prompt of a plan.

    Raises:
        UsageError: names the run and each problem.
    """
    from sglc.compiler.plan.arguments import ArgumentError, bind_arguments

    function = plan.functions[plan.entry]
    for run in runs:
        if run.arguments is None:
            raise UsageError(
                f"{recording.path}: JSON does not hold the arguments of run {run.number}"
            )
        try:
            bind_arguments(function, run.arguments)
        except ArgumentError as error:
            problems = "\n  ".join(error.problems)
            raise UsageError(
                f"{recording.path}: the arguments of run {run.number} do not fit "
                f"{function.name}:\n  {problems}"
            ) from None
