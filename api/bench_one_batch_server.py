"""``python -m sglc.bench_one_batch_server``: one batch through a server, as SGLang has it."""

from __future__ import annotations

import sys

from sglc.cli.main import module_main

if __name__ == "__main__":
    sys.exit(module_main("one_batch_server"))
