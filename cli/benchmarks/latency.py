"""Time one static batch on an engine of this process, without a server.

    python -m sglc.bench_latency --model-path M --batch 1 32 --input-len 256 --output-len 32
    python -m sglc.bench_latency --model-path M --correct

Every combination of sizes and lengths is run; `--correct` prints ids and logits instead, for a
comparison with another implementation of the model.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sglc.cli.abbreviations import spelled_out
from sglc.cli.benchmarks.engines import add_engine, check_engine, check_room, loading, options_of
from sglc.cli.benchmarks.prompts import PromptMaker
from sglc.cli.benchmarks.report import append_record
from sglc.cli.errors import EXIT_OK, CommandError, UsageError
from sglc.cli.numbers import at_least

if TYPE_CHECKING:
    from sglc.runtime.options import LocalOptions
    from sglc.runtime.scheduler.scheduler import Scheduler

_CUT = 4
_WARM_STEPS = 8
_OWN = tuple(
    (name,)
    for name in (
        "--batch-size", "--input-len", "--output-len", "--rounds", "--run-name",
        "--result-filename", "--correctness-test", "--cut-len",
    )
)  # fmt: skip


class Sizes(NamedTuple):
    """A static batch: prompts, tokens of each, tokens written behind each."""

    batch_size: int
    input_len: int
    output_len: int


class Timed(NamedTuple):
    """Seconds until all first tokens were there, and of each step after that."""

    prefill_s: float
    steps_s: list[float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line: the server's flags, and what the batch is."""
    group = parser.add_argument_group("the batch")
    add, size = group.add_argument, at_least(1)
    add("--batch-size", type=size, nargs="+", default=[1], metavar="N", help="prompts at once (1)")
    add("--input-len", type=size, nargs="+", default=[1024], metavar="N", help="tokens each (1024)")
    add("--output-len", type=size, nargs="+", default=[16], metavar="N", help="to write (16)")
    add("--rounds", type=size, default=3, metavar="N", help="how often each is timed (3)")
    add("--run-name", default="default", help="what the run is called in the file")
    add("--result-filename", type=Path, default=Path("result.jsonl"), metavar="FILE")
    add("--correctness-test", action="store_true", help="print ids and logits, time nothing")
    add("--cut-len", type=size, metavar="N", help="tokens of the first half of its prompts (4)")
    add_engine(parser)


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Time every combination, or print logits."""
    args = parser.parse_args(spelled_out(words, _OWN))
    check_engine(parser, args)
    _check_own(parser, args)
    if args.correctness_test:
        from sglc.cli.benchmarks.correctness import print_logits

        with loading():
            print_logits(options_of(args), args.cut_len or _CUT, max(args.output_len), sys.stdout)
        return EXIT_OK
    sizes = [
        Sizes(*each) for each in itertools.product(args.batch_size, args.input_len, args.output_len)
    ]
    options = _holding(options_of(args), sizes, args)
    with loading():
        from sglc.runtime.local import load_engine

        engine = load_engine(options)
    slots, context = engine.scheduler.num_available_slots, engine.scheduler.max_context
    for each in sizes:
        lengths = [each.input_len + each.output_len] * each.batch_size
        what = "--batch-size {} --input-len {} --output-len {}".format(*each)
        check_room(slots, context, lengths, what)
    prompts = PromptMaker(engine.encoder.tokenizer, args.random_seed or 0)
    first = sizes[0]._replace(output_len=min(sizes[0].output_len, _WARM_STEPS))
    time_batch(engine.scheduler, prompts, first)
    for each in sizes:
        timed = [time_batch(engine.scheduler, prompts, each) for _ in range(args.rounds)]
        record = record_of(each, timed)
        _print(each, record)
        named = {"run_name": args.run_name, "model": args.model_path, "rounds": args.rounds}
        append_record(args.result_filename, {**named, **record})
    return EXIT_OK


def _check_own(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse flags of the other half of the command.

    Raises:
        UsageError: naming the flag.
    """
    if not args.correctness_test:
        if args.cut_len is not None:
            raise UsageError("--cut-len goes with --correctness-test")
        return
    for dest in ("batch_size", "input_len", "rounds", "run_name", "result_filename"):
        if getattr(args, dest) != parser.get_default(dest):
            flag = "--" + dest.replace("_", "-")
            raise UsageError(f"{flag} is about times, and --correctness-test takes none")
    if args.random_seed is not None:
        raise UsageError("--random-seed draws nothing of --correctness-test: leave it out")


