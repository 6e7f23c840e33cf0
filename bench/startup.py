"""How long a user waits for a command: whole processes, the best and the median of several.

    python bench/startup.py --runs 7

Checks a program of about a hundred lines, and runs the tour on the embedded model.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMANDS = {
    "check": ["check", str(ROOT / "tests" / "fixtures" / "language" / "search_agents.sgl")],
    "tour": ["run", str(ROOT / "examples" / "tour.sgl")],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    for name, words in COMMANDS.items():
        seconds = []
        for _ in range(args.runs + 1):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "sglc.cli.main", *words], capture_output=True, check=False
            )
            seconds.append(time.perf_counter() - start)
        kept = seconds[1:]  # the first one warms the caches
        print(f"{name}: best {min(kept):.2f} s, median {statistics.median(kept):.2f} s")


if __name__ == "__main__":
    main()
