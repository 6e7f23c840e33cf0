"""Batches: many rows at once against one after another, and rows in order of what they share.

    python bench/batch.py --rows 1000 --rounds 3
    python bench/batch.py --case grid --slots 2000

``questions`` are one-line questions, all at once and one by one. ``grid`` is every question of a
list about every text of another, shuffled, in a KV pool that holds a few texts only: as given, and
in the order that the hint ``order_rows`` of the pass ``batch`` gives. Both sides of a ratio go
through one engine object and the same executor, in turns, so that the machine's speed cancels out.
Prints seconds and the ratio of each round, and the prefilled tokens beside the distinct ones of the
trie.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.plan.segments import Text
from sglc.compiler.source import SourceFile
from sglc.runtime.local import LocalHost, load
from sglc.runtime.options import LocalOptions

QUESTIONS = """
prompt ask(question: str):
    "Q: {question}\\nA:{answer = gen(max_tokens=16, stop="\\n")}"
"""
GRID = """
prompt ask(doc: str, question: str):
    "{doc}\\nQ: {question}\\nA:{answer = gen(max_tokens=8, stop="\\n")}"
"""
COUNTRIES = ["France", "Japan", "Italy", "Spain", "Kenya", "Peru", "Norway", "Egypt", "Chile"]
NOUNS = ["river", "market", "garden", "library", "harbour", "mill", "tower", "bridge", "school"]
VERBS = ["stands by", "was built before", "can be seen from", "is older than", "lies behind"]

Rows = list[dict[str, Any]]


def questions(count: int) -> Rows:
    """``count`` different questions of one line, of several kinds."""
    made = [f"What is the capital of {country}?" for country in COUNTRIES]
    made += [f"What is {a} + {b}?" for a in range(10, 60) for b in range(10, 40)]
    return [{"question": text} for text in made[:count]]


def grid(num_docs: int, num_questions: int, num_sentences: int) -> Rows:
    """Every question about every text, shuffled. The texts differ from their first word on."""
    source = random.Random(1)
    docs = []
    for number in range(num_docs):
        parts = [f"Text {number}."]
        for _ in range(num_sentences):
            one, other = source.sample(NOUNS, 2)
            parts.append(f"The {one} {source.choice(VERBS)} the {other}.")
        docs.append(" ".join(parts))
    asked = [f"Where is the {noun}?" for noun in NOUNS] + [f"How old is the {n}?" for n in NOUNS]
    rows = [{"doc": doc, "question": text} for doc in docs for text in asked[:num_questions]]
    source.shuffle(rows)
    return rows


def distinct_tokens(prompts: Iterable[Sequence[int]]) -> int:
    """The number of nodes of the trie of the prompts."""
    nodes: dict[tuple[int, int], int] = {}
    for ids in prompts:
        at = 0
        for token in ids:
            at = nodes.setdefault((at, token), len(nodes) + 1)
    return len(nodes)


def measure(host: LocalHost, plan: Plan, rows: Rows, *, batch: bool = True) -> tuple[float, int]:
    """Seconds and prefilled tokens for all rows, from an empty cache."""
    host.scheduler.flush_cache()
    before = host.scheduler.stats()["prefilled_tokens"]
    start = time.perf_counter()
    if batch:
        for _ in host.run_batch(plan, list(enumerate(rows))):
            pass
    else:
        for row in rows:
            host.run(plan, row)
    seconds = time.perf_counter() - start
    return seconds, host.scheduler.stats()["prefilled_tokens"] - before


def plan_of(text: str) -> Plan:
    program = compile_source(SourceFile("bench.sgl", text), DiagnosticSink())
    assert program is not None
    return program.plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=["questions", "grid"], default="questions")
    parser.add_argument("--rows", type=int, default=1000, help="of questions")
    parser.add_argument("--docs", type=int, default=24, help="of the grid")
    parser.add_argument("--asked", type=int, default=12, help="questions of the grid, 18 at most")
    parser.add_argument("--sentences", type=int, default=30, help="of a text of the grid")
    parser.add_argument("--slots", type=int, help="KV slots; default what fits")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="embedded")
    args = parser.parse_args()
    host = load(LocalOptions(model=args.model, num_slots=args.slots))
    if args.case == "questions":
        plan, rows = plan_of(QUESTIONS), questions(args.rows)
        first, second = "batch", "one by one"
        prompts = [f"Q: {row['question']}\nA:" for row in rows]
    else:
        plan, rows = plan_of(GRID), grid(args.docs, args.asked, args.sentences)
        first, second = "in order", "as given"
        prompts = [f"{row['doc']}\nQ: {row['question']}\nA:" for row in rows]
    as_given = replace(plan, hints={k: v for k, v in plan.hints.items() if k != "order_rows"})
    measure(host, plan, rows[:32])

    ratios = []
    for number in range(args.rounds):
        one_s, one = measure(host, plan, rows)
        other_s, other = measure(host, as_given, rows, batch=args.case == "grid")
        ratios.append(other_s / one_s)
        print(
            f"round {number + 1}: {len(rows)} rows, {first} {one_s:.2f} s, {one} prefilled; "
            f"{second} {other_s:.2f} s, {other} prefilled; ratio {other_s / one_s:.1f}"
        )
    trie = distinct_tokens(host.encoder.encode([Text(text)]) for text in prompts)
    print(f"median ratio {statistics.median(ratios):.1f}; distinct prompt tokens {trie}")


if __name__ == "__main__":
    main()
