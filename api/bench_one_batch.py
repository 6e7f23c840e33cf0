"""``python -m sglc.bench_one_batch``: ``bench_latency`` by its later name, as SGLang has it."""

from __future__ import annotations

import sys

from sglc.cli.main import module_main

if __name__ == "__main__":
    sys.exit(module_main("latency"))
