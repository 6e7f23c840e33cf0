"""Run a program on a model; its parameters are flags.

    sglc run ask.sgl --question "What is the capital of France?"
    sglc run ask.sgl --inputs rows.jsonl --out answers.jsonl

A parameter whose name is also an option of this command is given as `--arg name=value`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import EXIT_ERRORS, EXIT_FAILED, EXIT_OK, UsageError
from sglc.cli.history import HistoryFile, add_history_option
from sglc.cli.models import FilesOnce, add_model_options, refused_tools, seed_of
from sglc.cli.passes import add_pass_options, pipeline_of
from sglc.cli.profiles import add_profile_options, recorder_of, report
from sglc.cli.programs import compile_or_report, read_source
from sglc.cli.recordings import (
    add_record_option,
    begin_recording,
    check_record_file,
    cut_off_on_failure,
)
from sglc.cli.servers import add_server_options, check_server_options, host_of

if TYPE_CHECKING:
    from sglc.compiler.driver import Optimization, Program
    from sglc.compiler.plan.plan import Function, Plan
    from sglc.runtime.executor.run import Result


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Declare what tells commands about runs which ones: the prompt, its arguments, rows of them.

    The flags that the program adds come behind, so no option may be shortened.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.allow_abbrev = False
    add = parser.add_argument
    add("--prompt", metavar="NAME", help="the prompt to run, when the file has several")
    add("--arg", action="append", default=[], metavar="NAME=VALUE", help="an argument by name")
    add("--inputs", metavar="ROWS.jsonl", help="run once per row: one JSON object a line")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line, without the flags that the program adds."""
    add = parser.add_argument
    add("program", metavar="PROGRAM", help="a .sgl file")
    add_run_options(parser)
    add("--out", metavar="FILE.jsonl", help="where answers go; a second run resumes there")
    add_model_options(parser)
    add_server_options(parser)
    add_profile_options(parser)
    add_pass_options(parser)
    add_history_option(parser, writes=True)
    add_record_option(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--stream", action="store_true", help="print text as it is written")
    output.add_argument("--json", action="store_true", help="print everything as one JSON object")


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Compile, read the arguments, load the model, run. 3 when a run failed."""
    asks_help = any(word in {"-h", "--help"} for word in words)
    files = [word for word in words if word.endswith(".sgl")]
    if asks_help and not files:
        parser.print_help()
        return EXIT_OK
    args, rest = parser.parse_known_args([w for w in words if w not in {"-h", "--help"}])
    from sglc.compiler.driver import Optimization
    from sglc.compiler.passes.pipeline import Pipeline

    history = HistoryFile.of(args)
    check_record_file(args)
    check_server_options(args)
    model_files = FilesOnce(args.model, args.chat_template)
    optimization = Optimization(
        pipeline_of(args),
        runs_entry=True,
        entry=args.prompt,
        by_value=not (args.json or args.stream),  # else nothing but the value is printed
        history=None if history is None else history.read,
        # a trace shows messages; help needs no model; a server has a template of its own
        markup=None if args.trace or asks_help or args.server else model_files.markup,
    )
    unoptimized = replace(optimization, pipeline=Pipeline())  # what is run is said by arguments too
    program = compile_or_report(read_source(args.program), unoptimized)
    if program is None:
        return EXIT_ERRORS
    plan = choose_entry(program, args.prompt)
    function = plan.functions[plan.entry]
    flags = parameter_flags(function, parser)
    if asks_help:
        print(parser.format_help() + "\n" + flags.format_help(), end="")
        return EXIT_OK
    given = read_arguments(function, flags, rest, args.arg)
    if args.inputs is not None or (not given and _has_batch(program, plan)):
        from sglc.cli.batch import run_batch

        if args.stream:
            raise UsageError("--stream shows one run; it does not go with a batch of rows")
        return run_batch(args, program, optimization, given, model_files, history)
    if args.out is not None:
        raise UsageError("--out goes with --inputs; a single run prints to the terminal")
    known = check_arguments(function, given)
    program = with_passes(program, optimization, known)
    plan = choose_entry(program, args.prompt)
    return _run_once(args, program, plan, given, model_files, history)


def with_passes(program: Program, optimization: Optimization, known: Mapping[str, Any]) -> Program:
    """Return the program as the passes leave it for runs that are all given ``known``."""
    from sglc.compiler.driver import optimized

    return optimized(program.checked, program.graph, replace(optimization, known=known))


def choose_entry(program: Program, name: str | None) -> Plan:
    """Return the plan of the prompt to run.

    Raises:
        UsageError: there is no such prompt, or several to choose from.
    """
    from sglc.compiler.driver import entry_prompts

    plan = program.plan
    if name is not None:
        if name not in program.checked.prompts:
            known = ", ".join(sorted(program.checked.prompts)) or "none"
            raise UsageError(f"no prompt `{name}` in this program (it has {known})")
        return plan.with_entry(name)
    entries = entry_prompts(program.checked)
    if not entries:
        raise UsageError("this file has no prompt to run")
    if len(entries) > 1:
        raise UsageError(
            f"this file has {len(entries)} prompts: choose one with --prompt "
            f"({', '.join(entries)}), or call one of them `main`"
        )
    return plan.with_entry(entries[0])


def check_arguments(function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse missing and ill-typed arguments before a model is loaded; return all by parameter.

    Raises:
        UsageError: naming every problem.
    """
    from sglc.compiler.plan.arguments import ArgumentError, bind_arguments

    try:
        return bind_arguments(function, given)
    except ArgumentError as error:
        raise UsageError("\n  ".join([f"{function.name} cannot run:", *error.problems])) from None


def _run_once(
    args: argparse.Namespace,
    program: Program,
    plan: Plan,
    given: Mapping[str, Any],
    files: FilesOnce,
    history: HistoryFile | None,
) -> int:
    from sglc.cli.output import print_result, stream_printer
    from sglc.runtime.executor.rendered import result_data

    recorder = recorder_of(args)
    seed = seed_of(args, plan.config)
    printer = stream_printer(sys.stdout) if args.stream else None
    with host_of(args, plan, recorder, files) as host:
        begin_recording(args, host, program, plan, seed)
        with refused_tools(), cut_off_on_failure(host):
            result = host.run(plan, given, seed=seed, on_event=printer)
        if host.writer is not None:
            host.writer.close()
    if printer is not None:
        print(flush=True)
    elif args.json:
        print(json.dumps(result_data(result), ensure_ascii=False, indent=1))
    else:
        print_result(result, plan.functions[plan.entry], sys.stdout)
    report(args, recorder, program, plan, seed)
    if history is not None:
        history.add(result)
        history.write()
    if args.json:
        return EXIT_FAILED if result.error else EXIT_OK
    return _report_error(result)


def _report_error(result: Result) -> int:
    if result.error is None:
        return EXIT_OK
    print(f"sglc: {result.error}", file=sys.stderr)
    return EXIT_FAILED


def _has_batch(program: Program, plan: Plan) -> bool:
    return any(batch.prompt.symbol == plan.entry for batch in program.checked.batches)


def parameter_flags(function: Function, parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """A parser of the flags that are the function's parameters."""
    flags = argparse.ArgumentParser(
        prog=f"{parser.prog} … ", add_help=False, allow_abbrev=False, usage=argparse.SUPPRESS
    )
    group = flags.add_argument_group(f"arguments of {function.name}", function.doc or None)
    taken = {option for action in parser._actions for option in action.option_strings}
    for parameter in function.params:
        option = "--" + parameter.name.replace("_", "-")
        if option in taken:
            continue
        names = dict.fromkeys((option, "--" + parameter.name))
        default = f" (default {parameter.default!r})" if parameter.has_default else ""
        group.add_argument(
            *names,
            dest=parameter.name,
            metavar="VALUE",
            default=argparse.SUPPRESS,
            help=f"{parameter.type}{default}".replace("%", "%%"),
        )
    return flags


def read_arguments(
    function: Function,
    flags: argparse.ArgumentParser,
    rest: Sequence[str],
    pairs: Sequence[str],
) -> dict[str, Any]:
    """Arguments from the words the command itself does not know, and from ``--arg``."""
    known, unknown = flags.parse_known_args(rest)
    if unknown:
        own = {action.dest for action in flags._actions}
        names = ", ".join(
            "--" + p.name if p.name in own else f"--arg {p.name}=VALUE" for p in function.params
        ) or "none"  # fmt: skip
        raise UsageError(f"unknown argument {unknown[0]!r}; {function.name} takes {names}")
    texts: dict[str, str] = dict(vars(known))
    return read_values(function, texts | split_pairs(pairs, "--arg"))


def split_pairs(pairs: Sequence[str], option: str) -> dict[str, str]:
    """Return the words ``name=value`` of an option by name.

    Raises:
        UsageError: one has no ``=``.
    """
    texts: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"{option} takes NAME=VALUE, not {pair!r}")
        texts[name] = value
    return texts


def read_values(function: Function, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return arguments of a prompt from words by name.

    Raises:
        UsageError: there is no such parameter, or the word is no value of its type.
    """
    from sglc.compiler.plan.arguments import parse_argument

    parameters = {parameter.name: parameter for parameter in function.params}
    values: dict[str, Any] = {}
    for name, text in texts.items():
        if name not in parameters:
            raise UsageError(f"{function.name} has no parameter `{name}`")
        try:
            values[name] = parse_argument(parameters[name], text)
        except ValueError as error:
            raise UsageError(f"--{name}: `{name}` {error}") from None
    return values