def _holding(
    options: LocalOptions, sizes: Sequence[Sizes], args: argparse.Namespace
) -> LocalOptions:
    """Return options of an engine that computes each prefill in one step and shares nothing.

    Raises:
        UsageError: a flag limits a step to less than that.
    """
    needs = {
        "max_running_requests": max(each.batch_size for each in sizes),
        "max_prefill_tokens": max(each.batch_size * each.input_len for each in sizes),
        "chunked_prefill_size": max(each.input_len for each in sizes),
    }
    for dest, need in needs.items():
        given = getattr(args, dest)
        if given is not None and 0 < given < need:
            flag = "--" + dest.replace("_", "-")
            raise UsageError(f"{flag} {given}: a static batch takes {need}; leave it out")
    running, tokens, chunk = needs.values()
    engine = replace(
        options.engine,
        max_running=running,
        max_prefill_tokens=tokens,
        chunk_size=chunk,
        radix_cache=False,
    )
    return replace(options, engine=engine)


def time_batch(scheduler: Scheduler, prompts: PromptMaker, sizes: Sizes) -> Timed:
    """Run one batch of new prompts; every stream is in every step.

    Raises:
        CommandError: a stream failed or fell behind, so that there was no static batch.
    """
    from sglc.runtime.core.events import Failed
    from sglc.runtime.core.sampling import SamplingParams
    from sglc.runtime.core.script import Decode, Extend, StreamRequest

    scheduler.reset()
    decode = Decode(sizes.output_len, SamplingParams(temperature=0.0), ignore_eos=True)
    for _ in range(sizes.batch_size):
        script = (Extend(prompts.ids(sizes.input_len)), decode)
        scheduler.submit(StreamRequest(script, deltas=False))
    times = []
    while not scheduler.idle:
        start = time.perf_counter()
        events = scheduler.step()
        times.append(time.perf_counter() - start)
        for event in events:
            if isinstance(event, Failed):
                raise CommandError(f"the batch failed: {event.message}")
    if len(times) != sizes.output_len:
        raise CommandError(
            f"the batch took {len(times)} steps, not the {sizes.output_len} of a static one: "
            "give the KV cache more room, or a smaller batch"
        )
    return Timed(times[0], times[1:])


def record_of(sizes: Sizes, timed: Sequence[Timed]) -> dict[str, int | float | None]:
    """Return what is written of a combination: medians, seconds, tokens a second."""
    prefill = statistics.median(each.prefill_s for each in timed)
    total = statistics.median(each.prefill_s + sum(each.steps_s) for each in timed)
    steps = [step for each in timed for step in each.steps_s]
    decode = statistics.median(steps) if steps else None
    count = sizes.batch_size
    return {
        **sizes._asdict(),
        "prefill_latency": prefill,
        "prefill_throughput": count * sizes.input_len / prefill,
        "median_decode_latency": decode,
        "median_decode_throughput": None if decode is None else count / decode,
        "total_latency": total,
        "overall_throughput": count * (sizes.input_len + sizes.output_len) / total,
    }


def _print(sizes: Sizes, record: dict[str, int | float | None]) -> None:
    print("batch size {}, input length {}, output length {}".format(*sizes))
    lines = (
        ("Prefill.", "prefill_latency", "prefill_throughput"),
        ("Decode. ", "median_decode_latency", "median_decode_throughput"),
        ("Total.  ", "total_latency", "overall_throughput"),
    )
    for name, latency, throughput in lines:
        if record[latency] is not None:
            print(
                f"  {name} latency: {record[latency]:8.5f} s, "
                f"throughput: {record[throughput]:10.2f} token/s"
            )
