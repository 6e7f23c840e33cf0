"""Programs at -O0 and at -O2, in turns, through one engine, on the embedded model.

    python bench/optimizer.py --rounds 5
    python bench/optimizer.py --only tree --only judge --markdown
    python bench/optimizer.py --only samples --only samples_typed --questions 20

Four of them are there twice: with free text, and with values of a type, of which the caller reads
some fields. Every program is compiled as `sglc run` compiles it, and starts from an empty cache.
Prints for both levels what the engine counted and the best time of all rounds, the ratio of the
times, and the geometric means of the ratios. "One by one" is -O0 on an engine that runs one request
at a time, as for a client that waits for each answer, against -O2. Values are compared; those of
programs that decode other tokens at -O2 (forced text that is cut otherwise) may differ and are then
marked. When a vote is decided depends on what is answered: with `--questions`, programs that are
asked one question are asked so many, one after the other; counts and times are sums.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sglc.cli.models import FilesOnce
from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source, optimized
from sglc.compiler.passes.pipeline import level
from sglc.compiler.plan.arguments import bind_arguments
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.config import EngineConfig
from sglc.runtime.local import LocalHost, load
from sglc.runtime.options import LocalOptions

FOLDER: Final = Path(__file__).parent / "programs"
ESSAY: Final = (
    "Rain comes from clouds. Clouds are made of small drops of water. When the drops get heavy, "
    "they fall. Farmers like rain, because plants need water. Children like it too, because of the "
    "puddles. Some people do not like it, but without rain there would be no rivers and no trees."
)
CAPITALS: Final = ("France", "Japan", "Italy", "Spain", "Kenya", "Peru", "Norway", "Egypt")


@dataclass(frozen=True, slots=True)
class Case:
    """A program, its rows, and what it stands for."""

    name: str
    title: str
    rows: Sequence[Mapping[str, Any]]
    is_typed: bool = False


def _questions(count: int) -> list[dict[str, Any]]:
    return [{"question": f"Ann has {n} apples and buys {n + 3}. How many?"} for n in range(count)]


CASES: Final = (
    Case("chat", "multi-turn chat, 8 turns",
         [{"questions": [f"What is the capital of {name}?" for name in CAPITALS]}]),
    Case("tools", "tool choice", [{"question": "what is 12 times 7"}]),
    Case("tips", "tips, two branches", [{}]),
    Case("fewshot", "few-shot, 200 rows", _questions(200)),
    Case("tree", "tree of thought, 3 wide, 4 deep", _questions(1)),
    Case("judge", "judge, 5 dimensions", [{"text": ESSAY}]),
    Case("samples", "self-consistency, 8 samples", _questions(1)),
    Case("react", "ReAct, tool of 0.2 s", [{"question": "Who built the tower of Pisa?"}]),
    Case("judge_typed", "judge, typed", [{"text": ESSAY}], True),
    Case("tree_typed", "tree of thought, typed", _questions(1), True),
    Case("samples_typed", "self-consistency, typed", _questions(1), True),
    Case("react_typed", "ReAct, typed", [{"question": "Who built the tower of Pisa?"}], True),
)  # fmt: skip
COUNTED: Final = ("queue_entries", "prefilled_tokens", "scored_tokens", "decoded_tokens",
                  "forced_tokens", "forward_passes")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of all rows gave and cost; ``counts`` are calls and ``COUNTED``."""

    values: tuple[Any, ...]
    counts: tuple[int, ...]
    seconds: float


def plan_of(case: Case, number: int, model: str) -> Plan:
    """Compile a program as ``sglc run`` does, when only the value is printed.

    The model's chat template is known, and so are arguments that all rows have.
    """
    path = FOLDER / f"{case.name}.sgl"
    sink = DiagnosticSink()
    options = Optimization(
        level(number), runs_entry=True, by_value=True, markup=FilesOnce(model).markup
    )
    program = compile_source(SourceFile(str(path), path.read_text()), sink, None, options)
    assert program is not None, sink.diagnostics
    function = program.plan.functions[program.plan.entry]
    bound = [bind_arguments(function, row) for row in case.rows]
    known = {n: v for n, v in bound[0].items() if all(row[n] == v for row in bound)}
    return optimized(program.checked, program.graph, replace(options, known=known)).plan


