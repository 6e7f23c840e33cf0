"""Results of benchmarks: lines of a table, lines of a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from sglc.cli.errors import CommandError

_WIDTH = 34
_TITLES = {
    "e2e_latency": "End-to-end latency",
    "ttft": "Time to first token (TTFT)",
    "tpot": "Time per output token (TPOT)",
    "itl": "Inter-token latency (ITL)",
}
_LINES = (
    ("Successful requests", "completed", ""),
    ("Failed requests", "failed", ""),
    ("Duration", "duration", "s"),
    ("Input tokens", "total_input_tokens", ""),
    ("Output tokens", "total_output_tokens", ""),
    ("Requests", "request_throughput", "/s"),
    ("Input tokens", "input_throughput", "/s"),
    ("Output tokens", "output_throughput", "/s"),
    ("All tokens", "total_throughput", "/s"),
    ("Requests at once, on average", "concurrency", ""),
)


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Append one line of JSON.

    Raises:
        CommandError: the file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(record), ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        raise CommandError(f"the result cannot be written: {error}") from None


def print_summary(title: str, found: Mapping[str, Any], stream: TextIO) -> None:
    """Print what ``metrics.summary`` has found; times that were not seen are left out."""
    print(f" {title} ".center(_WIDTH + 14, "="), file=stream)
    for text, name, unit in _LINES:
        if name in found:
            print_line(text, found[name], unit, stream)
    for name, text in _TITLES.items():
        if found.get(f"mean_{name}_ms") is None:
            continue
        print(f" {text} ".center(_WIDTH + 14, "-"), file=stream)
        for kind in ("mean", "median", "p99"):
            print_line(kind.capitalize(), found[f"{kind}_{name}_ms"], "ms", stream)


def print_line(text: str, value: float, unit: str, stream: TextIO) -> None:
    """Print a name and a value; whole numbers without a point."""
    number = f"{value}" if isinstance(value, int) else f"{value:.2f}"
    print(f"{text + ':':{_WIDTH}}{number:>10} {unit}".rstrip(), file=stream)
