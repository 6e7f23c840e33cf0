"""Measure what passes are worth, or how fast this machine is.

    sglc bench program.sgl --question "Why?" --ablate
    sglc bench program.sgl --inputs rows.jsonl --ablate --rounds 9 --json
    sglc bench --calibrate

`--ablate` runs a program without passes, with all, and with all but each; tools are called in every
one of these runs. `--calibrate` measures the model at hand for `sglc estimate`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import EXIT_ERRORS, EXIT_FAILED, EXIT_OK, CommandError
from sglc.cli.models import (
    FilesOnce,
    add_model_options,
    load_host,
    model_name,
    refused_tools,
    seed_of,
)
from sglc.cli.passes import add_pass_options, pipeline_of
from sglc.cli.programs import compile_or_report, read_source
from sglc.cli.run import add_run_options

if TYPE_CHECKING:
    from sglc.cli.ablation import Variant


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line, without the flags that the program adds."""
    add = parser.add_argument
    add("program", metavar="PROGRAM", nargs="?", help="a .sgl file")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--ablate", action="store_true", help="each pass off in turn")
    what.add_argument("--calibrate", action="store_true", help="measure model and machine")
    add("--rounds", type=_rounds, default=5, metavar="N", help="how often each is timed (5)")
    add_run_options(parser)
    add("--json", action="store_true", help="print everything as one JSON object")
    add_model_options(parser)
    add_pass_options(parser)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Run what is asked for; 1 when outputs differ, 3 when a run failed."""
    if {"-h", "--help"} & {*words}:
        parser.print_help()
        return EXIT_OK
    args, rest = parser.parse_known_args(words)
    if args.calibrate:
        of_runs = (args.prompt, args.inputs, args.seed, args.timeout, args.pipeline)
        if args.program is not None or rest or args.arg or any(x is not None for x in of_runs):
            parser.error("--calibrate measures a model: it takes no program and nothing of runs")
        return _calibrate(args)
    if not args.ablate:
        parser.error("say what to measure: --ablate or --calibrate")
    if args.program is None:
        parser.error("--ablate takes a program")
    return _ablate(args, parser, rest)


def _calibrate(args: argparse.Namespace) -> int:
    from sglc.cli.estimates import machine_name
    from sglc.cli.measuring import measure, print_measured
    from sglc.compiler.cost.store import save
    from sglc.runtime.config import cache_folder
    from sglc.runtime.local import LocalHost

    folder = cache_folder()
    if folder is None:
        raise CommandError("there is no cache folder: set SGLC_CACHE_DIR to one")
    host = load_host(args, ".", {})
    assert isinstance(host, LocalHost)
    model = model_name(args.model, {})
    measured = measure(host, model=model, machine=machine_name(args), rounds=args.rounds)
    host.executor.close()
    try:
        path = save(folder, measured.calibration)
    except OSError as error:
        raise CommandError(f"cannot write to {folder}: {error.strerror or error}") from None
    if args.json:
        print(json.dumps(measured.calibration.to_data(), indent=1))
    else:
        print(f"{model} on {measured.calibration.machine}")
        print_measured(measured, sys.stdout)
        print(f"in {path}")
    return EXIT_OK


def _ablate(args: argparse.Namespace, parser: argparse.ArgumentParser, rest: Sequence[str]) -> int:
    from sglc.cli.ablation import Variant, draws, pipelines, print_variants, run_rounds, to_data
    from sglc.cli.estimate import rows_of
    from sglc.cli.run import check_arguments, choose_entry, parameter_flags, read_arguments
    from sglc.compiler.driver import Optimization
    from sglc.runtime.local import LocalHost

    source, files = read_source(args.program), FilesOnce(args.model, args.chat_template)
    variants: list[Variant] = []
    sampled, rows = False, list[Mapping[str, Any]]()
    for name, without, pipeline in pipelines(pipeline_of(args)):
        optimization = Optimization(
            pipeline, runs_entry=True, entry=args.prompt, by_value=True, markup=files.markup
        )
        program = compile_or_report(source, optimization, quiet=bool(variants))
        if program is None:
            return EXIT_ERRORS
        plan = choose_entry(program, args.prompt)
        if not variants:
            function = plan.functions[plan.entry]
            given = read_arguments(function, parameter_flags(function, parser), rest, args.arg)
            rows = rows_of(args, program, plan, given)
            if len(rows) == 1:
                check_arguments(function, rows[0])
        sampled = sampled or draws(program.optimized)
        variants.append(Variant(name, plan, without))
    host = load_host(args, args.program, variants[0].plan.config, files=files)
    assert isinstance(host, LocalHost)
    seed = seed_of(args, variants[0].plan.config)
    with refused_tools():
        failures = run_rounds(host, variants, rows, seed=seed, rounds=args.rounds, sampled=sampled)
    host.executor.close()
    if failures:
        print(f"sglc: {failures[0]}", file=sys.stderr)
        return EXIT_FAILED
    if args.json:
        data = {"rows": len(rows), "seed": seed, "variants": to_data(variants)}
        print(json.dumps(data, indent=1))
    else:
        print_variants(variants, sys.stdout)
    return _report(variants)


def _report(variants: Sequence[Variant]) -> int:
    """Name the passes that change what is seen."""
    wrong = [variant for variant in variants if variant.differs]
    for variant in wrong:
        what = f"the pass {variant.without} changes" if variant.without else "the passes change"
        print(f"sglc: {what} what the program gives", file=sys.stderr)
    return EXIT_ERRORS if wrong else EXIT_OK


def _rounds(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value
