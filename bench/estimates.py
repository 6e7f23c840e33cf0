"""Estimated seconds beside those that runs take, on the embedded model, calibrated first.

    python bench/estimates.py --rounds 3

Each program is estimated as `sglc estimate` does and run as `sglc run` does, every run from an
empty cache. Prints the interval, the median of the runs, and where in the interval it lies: 0 at
its lower end, 1 at its upper one.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any, Final

from sglc.cli.estimates import evaluate
from sglc.cli.measuring import measure
from sglc.compiler.cost.estimate import Settings, estimate
from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import level
from sglc.compiler.source import SourceFile
from sglc.runtime.local import load
from sglc.runtime.options import LocalOptions

EXAMPLES: Final = Path(__file__).parents[1] / "examples"
CASES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("capitals", {"question": "What is the capital of France?"}),
    ("character", {"name": "Harry Potter"}),
    ("judge", {"essay": "In my opinion, music brings people together."}),
    ("multi_turn", {"question_1": "What is the capital of Japan?", "question_2": "And of Peru?"}),
    ("solve", {"question": "Tom has 3 apples and buys 5 more. How many has he?", "samples": 4}),
    ("tip_suggestion", {}),
    ("tour", {}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    host = load(LocalOptions(search_path=(str(EXAMPLES),)))
    measured = measure(host, model="embedded", machine="this one", rounds=args.rounds)
    for name, arguments in CASES:
        sink = DiagnosticSink()
        source = SourceFile.read(EXAMPLES / f"{name}.sgl")
        optimization = Optimization(level(2), runs_entry=True, by_value=True)
        program = compile_source(source, sink, None, optimization)
        assert program is not None, sink.diagnostics
        found = estimate(
            program.optimized,
            program.plan.entry,
            [arguments],
            encoder=host.encoder,
            evaluate=evaluate,
            settings=Settings(max_context=host.scheduler.max_context),
            calibration=measured.calibration,
        )
        seconds = []
        for _ in range(args.rounds + 1):
            host.scheduler.reset()
            start = time.perf_counter()
            result = host.run(program.plan, arguments)
            seconds.append(time.perf_counter() - start)
            assert result.error is None, result.error
        actual = statistics.median(seconds[1:])  # the first one builds constraints
        low, high = found.seconds
        where = (actual - low) / (high - low)
        print(f"{name:15} {low:8.3f} to {high:8.3f} s, ran in {actual:7.3f} s: {where:+.2f}")
    host.executor.close()


if __name__ == "__main__":
    main()
