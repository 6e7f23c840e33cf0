"""Say what a program will cost, before it runs: tokens, slots, steps, seconds.

    sglc estimate ask.sgl --question "What is the capital of France?"
    sglc estimate ask.sgl --inputs rows.jsonl --budget 100000

Parameters are flags, as those of `sglc run`; one that is left out may have any value. No weights
are read and no tool is called.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK, UsageError
from sglc.cli.models import FilesOnce, add_model_options, engine_config, model_name
from sglc.cli.passes import add_pass_options, pipeline_of
from sglc.cli.programs import compile_or_report, read_source
from sglc.cli.programs import report as report_diagnostics
from sglc.cli.run import add_run_options

if TYPE_CHECKING:
    from sglc.cli.estimates import ModelFacts
    from sglc.compiler.cost.calibration import Calibration
    from sglc.compiler.cost.estimate import Estimate
    from sglc.compiler.cost.tally import Figures, Place
    from sglc.compiler.driver import Program
    from sglc.compiler.plan.plan import Plan
    from sglc.compiler.source import SourceFile, Span

_COLUMNS = ("calls", "tools", "prompt", "cached", "prefilled", "decoded", "forced", "scored")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line, without the flags that the program adds."""
    add = parser.add_argument
    add("program", metavar="PROGRAM", help="a .sgl file")
    add_run_options(parser)
    add("--budget", type=_tokens, metavar="TOKENS", help="fail if it may take more than these")
    add("--calibration", metavar="FILE.json", help="instead of that of this machine and model")
    add("--json", action="store_true", help="print everything as one JSON object")
    add_model_options(parser, runs=False)
    add_pass_options(parser)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Compile, look at what may run, print what it costs; 1 when that is above the budget."""
    from sglc.cli.estimates import calibration_of, load_facts
    from sglc.cli.run import choose_entry, parameter_flags, read_arguments
    from sglc.compiler.driver import Optimization

    if {"-h", "--help"} & {*words}:
        parser.print_help()
        return EXIT_OK
    args, rest = parser.parse_known_args(words)
    files = FilesOnce(args.model, args.chat_template)
    optimization = Optimization(
        pipeline_of(args),
        runs_entry=True,
        entry=args.prompt,
        by_value=not args.json,
        markup=files.markup,
    )
    program = compile_or_report(read_source(args.program), optimization)
    if program is None:
        return EXIT_ERRORS
    plan = choose_entry(program, args.prompt)
    function = plan.functions[plan.entry]
    given = read_arguments(function, parameter_flags(function, parser), rest, args.arg)
    rows = rows_of(args, program, plan, given)
    model = model_name(args.model, plan.config)
    facts = load_facts(model, files)
    found = _estimate(args, program, plan, rows, facts, calibration_of(args, model))
    if args.json:
        print(json.dumps(found.to_data(), ensure_ascii=False, indent=1))
    else:
        modules = program.checked.modules
        sources = {module.file.name: module.file for module in (program.checked.entry, *modules)}
        print_estimate(found, sources, sys.stdout)
    return _report(args, program, found, model, facts.max_context)


def rows_of(
    args: argparse.Namespace, program: Program, plan: Plan, given: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The arguments of each run: of the rows that are named, of the program's batches, or given.

    Raises:
        UsageError: a row cannot be run, or there is none.
    """
    from sglc.cli.batch import bind_rows
    from sglc.cli.rows import read_rows

    function = plan.functions[plan.entry]
    if args.inputs is not None:
        rows = bind_rows(function, read_rows(Path(args.inputs)), given, args.inputs)
        if not rows:
            raise UsageError(f"{args.inputs}: there are no rows")
        return [row.arguments for row in rows]
    found: list[Mapping[str, Any]] = []
    for batch in program.checked.batches if not given else ():
        if batch.prompt.symbol == plan.entry:
            source = batch.rows
            folder = Path(args.program).parent
            columns = read_rows(folder / source) if isinstance(source, str) else list(source)
            found += [r.arguments for r in bind_rows(function, columns, given, str(source))]
    return found or [given]


