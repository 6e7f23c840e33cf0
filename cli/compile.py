"""Make what a program's constraints need before it runs: automata, and the masks of a model.

    sglc compile card.sgl --model Qwen/Qwen3-4B
    sglc compile card.sgl --out card.plan.json

They go into the cache folder (SGLC_CACHE_DIR, or sglc in the user's cache folder), where `sglc run`
finds them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sglc.cli.errors import EXIT_ERRORS, EXIT_OK, CommandError
from sglc.cli.extras import needed_for
from sglc.cli.passes import add_pass_options, pipeline_of

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.precompile import Precompiled, Precompiler


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("program", metavar="PROGRAM", help="a .sgl file")
    add("--model", help="a folder, a hub id, or `embedded` (the default); its weights are not read")
    add("--no-masks", action="store_true", help="only automata; no model is asked for")
    add("--max-states", type=int, default=None, metavar="N", help="of an automaton, that get masks")
    add("--out", metavar="PLAN.json", help="write the plan too")
    add_pass_options(parser)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Compile, and say what was made; 1 when a constraint or a budget cannot be used."""
    args = parser.parse_args(words)
    if args.max_states is not None and args.max_states < 1:
        parser.error(f"--max-states must be at least 1, not {args.max_states}")
    if args.no_masks and (args.model is not None or args.max_states is not None):
        parser.error("--model and --max-states are about masks: leave --no-masks out")
    from sglc.cli.programs import compile_or_report, read_source
    from sglc.compiler.driver import Optimization

    program = compile_or_report(read_source(args.program), Optimization(pipeline_of(args)))
    if program is None:
        return EXIT_ERRORS
    if args.out is not None:
        from sglc.compiler.plan.serial import plan_to_data

        text = json.dumps(plan_to_data(program.plan), ensure_ascii=False, indent=1)
        Path(args.out).write_text(text + "\n", encoding="utf-8")
        print(f"plan: {len(program.plan.functions)} functions, {args.out}")
    return _precompile(args, program.plan)


def _precompile(args: argparse.Namespace, plan: Plan) -> int:
    from sglc.runtime.config import cache_folder

    folder = cache_folder()
    if folder is None:
        raise CommandError("there is no cache folder: set SGLC_CACHE_DIR to one")
    precompiler = _precompiler(args, plan, folder)
    from sglc.runtime.precompile import NotWrittenError, impossible_budgets

    made = []
    try:
        for each in precompiler.run(plan):
            made.append(each)
            if each.refusal is None:
                print(describe(each))
    except NotWrittenError as error:
        raise CommandError(f"{error}: set SGLC_CACHE_DIR to a folder that can") from None
    print(f"in {folder}" if made else "no constraints: there is nothing to make")
    wrong = [each.refusal for each in made if each.refusal is not None]
    wrong += [f"{loc}: {reason}" for loc, reason in impossible_budgets(plan, made)]
    for line in wrong:
        print(f"sglc: {line}", file=sys.stderr)
    return EXIT_ERRORS if wrong else EXIT_OK


def _precompiler(args: argparse.Namespace, plan: Plan, folder: Path) -> Precompiler:
    with needed_for("making masks"):
        from sglc.constraints.artifacts import ArtifactFolder
        from sglc.runtime.core.vocabulary import Vocabulary
        from sglc.runtime.models.errors import ModelError
        from sglc.runtime.models.loading import load_tokenizer
        from sglc.runtime.precompile import MAX_STATES, Precompiler
    artifacts, max_states = ArtifactFolder(folder), args.max_states or MAX_STATES
    if args.no_masks:
        return Precompiler(artifacts, max_states=max_states)
    try:
        model = str(args.model or plan.config.get("model") or "embedded")
        config, tokenizer = load_tokenizer(model)
    except ModelError as error:
        raise CommandError(str(error)) from None
    vocabulary = Vocabulary.of(tokenizer.token_bytes, tokenizer.eos_ids, config.vocab_size)
    return Precompiler(artifacts, vocabulary, tokenizer.digest, max_states=max_states)


def describe(made: Precompiled) -> str:
    """One line about one constraint."""
    parts = [f"{made.num_states} states in {made.seconds * 1e3:.0f} ms"]
    if made.is_automaton:
        parts[0] += _size(made.automaton_bytes)
    else:
        parts[0] = "nests without end: its states and masks are made while the program runs"
    if made.num_masks is not None:
        masks = f"{made.num_masks} masks in {made.mask_seconds * 1e3:.0f} ms"
        parts.append(masks + _size(made.mask_bytes))
    if made.num_left_out:
        parts.append(f"{made.num_left_out} states too many, whose masks are made at run time")
    if made.need is not None:
        from sglc.runtime.core.script import NEVER

        fewest = f"at least {made.need} token{'s' if made.need != 1 else ''}"
        parts.append("no tokens for it" if made.need >= NEVER else fewest)
    return f"{made.name}: " + "; ".join(parts)


def _size(num_bytes: int) -> str:
    return f", {num_bytes:,} bytes" if num_bytes else ", there already"
