"""A program that routes, with and without the likely arm begun before the decision.

The decision is written beside the stream (a kind and a reason), then one of two arms answers. Rows
are run one after another, each in turn by a plan without early arms, by one whose early arm is
taken, and by one whose early arm is not, so that the machine's speed cancels out of the ratios:

    python bench/spec.py --rows 20 --rounds 3

Prints seconds, engine steps and tokens of each, checks that the texts are the same, and shows the
ratio of times by its median over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.run import Result
from sglc.runtime.local import LocalHost, load
from sglc.runtime.options import LocalOptions

PROGRAM = """
prompt main(question: str) -> str:
    "Question: {question}\\n"
    side as route:
        "Kind of question: "
        kind = gen(int(1..9))
        ", because"
        why = gen(max_tokens=30, min_tokens=30)
    if route.kind < 10:
        "Answer:"
        answer = gen(max_tokens=30, min_tokens=30)
    else:
        "No answer, because"
        answer = gen(max_tokens=30, min_tokens=30)
    return answer
"""
PIPELINES = {"plain": "jump", "right": "jump,spec", "wrong": "jump,spec{order=last}"}


def plan_of(pipeline: str) -> Plan:
    """The plan behind some passes; the early arm is the first, which is taken, or the last."""
    optimization = Optimization(parse_pipeline(pipeline))
    program = compile_source(SourceFile("bench.sgl", PROGRAM), DiagnosticSink(), None, optimization)
    assert program is not None
    return program.plan


def measure(
    host: LocalHost, plan: Plan, rows: list[dict[str, Any]]
) -> tuple[float, int, list[Result]]:
    """Seconds, engine steps and results of all rows, from an empty cache."""
    host.scheduler.flush_cache()
    before = host.scheduler.stats()["forward_passes"]
    start = time.perf_counter()
    results = [host.run(plan, row) for row in rows]
    seconds = time.perf_counter() - start
    return seconds, host.scheduler.stats()["forward_passes"] - before, results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="embedded")
    args = parser.parse_args()
    host = load(LocalOptions(model=args.model))
    plans = {name: plan_of(pipeline) for name, pipeline in PIPELINES.items()}
    rows = [{"question": f"What is {a} + {a + 3}?"} for a in range(args.rows)]
    ratios: dict[str, list[float]] = {name: [] for name in plans}
    for plan in plans.values():
        measure(host, plan, rows[:2])
    for number in range(args.rounds):
        seconds: dict[str, float] = {}
        texts: dict[str, list[str]] = {}
        for name, plan in plans.items():
            seconds[name], steps, results = measure(host, plan, rows)
            texts[name] = [result.text for result in results]
            wasted = sum(result.wasted_tokens for result in results)
            taken = sum(result.committed for result in results)
            print(
                f"round {number + 1}, {name}: {seconds[name]:.2f} s, {steps} steps, "
                f"{taken} early arms taken, {wasted} tokens wasted"
            )
            ratios[name].append(seconds["plain"] / seconds[name])
        assert texts["plain"] == texts["right"] == texts["wrong"]
    for name in ("right", "wrong"):
        print(f"{name}: {statistics.median(ratios[name]):.2f} times as fast as plain")


if __name__ == "__main__":
    main()
