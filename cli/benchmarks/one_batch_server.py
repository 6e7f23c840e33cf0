"""Time one batch through a server's `/generate`.

    python -m sglc.bench_one_batch_server --batch 16 --input-len 256 --output-len 32

Every combination of sizes and lengths is one streamed request, its prompts drawn anew.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from sglc.cli.benchmarks.addresses import add_address, key_of_server, url_of
from sglc.cli.benchmarks.clients import BenchServer, Refused
from sglc.cli.benchmarks.prompts import PromptMaker
from sglc.cli.benchmarks.report import append_record
from sglc.cli.benchmarks.served import model_path, tokenizer_of
from sglc.cli.errors import EXIT_OK, CommandError
from sglc.cli.numbers import at_least

_WARM_STEPS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    add, size = parser.add_argument, at_least(1)
    add_address(parser)
    add("--tokenizer", metavar="PATH", help="a folder, a hub id, or `embedded` (the server's)")
    add("--batch-size", type=size, nargs="+", default=[1], metavar="N", help="prompts at once (1)")
    add("--input-len", type=size, nargs="+", default=[1024], metavar="N", help="tokens each (1024)")
    add("--output-len", type=size, nargs="+", default=[16], metavar="N", help="to write (16)")
    add("--seed", type=int, default=1, help="of the prompts (1)")
    add("--run-name", default="default", help="what the run is called in the file")
    add("--result-filename", type=Path, default=Path("result.jsonl"), metavar="FILE")
    add("--skip-warmup", action="store_true", help="time the first request too")


def run(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Time every combination, print it and append it."""
    args = parser.parse_args(words)
    asyncio.run(_measure(args, url_of(args)))
    return EXIT_OK


async def _measure(args: argparse.Namespace, url: str) -> None:
    sizes = list(itertools.product(args.batch_size, args.input_len, args.output_len))
    async with BenchServer.connect(url, key_of_server("sglang")) as server:
        path = args.tokenizer or await model_path(server)
        prompts = PromptMaker(tokenizer_of(args.tokenizer, path), args.seed)
        if not args.skip_warmup:
            batch_size, input_len, output_len = sizes[0]
            await time_batch(server, prompts, batch_size, input_len, min(output_len, _WARM_STEPS))
        for each in sizes:
            found = await time_batch(server, prompts, *each)
            _print(found)
            append_record(args.result_filename, {"run_name": args.run_name, **found})


async def time_batch(
    server: BenchServer, prompts: PromptMaker, batch_size: int, input_len: int, output_len: int
) -> dict[str, Any]:
    """Send one batch; return seconds, and tokens a second.

    Raises:
        CommandError: the server refuses it, breaks off, or writes another number of tokens.
    """
    import httpx2

    params = {"temperature": 0.0, "max_new_tokens": output_len, "ignore_eos": True}
    ids = [prompts.ids(input_len) for _ in range(batch_size)]
    body = {"input_ids": ids, "sampling_params": params, "stream": True}
    counts = [0] * batch_size
    first_s = 0.0  # until every prompt has a token
    start = time.perf_counter()
    try:
        async with aclosing(server.events("/generate", body)) as events:
            async for data in events:
                counts[data.get("index", 0)] = data["meta_info"]["completion_tokens"]
                if not first_s and all(counts):
                    first_s = time.perf_counter() - start
    except Refused as error:
        raise CommandError(f"{server.url}: {error}") from None
    except httpx2.HTTPError as error:
        raise CommandError(f"{server.url} broke off: {error}") from None
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise CommandError(f"{server.url}: the reply has another form: {error!r}") from None
    latency_s = time.perf_counter() - start
    if counts != [output_len] * batch_size:
        raise CommandError(
            f"{server.url} wrote {sum(counts)} tokens, not {batch_size} times {output_len}"
        )
    rest_s = latency_s - first_s
    return {
        "batch_size": batch_size,
        "input_len": input_len,
        "output_len": output_len,
        "ttft": first_s,
        "latency": latency_s,
        "input_throughput": batch_size * input_len / first_s,
        "output_throughput": batch_size * (output_len - 1) / rest_s if output_len > 1 else None,
        "overall_throughput": batch_size * (input_len + output_len) / latency_s,
    }


def _print(found: dict[str, Any]) -> None:
    print(
        "batch size {batch_size}, input length {input_len}, output length {output_len}\n"
        "  first tokens: {ttft:.5f} s, {input_throughput:.2f} input token/s\n"
        "  latency:      {latency:.5f} s, {overall_throughput:.2f} token/s".format(**found)
    )
    if found["output_throughput"] is not None:
        print(f"  output:       {found['output_throughput']:.2f} token/s")
