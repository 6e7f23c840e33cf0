"""The engine without processes and HTTP: what a server's throughput is compared with.

A loop over ``Worker.step`` in this process. Reads lines ``CLIENTS REQUESTS TOKENS DELTAS``, as many
generations at once as there are clients, and answers each with a line of JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

from sglc.runtime.local import load_engine
from sglc.runtime.options import LocalOptions
from sglc.server.engine.instances import Wake
from sglc.server.engine.messages import Command, Finished, Generate, Generation, Reply
from sglc.server.engine.worker import Worker

sys.path.insert(0, __file__.rpartition("/")[0])
from server_client import PROMPTS


class Bare:
    """An engine that is driven by hand."""

    def __init__(self) -> None:
        engine = load_engine(LocalOptions())
        encode = engine.encoder.tokenizer.encode
        self._prompts = [tuple(encode(text)) for text in PROMPTS]
        self._inbox: list[Command] = []
        self._replies: list[Reply] = []
        self._worker = Worker(engine, Wake(), self._take, self._replies.extend)
        self._number = 0
        self._began: dict[int, float] = {}  # by job
        self.whole_s: list[float] = []

    def _take(self) -> list[Command]:
        commands, self._inbox = self._inbox, []
        return commands

    def run(self, num_clients: int, num_requests: int, num_tokens: int, *, deltas: bool) -> None:
        """Generate as so many clients ask, each request after the one before."""
        left = [num_requests] * num_clients
        clients: dict[int, int] = {}  # by job
        for client in range(num_clients):
            self._begin(client, left, clients, num_tokens, deltas=deltas)
        while clients:
            self._worker.step()
            replies = list(self._replies)
            self._replies.clear()
            for reply in replies:
                if isinstance(reply, Finished):
                    client = clients.pop(reply.job)
                    self.whole_s.append(time.perf_counter() - self._began.pop(reply.job))
                    self._begin(client, left, clients, num_tokens, deltas=deltas)

    def _begin(
        self,
        client: int,
        left: list[int],
        clients: dict[int, int],
        num_tokens: int,
        *,
        deltas: bool,
    ) -> None:
        if not left[client]:
            return
        left[client] -= 1
        self._number += 1
        ids = self._prompts[client % len(self._prompts)]
        generation = Generation(ids=ids, max_tokens=num_tokens, ignore_eos=True, deltas=deltas)
        self._began[self._number] = time.perf_counter()
        self._inbox.append(Generate(self._number, generation))
        clients[self._number] = client


def main() -> None:
    """Answer lines until there are none."""
    bare = Bare()
    print("{}", flush=True)
    for line in sys.stdin:
        num_clients, num_requests, num_tokens, deltas = map(int, line.split())
        bare.whole_s.clear()
        began, cpu = time.perf_counter(), time.process_time()
        bare.run(num_clients, num_requests, num_tokens, deltas=bool(deltas))
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        whole_ms = 1000 * statistics.median(bare.whole_s)
        fast_ms = 1000 * sorted(bare.whole_s)[len(bare.whole_s) // 10]
        found = {"seconds": seconds, "cpu_s": cpu_s, "whole_ms": whole_ms, "fast_ms": fast_ms}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
