"""A batch of one-line questions against the same questions one after another.

Both go through one engine object and the same executor, in turns, so that the machine's speed
cancels out of the ratio:

    python bench/batch.py --rows 1000 --rounds 3

Prints seconds and the ratio of each round, and whether the batch prefilled exactly the distinct
tokens of the trie of its prompts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.plan.segments import Text
from sglc.compiler.source import SourceFile
from sglc.runtime.local import LocalHost, LocalOptions, load

PROGRAM = """
prompt ask(question: str):
    "Q: {question}\\nA:{answer = gen(max_tokens=16, stop="\\n")}"
"""
COUNTRIES = ["France", "Japan", "Italy", "Spain", "Kenya", "Peru", "Norway", "Egypt", "Chile"]


def questions(count: int) -> list[str]:
    """``count`` different questions of one line, of several kinds."""
    made = [f"What is the capital of {country}?" for country in COUNTRIES]
    made += [f"What is {a} + {b}?" for a in range(10, 60) for b in range(10, 40)]
    return made[:count]


def distinct_tokens(prompts: Iterable[Sequence[int]]) -> int:
    """The number of nodes of the trie of the prompts."""
    nodes: dict[tuple[int, int], int] = {}
    for ids in prompts:
        at = 0
        for token in ids:
            at = nodes.setdefault((at, token), len(nodes) + 1)
    return len(nodes)


def measure(host: LocalHost, plan: Plan, rows: list[dict[str, Any]], *, batch: bool) -> float:
    """Seconds for all rows, from an empty cache."""
    host.scheduler.flush_cache()
    start = time.perf_counter()
    if batch:
        for _ in host.run_batch(plan, list(enumerate(rows))):
            pass
    else:
        for row in rows:
            host.run(plan, row)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="embedded")
    args = parser.parse_args()
    program = compile_source(SourceFile(Path("bench.sgl").name, PROGRAM), DiagnosticSink())
    assert program is not None
    host = load(LocalOptions(model=args.model))
    rows = [{"question": text} for text in questions(args.rows)]
    measure(host, program.plan, rows[:32], batch=True)

    ratios = []
    for number in range(args.rounds):
        before = host.scheduler.stats()["prefilled_tokens"]
        together = measure(host, program.plan, rows, batch=True)
        prefilled = host.scheduler.stats()["prefilled_tokens"] - before
        alone = measure(host, program.plan, rows, batch=False)
        ratios.append(alone / together)
        print(
            f"round {number + 1}: {len(rows)} rows, batch {together:.2f} s, "
            f"one by one {alone:.2f} s, ratio {alone / together:.1f}, prefilled {prefilled}"
        )
    encode = host.encoder.encode
    trie = distinct_tokens(encode([Text(f"Q: {row['question']}\nA:")]) for row in rows)
    print(f"median ratio {statistics.median(ratios):.1f}; distinct prompt tokens {trie}")


if __name__ == "__main__":
    main()
