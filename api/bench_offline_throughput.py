"""``python -m sglc.bench_offline_throughput``: many prompts, no server, as SGLang has it."""

from __future__ import annotations

import sys

from sglc.cli.main import module_main

if __name__ == "__main__":
    sys.exit(module_main("offline_throughput"))