def _estimate(
    args: argparse.Namespace,
    program: Program,
    plan: Plan,
    rows: Sequence[Mapping[str, Any]],
    facts: ModelFacts,
    calibration: Calibration,
) -> Estimate:
    from sglc.cli.estimates import evaluate
    from sglc.compiler.cost.estimate import Settings, estimate

    engine = engine_config(args)
    if facts.encoder is None:
        print(
            "note: no tokenizer is at hand, so tokens of texts are ranges "
            "(pip install 'sglc[local]')",
            file=sys.stderr,
        )
    return estimate(
        program.optimized,
        plan.entry,
        rows,
        encoder=facts.encoder,
        evaluate=evaluate,
        settings=Settings(
            max_context=facts.max_context,
            num_slots=args.max_slots,
            chunk_size=engine.chunk_size,
            jump=engine.jump_forward,
        ),
        calibration=calibration,
    )


def _report(
    args: argparse.Namespace,
    program: Program,
    found: Estimate,
    model: str,
    max_context: int | None,
) -> int:
    """Print what is wrong with the cost: a stream that may be too long, too little budget."""
    from sglc.compiler.diagnostics import DiagnosticSink, codes

    sink = DiagnosticSink()
    span = _span(program, found.longest_at)
    is_told = found.longest != math.inf
    if max_context is not None and span is not None and is_told and found.longest > max_context:
        sink.add(codes.may_overflow(span, int(found.longest), max_context, model))
    most = found.tokens.hi
    if args.budget is not None and most > args.budget:
        place = max(found.places, key=lambda p: found.places[p].decoded.hi, default=None)
        amount = None if most == math.inf else int(most)
        sink.add(codes.over_budget(_span(program, place), amount, args.budget))
    report_diagnostics(sink, sys.stderr)
    return EXIT_ERRORS if sink.has_errors else EXIT_OK


def _span(program: Program, place: Place) -> Span | None:
    """The rest of the line at a place of the source."""
    files = {
        tree.file.name: tree.file for tree in (program.checked.entry, *program.checked.modules)
    }
    if place is None or place.file not in files:
        return None
    file = files[place.file]
    lines = file.text.split("\n")
    start = sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1
    return file.span(start, start + len(lines[place.line - 1]) - place.column + 1)


def print_estimate(found: Estimate, files: Mapping[str, SourceFile], stream: TextIO) -> None:
    """Print the lines that cost something behind columns, then the sums.

    A column that is empty everywhere is left out.
    """
    shown = [name for name in _COLUMNS if getattr(found.whole, name).hi]
    lines: dict[Place, Figures] = {}
    for place, figures in found.places.items():
        line = None if place is None else replace(place, column=1)
        lines[line] = lines[line].plus(figures) if line in lines else figures
    rows = [(_cells(figures, shown), line) for line, figures in lines.items()]
    total = _cells(found.whole, shown)
    widths = [
        max(len(name), *(len(cells[i]) for cells, _ in rows), len(total[i]))
        for i, name in enumerate(shown)
    ]
    join = _joiner(widths)
    print(join(shown), file=stream)
    for cells, place in rows:
        print(f"{join(cells)}  {_shown(place, files)}".rstrip(), file=stream)
    print(f"{join(total)}  total", file=stream)
    runs = f"{found.num_runs} runs: " if found.num_runs != 1 else ""
    source = found.calibration
    told = "" if source.is_calibrated else " (not calibrated: run `sglc bench --calibrate`)"
    print(
        f"{runs}{found.steps} steps, at most {found.slots} KV slots at once, "
        f"longest stream {_number(found.longest)}",
        file=stream,
    )
    print(f"{_seconds(found.seconds.lo)} to {_seconds(found.seconds.hi)} s{told}", file=stream)


def _joiner(widths: Sequence[int]) -> Callable[[Sequence[str]], str]:
    return lambda cells: "  ".join(c.rjust(w) for c, w in zip(cells, widths, strict=True))


def _cells(figures: Figures, shown: Sequence[str]) -> list[str]:
    found = [getattr(figures, name) for name in shown]
    return [str(interval) if interval.hi else "" for interval in found]


def _shown(place: Place, files: Mapping[str, SourceFile]) -> str:
    if place is None:
        return "outside of the source"
    text = files[place.file].line(place.line).strip() if place.file in files else ""
    return f"{Path(place.file).name}:{place.line}: {text}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g}" if seconds < math.inf else "any number of"


def _number(count: float) -> str:
    return f"up to {count:,.0f} tokens".replace(",", " ") if count < math.inf else "of any length"


def _tokens(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value
