"""What a thousand rows, tasks and streams of a function cost, its first call, and the import.

    python bench/frontend_many.py --rows 1000

The model is the table of `bench/frontend.py`: it computes nothing. Seconds are those of the
processor in all threads, memory is what Python has allocated: of rows that are all open at once, at
most, and of their states when they are done. A stream is followed as it is written, a token a
delta; what the same costs without `stream` is taken off. The first call of a graph is its lowering,
passes and plan, for a new copy of the function.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any, Final

import torch
from frontend import FUNCTIONS, make_backend, rows

import sglc
from sglc.backends.backend import Backend

DELTAS: Final = 32


@sglc.function
def long(s: Any, question: str) -> None:
    s += "Q: " + question + "\nA:" + sglc.gen("text", max_tokens=DELTAS, ignore_eos=True)


def seconds(action: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of the processor, the median of some rounds behind one that builds what is kept."""
    found = []
    for _ in range(rounds + 1):
        gc.collect()
        before_s = time.process_time()
        action()
        found.append(time.process_time() - before_s)
    return median(found[1:])


def import_s(code: str) -> float:
    """Seconds of the processor of a new interpreter that does something; the best of seven."""
    found = []
    for _ in range(7):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


async def follow(function: sglc.Function, backend: Backend, count: int) -> int:
    """Begin ``count`` streams at once and follow all of them; return how many pieces came."""

    async def one(number: int) -> int:
        state = await function.arun(f"What is {number}?", stream=True, backend=backend)
        return len([piece async for piece in state.text_async_iter("text")])

    return sum(await asyncio.gather(*map(one, range(count))))


async def tasks(function: sglc.Function, backend: Backend, count: int) -> None:
    await asyncio.gather(*(function.arun(f"What is {n}?", backend=backend) for n in range(count)))


def lowering_s(backend: Backend) -> tuple[float, float]:
    """Seconds of the first and of the second run as a graph, of copies of one function."""
    found: list[tuple[float, float]] = []
    for _ in range(5):
        copy = sglc.function(rows.func)
        times = []
        for _ in range(2):
            before_s = time.process_time()
            copy.run("What is 1?", backend=backend, level="lowered").text()
            times.append(time.process_time() - before_s)
        found.append((times[0], times[1]))
    return median(a for a, _ in found), median(b for _, b in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    count = parser.parse_args().rows
    torch.set_num_threads(1)
    bare_s = import_s("pass")
    for code in ("import sglc", "from sglc import Engine, function, gen"):
        print(f"{code}: {1e3 * (import_s(code) - bare_s):.0f} ms", flush=True)
    questions = [{"question": f"What is {n} and {n + 3}?"} for n in range(count)]
    backend, scheduler = make_backend()
    with backend:
        first_s, second_s = lowering_s(backend)
        print(
            f"graph: first run {1e3 * first_s:.1f} ms, second {1e3 * second_s:.1f} ms", flush=True
        )
        for name in ("rows", "forks"):
            FUNCTIONS[name].run_batch(questions, backend=backend, num_threads=count)
            backend.ask(scheduler.flush_cache)
            gc.collect()
            tracemalloc.start()
            states = FUNCTIONS[name].run_batch(questions, backend=backend, num_threads=count)
            backend.ask(scheduler.flush_cache)
            gc.collect()
            held, peak = (each / count / 1024 for each in tracemalloc.get_traced_memory())
            tracemalloc.stop()
            del states
            print(f"{name}: {peak:.1f} KiB a row that is open, {held:.1f} done", flush=True)
        all_s = seconds(lambda: asyncio.run(rows.arun_batch(questions, backend=backend)))
        batch_s = seconds(lambda: rows.run_batch(questions, backend=backend))
        arun_s = seconds(lambda: asyncio.run(tasks(rows, backend, count)))
        print(
            f"rows: run_batch {1e3 * batch_s / count:.3f} ms, tasks of arun "
            f"{1e3 * arun_s / count:.3f} ms, arun_batch {1e3 * all_s / count:.3f} ms",
            flush=True,
        )
        pieces = asyncio.run(follow(long, backend, count))
        whole_s = seconds(lambda: asyncio.run(tasks(long, backend, count)))
        streamed_s = seconds(lambda: asyncio.run(follow(long, backend, count)))
        print(
            f"{count} streams: {pieces} deltas, "
            f"each {1e6 * (streamed_s - whole_s) / pieces:.1f} µs "
            f"beside the {1e6 * whole_s / pieces:.1f} µs of the row without"
        )


if __name__ == "__main__":
    main()