def run(host: LocalHost, plan: Plan, rows: Sequence[Mapping[str, Any]]) -> Outcome:
    """Run all rows at once, from an empty cache."""
    host.scheduler.flush_cache()
    before = host.scheduler.stats()
    start = time.perf_counter()
    results = dict(host.run_batch(plan, enumerate(rows)))
    seconds = time.perf_counter() - start
    after = host.scheduler.stats()
    failed = next((r.error for r in results.values() if r.error is not None), None)
    assert failed is None, failed
    calls = sum(s.calls for result in results.values() for s in result.stats.values())
    counts = (calls, *(after[name] - before[name] for name in COUNTED))
    return Outcome(tuple(results[i].value for i in range(len(rows))), counts, seconds)


def asked(case: Case, count: int) -> list[Case]:
    """Return the case for each of ``count`` questions; itself if it is not about one of these."""
    if list(case.rows) != _questions(1):
        return [case]
    return [replace(case, rows=[row]) for row in _questions(count)]


def summed(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what runs cost that came one after the other."""
    counts = tuple(map(sum, zip(*(each.counts for each in outcomes), strict=True)))
    values = tuple(value for each in outcomes for value in each.values)
    return Outcome(values, counts, sum(each.seconds for each in outcomes))


def measure(
    host: LocalHost, alone: LocalHost, model: str, case: Case, rounds: int
) -> tuple[Outcome, Outcome, list[float], list[float]]:
    """Return the best run at each level, and of every round the ratio of both levels.

    The last are ratios of -O0 on ``alone`` to -O2.
    """
    plans = [plan_of(case, number, model) for number in (0, 2)]
    for plan in plans:
        run(host, plan, case.rows)  # constraints are built, masks are in the cache
    run(alone, plans[0], case.rows)
    best: list[Outcome | None] = [None, None]
    ratios: list[float] = []
    alone_ratios: list[float] = []
    for _ in range(rounds):
        one_by_one = run(alone, plans[0], case.rows)
        found = [run(host, plan, case.rows) for plan in plans]
        ratios.append(found[0].seconds / found[1].seconds)
        alone_ratios.append(one_by_one.seconds / found[1].seconds)
        best = [
            new if old is None or new.seconds < old.seconds else old
            for old, new in zip(best, found, strict=True)
        ]
    plain, optimized = best
    assert plain is not None
    assert optimized is not None
    return plain, optimized, ratios, alone_ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=[case.name for case in CASES])
    parser.add_argument("--questions", type=int, default=1)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--markdown", action="store_true", help="print a table for the docs")
    args = parser.parse_args()
    options = LocalOptions(model=args.model, search_path=(str(FOLDER),))
    host = load(options)
    alone = load(replace(options, engine=EngineConfig(max_running=1)))
    names = ("calls", *COUNTED)
    if args.markdown:
        titles = [name.replace("_", " ") for name in names]
        print("| program | " + " | ".join(titles) + " | seconds | ratio | one by one |")
        print("|" + "---|" * (len(names) + 4))
    medians: dict[str, list[float]] = {}
    for case in CASES:
        if args.only and case.name not in args.only:
            continue
        found = [
            measure(host, alone, args.model, each, args.rounds)
            for each in asked(case, args.questions)
        ]
        plain, optimized = (summed([each[of] for each in found]) for of in (0, 1))
        ratios, one_by_one = ([r for each in found for r in each[of]] for of in (2, 3))
        ratio, against = statistics.median(ratios), statistics.median(one_by_one)
        kind = "typed" if case.is_typed else "free text"
        medians.setdefault(kind, []).append(ratio)
        medians.setdefault(f"{kind}, against one by one", []).append(against)
        mark = "" if plain.values == optimized.values else " *"
        pairs = [f"{a} → {b}" for a, b in zip(plain.counts, optimized.counts, strict=True)]
        seconds = f"{plain.seconds:.3f} → {optimized.seconds:.3f}"
        if args.markdown:
            cells = [case.title + mark, *pairs, seconds, f"{ratio:.2f}", f"{against:.2f}"]
            print(f"| {' | '.join(cells)} |")
        else:
            spread = f"{min(ratios):.2f}..{max(ratios):.2f}"
            print(f"{case.name}{mark}: {ratio:.2f} ({spread}), one by one {against:.2f}")
            print(f"   {seconds} s")
            print("   " + ", ".join(f"{n} {p}" for n, p in zip(names, pairs, strict=True)))
    for kind, ratios in medians.items():
        print(f"{kind}: geometric mean {math.exp(statistics.mean(map(math.log, ratios))):.2f}")


if __name__ == "__main__":
    main()
