"""The flags of ``sglc serve`` about the model, its engine and where it is served.

They have the names that SGLang gives them, from 0.2 to 0.4, and its defaults where a default is
not what fits the machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sglc.cli.numbers import at_least, fraction, positive

DTYPES = {
    "auto": "auto",
    "half": "float16",
    "float16": "float16",
    "bfloat16": "bfloat16",
    "float": "float32",
    "float32": "float32",
}


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    _add_model(parser.add_argument_group("the model"))
    _add_engine(parser.add_argument_group("the engine"))
    _add_service(parser.add_argument_group("the service"))


def _add_model(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--model-path", "--model", default="embedded", help="a folder, a hub id, or `embedded`")
    add(
        "--tokenizer-path",
        default=None,
        metavar="PATH",
        help="where the tokenizer is, if not there",
    )
    add(
        "--chat-template",
        default=None,
        metavar="FILE",
        help="a .jinja or .json file, the name of one of the model's own templates, or one that is "
        "known, such as chatml, llama-2, vicuna_v1.1",
    )
    add("--served-model-name", default=None, help="what the model is called in replies")
    add(
        "--load-format",
        choices=("auto", "safetensors", "dummy"),
        default="auto",
        help="`dummy` draws the weights at random",
    )
    add("--dtype", choices=tuple(DTYPES), default="auto")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--base-gpu-id", type=at_least(0), default=0, metavar="N", help="which of several GPUs")
    add(
        "--context-length",
        type=at_least(2),
        default=None,
        metavar="N",
        help="tokens of a prompt and what follows, at most the model's",
    )
    add("--is-embedding", action="store_true", help="embed texts, generate nothing")
    add("--skip-tokenizer-init", action="store_true", help="/generate takes and gives ids alone")
    add(
        "--trust-remote-code",
        action="store_true",
        help="may be given: no code that comes with a model is ever run",
    )


def _add_engine(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--mem-fraction-static",
        type=fraction,
        default=None,
        metavar="F",
        help="share of the memory for weights and KV cache",
    )
    add(
        "--max-total-tokens",
        type=at_least(16),
        default=None,
        metavar="N",
        help="tokens the KV cache holds, whatever the memory",
    )
    add(
        "--max-running-requests",
        "--max-num-reqs",
        type=at_least(1),
        default=None,
        metavar="N",
        help="streams that run at once",
    )
    add(
        "--max-prefill-tokens",
        type=at_least(1),
        default=None,
        metavar="N",
        help="prompt tokens of one step",
    )
    add(
        "--chunked-prefill-size",
        type=int,
        default=None,
        metavar="N",
        help="prompt tokens of one stream in a step; -1: as many as --max-prefill-tokens",
    )
    add(
        "--schedule-policy",
        "--schedule-heuristic",
        choices=("lpm", "fcfs", "random", "dfs-weight"),
        default=None,
    )
    add("--disable-radix-cache", action="store_true", help="compute every prompt anew")
    add(
        "--disable-jump-forward",
        "--disable-regex-jump-forward",
        "--no-jump-forward",
        action="store_true",
        help="sample also the text a constraint forces",
    )
    add(
        "--disable-outlines-disk-cache",
        "--disable-disk-cache",
        action="store_true",
        help="keep no automata of constraints between runs",
    )
    add("--random-seed", type=int, default=None, help="what seeds are drawn from (default: drawn)")
    add(
        "--watchdog-timeout",
        type=positive,
        default=300.0,
        metavar="SECONDS",
        help="how long an engine may be silent before it is started again",
    )


def _add_service(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=at_least(0), default=30000)
    add(
        "--file-storage-pth",
        type=Path,
        default=Path("sglc-storage"),
        metavar="FOLDER",
        help="where files, batches and programs are kept",
    )
    add(
        "--max-file-bytes",
        type=at_least(1),
        default=512 << 20,
        metavar="N",
        help="a larger file is refused with 413",
    )
    add(
        "--batch-window",
        type=at_least(1),
        default=32,
        metavar="N",
        help="requests of batches that run at once, fewer while others ask",
    )
    add(
        "--stream-interval",
        type=at_least(1),
        default=1,
        metavar="N",
        help="tokens between two events of a stream of /generate",
    )
    add("--enable-cache-report", action="store_true", help="usage says how much was cached")
    add(
        "--max-queued-requests",
        type=at_least(1),
        default=4096,
        metavar="N",
        help="more at once are refused with 429",
    )
    add("--request-timeout", type=positive, default=None, metavar="SECONDS")
    add(
        "--drain-timeout",
        type=positive,
        default=30.0,
        metavar="SECONDS",
        help="how long requests may go on after SIGTERM",
    )
