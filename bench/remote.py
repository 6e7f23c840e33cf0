"""What asking a server through the executor costs, and what API speculative execution saves.

    python bench/remote.py --port 30000
    python bench/remote.py --port 30000 --requests 400 --rows 64

``overhead``: microseconds of a one-token request through the executor and the remote backend,
beside the same request by bare clients of the same HTTP library, one after another; the difference
to the one with an event loop is ours. ``batch``: the same program over rows, all at once.
``speculate``: prompt tokens that are billed for three fields behind a text, without and with it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable

import httpx2

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.host import Host
from sglc.runtime.remote.open import Remote, open_remote
from sglc.runtime.remote.policy import Policy

ONE = 'prompt one(n: int):\n    "{n}. The capital of France is{x = gen(max_tokens=1)}"\n'
EXTRACT = """prompt extract(text: str):
    "{text}"
    "Now, repeat item 1:\\n{one = gen(stop="\\n", max_tokens=16)}"
    "\\n\\nNow, repeat item 2:\\n{two = gen(stop="\\n", max_tokens=16)}"
    "\\n\\nNow, repeat item 2:\\n{three = gen(stop="\\n", max_tokens=16)}"
"""
# what the embedded model goes on with by itself: what speculation saves depends on that
TEXT = "A list of things:\n1. Pack Light.\n2. Drink Water.\n3. Sleep Well.\n\n"


def plan_of(source: str) -> Plan:
    """Compile a program."""
    program = compile_source(SourceFile("a.sgl", source), DiagnosticSink())
    assert program is not None
    return program.plan


def host_of(remote: Remote) -> Host:
    """Return what runs programs on a server."""
    return Host(Executor(remote.backend, remote.encoder), remote.encoder, window=256)


def microseconds(work: Callable[[int], object], count: int) -> tuple[float, float]:
    """Return the median time of one of ``count`` calls, and the processor time of all threads."""
    taken = []
    spent = time.process_time()
    for number in range(count):
        begin = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1e6, (time.process_time() - spent) / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=30000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--rows", type=int, default=64)
    args = parser.parse_args()
    url = f"http://127.0.0.1:{args.port}"
    remote = open_remote("native", url=url)
    host, one = host_of(remote), plan_of(ONE)
    sampling = {"max_new_tokens": 1, "stop": [], "temperature": 0.0, "top_p": 1.0}
    body = {"text": "0. The capital of France is", "sampling_params": sampling}
    with httpx2.Client() as client:

        def bare(_: int) -> None:
            client.post(f"{url}/generate", json=body).raise_for_status()

        loop = asyncio.new_event_loop()
        waiting = httpx2.AsyncClient()

        def bare_loop(_: int) -> None:
            loop.run_until_complete(waiting.post(f"{url}/generate", json=body)).raise_for_status()

        def ours(_: int) -> None:
            assert host.run(one, {"n": 0}).error is None

        works = (bare, bare_loop, ours)
        for work in works:
            microseconds(work, 20)
        rounds = [[microseconds(work, args.requests // 4) for work in works] for _ in range(4)]
        loop.run_until_complete(waiting.aclose())
        loop.close()
    for name, times in zip(
        ("bare", "with an event loop", "through the executor"), zip(*rounds, strict=True),
        strict=True,
    ):  # fmt: skip
        wall, cpu = (min(each) for each in zip(*times, strict=True))
        print(f"overhead  {name}: {wall:.0f} us per request, {cpu:.0f} us of the processor")
    begin, spent = time.perf_counter(), time.process_time()
    rows = [(number, {"n": number}) for number in range(args.rows)]
    assert all(result.error is None for _, result in host.run_batch(one, rows))
    taken = (time.perf_counter() - begin) / args.rows * 1e6
    cpu = (time.process_time() - spent) / args.rows * 1e6
    print(
        f"batch     {taken:.0f} us per row, {cpu:.0f} us of the processor, {args.rows} rows at once"
    )
    host.executor.close()
    remote.backend.close()
    billed, texts = [], []
    for speculate in (0, 64):
        policy = Policy(speculate=speculate)
        remote = open_remote("native", url=url, policy=policy)
        result = host_of(remote).run(plan_of(EXTRACT), {"text": TEXT})
        billed.append(remote.backend.usage)
        texts.append(result.captures)
        remote.backend.close()
    plain, ahead = billed
    print(
        f"speculate {plain.input_tokens} -> {ahead.input_tokens} prompt tokens billed "
        f"({plain.input_tokens / ahead.input_tokens:.2f}x fewer), {plain.requests} -> "
        f"{ahead.requests} requests, {plain.output_tokens} -> {ahead.output_tokens} written, "
        f"values {'equal' if texts[0] == texts[1] else 'different'}: {texts[0]}"
    )


if __name__ == "__main__":
    main()
