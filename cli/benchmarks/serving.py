"""Measure a server under many requests: times to the first token, between tokens, and in all.

    python -m sglc.bench_serving --backend sglang --num-prompt 10
    python -m sglc.bench_serving --backend vllm --base-url http://host:8000 --request-rate 4

Prompts are sent as token ids, answers have as many tokens as are asked for, and tokens are counted
as the server says. Exit code 3 if every request failed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sglc.cli.benchmarks.addresses import DEFAULT_PORT, add_address, key_of_server, url_of
from sglc.cli.benchmarks.clients import BenchServer, ask_all
from sglc.cli.benchmarks.datasets import add_dataset_flags, check_dataset, dataset_of
from sglc.cli.benchmarks.dialects import DIALECTS
from sglc.cli.benchmarks.metrics import Outcome, summary
from sglc.cli.benchmarks.prompts import Prompt
from sglc.cli.benchmarks.report import append_record, print_summary
from sglc.cli.benchmarks.served import model_path, served_model, tokenizer_of
from sglc.cli.errors import EXIT_FAILED, EXIT_OK, CommandError
from sglc.cli.numbers import at_least

_ERRORS = 5  # kinds of errors that are shown
_PORTS = {"vllm": 8000}  # where it listens if nothing is said


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    add = parser.add_argument
    add("--backend", choices=tuple(DIALECTS), default="sglang", help="what kind of server it is")
    add_address(parser)
    add("--model", help="what requests name (what the server says)")
    add("--tokenizer", metavar="PATH", help="a folder, a hub id, or `embedded` (the model's)")
    add_dataset_flags(parser)
    add("--request-rate", type=_rate, default=float("inf"), metavar="R", help="a second (inf)")
    add("--max-concurrency", type=at_least(1), metavar="N", help="requests at once at most")
    add("--warmup-requests", type=at_least(0), default=1, metavar="N", help="before it counts (1)")
    add("--disable-stream", action="store_true", help="replies come as a whole")
    add("--output-file", type=Path, metavar="FILE", help="append the result as JSON")


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Ask, print a table, append a line; 3 when every request failed."""
    args = parser.parse_args(words)
    check_dataset(args)
    outcomes, found = asyncio.run(
        _measure(args, url_of(args, _PORTS.get(args.backend, DEFAULT_PORT)))
    )
    print_summary(f"Serving, {args.backend}", found, sys.stdout)
    errors = Counter(each.error for each in outcomes if each.error is not None)
    for error, count in errors.most_common(_ERRORS):
        print(f"{count} failed: {error}", file=sys.stderr)
    path = args.output_file or Path(
        f"{args.backend}_{datetime.now():%m%d}_{args.num_prompts}_{args.dataset_name}.jsonl"
    )
    append_record(path, {**found, "errors": dict(errors)})
    return EXIT_FAILED if found["completed"] == 0 else EXIT_OK


async def _measure(args: argparse.Namespace, url: str) -> tuple[list[Outcome], dict[str, Any]]:
    async with BenchServer.connect(url, key_of_server(args.backend)) as server:
        model = args.model or await served_model(server)
        path = args.tokenizer or model
        if args.tokenizer is None and args.backend == "sglang":
            path = await model_path(server)
        prompts = dataset_of(args, tokenizer_of(args.tokenizer, path))
        dialect, stream = DIALECTS[args.backend], not args.disable_stream
        # read backwards, so that the cache holds nothing of what is counted
        warming = Prompt(prompts[0].ids[::-1], min(prompts[0].num_output, 32))
        for _ in range(args.warmup_requests):
            warm = await server.ask(dialect, warming, model, stream=stream)
            if warm.error is not None:
                raise CommandError(f"{url} does not do what is asked at all: {warm.error}")
        outcomes, duration_s = await ask_all(
            server,
            dialect,
            prompts,
            model=model,
            stream=stream,
            rate=args.request_rate,
            max_concurrency=args.max_concurrency,
            seed=args.seed,
        )
    asked = {
        "backend": args.backend,
        "model": model,
        "dataset_name": args.dataset_name,
        "num_prompts": len(prompts),
        "request_rate": "inf" if args.request_rate == float("inf") else args.request_rate,
        "max_concurrency": args.max_concurrency,
        "stream": stream,
        "seed": args.seed,
    }
    return outcomes, {**asked, **summary(outcomes, duration_s)}


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number or inf, not {text!r}") from None
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return value
