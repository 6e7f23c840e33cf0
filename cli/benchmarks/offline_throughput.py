"""Measure how many prompts and tokens a second an engine of this process takes, without a server.

python -m sglc.bench_offline_throughput --model-path M --num-prompts 100
python -m sglc.bench_offline_throughput --dataset-name sharegpt --dataset-path FILE
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.cli.abbreviations import spelled_out
from sglc.cli.benchmarks.datasets import add_dataset_flags, check_dataset, dataset_of
from sglc.cli.benchmarks.engines import add_engine, check_engine, check_room, loading, options_of
from sglc.cli.benchmarks.prompts import Prompt, num_tokens
from sglc.cli.benchmarks.report import append_record, print_summary
from sglc.cli.errors import EXIT_OK, CommandError, UsageError

if TYPE_CHECKING:
    from sglc.runtime.scheduler.scheduler import Scheduler


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line: the server's flags, and what is asked."""
    add_dataset_flags(parser)
    add = parser.add_argument
    add("--result-filename", type=Path, metavar="FILE", help="append the result as JSON")
    add("--skip-warmup", action="store_true", help="time the first step of the engine too")
    add_engine(parser)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Run all prompts at once, and print the throughput."""
    args = parser.parse_args(spelled_out(words))
    check_engine(parser, args)
    check_dataset(args)
    if args.random_seed is not None:
        raise UsageError("--random-seed draws nothing here, texts are greedy: prompts have --seed")
    options = options_of(args)
    with loading():
        from sglc.runtime.local import load_engine

        engine = load_engine(options)
    scheduler = engine.scheduler
    prompts = dataset_of(args, engine.encoder.tokenizer)
    for number, each in enumerate(prompts):
        length = len(each.ids) + each.num_output
        slots = scheduler.num_available_slots
        check_room(slots, scheduler.max_context, [length], f"prompt {number} of the data set")
    if not args.skip_warmup:
        run_all(scheduler, [Prompt(prompts[0].ids[::-1], min(prompts[0].num_output, 8))])
    found = run_all(scheduler, prompts)
    print_summary("Offline throughput", found, sys.stdout)
    if args.result_filename is not None:
        named = {"backend": "engine", "model": args.model_path, "dataset_name": args.dataset_name}
        append_record(args.result_filename, {**named, **found})
    return EXIT_OK


def run_all(scheduler: Scheduler, prompts: Sequence[Prompt]) -> dict[str, Any]:
    """Return counts and throughput of prompts that are all there from the start.

    Raises:
        CommandError: one of them failed.
    """
    from sglc.runtime.core.events import Decoded, Failed
    from sglc.runtime.core.sampling import SamplingParams
    from sglc.runtime.core.script import Decode, Extend, StreamRequest

    scheduler.reset()
    greedy = SamplingParams(temperature=0.0)
    num_output = completed = 0
    start = time.perf_counter()
    for each in prompts:
        script = (Extend(each.ids), Decode(each.num_output, greedy, ignore_eos=True))
        scheduler.submit(StreamRequest(script, deltas=False))
    while not scheduler.idle:
        for event in scheduler.step():
            if isinstance(event, Failed):
                raise CommandError(f"a prompt failed: {event.message}")
            if isinstance(event, Decoded):
                completed += 1
                num_output += len(event.result.ids)
    duration = time.perf_counter() - start
    num_input, _ = num_tokens(prompts)
    return {
        "duration": duration,
        "completed": completed,
        "total_input_tokens": num_input,
        "total_output_tokens": num_output,
        "request_throughput": completed / duration,
        "input_throughput": num_input / duration,
        "output_throughput": num_output / duration,
        "total_throughput": (num_input + num_output) / duration,
    }
