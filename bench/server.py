"""What HTTP costs, and how a server bears many, vanishing and slow clients.

    python bench/server.py overhead --rounds 5
    python bench/server.py latency --rounds 5
    python bench/server.py many --clients 1000
    python bench/server.py vanish --clients 1000
    python bench/server.py slow --slow 20
    python bench/server.py growth --requests 10000

Serves the embedded model from a process of its own; the clients (``server_client.py``) are another
one. ``overhead`` compares the throughput of the same generations over HTTP and in a bare loop over
the engine (``server_bare.py``), in turns, so that the load of the machine cancels out; beside it
stands the processor time that each process took, which depends less on that load: on idle cores
the engine's is what bounds the throughput. ``latency`` compares single requests in the same way.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
GREEDY = {"max_new_tokens": 1, "temperature": 0.0, "ignore_eos": True}


@dataclass
class Server:
    """A server that runs."""

    port: int
    pid: int

    @property
    def engine(self) -> int:
        """The id of its engine's process."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return int(children.split()[0])

    def ask(self, path: str, body: Any = None) -> Any:
        """Return a reply of JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def state(self) -> dict[str, Any]:
        """Return what the engine says of itself."""
        found: dict[str, Any] = self.ask("/get_server_info")["internal_states"][0]
        return found

    def clients(self, *words: str) -> dict[str, Any]:
        """Let clients ask, and return what they saw."""
        command = [sys.executable, str(HERE / "server_client.py"), "--port", str(self.port), *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextmanager
def serving(*flags: str) -> Iterator[Server]:
    """Serve the embedded model within the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "wb") as log:
        command = [sys.executable, "-m", "sglc.cli.main", "serve", "--port", str(port), *flags]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        server = Server(port, process.pid)
        try:
            for _ in range(600):
                try:
                    server.ask("/health")
                    break
                except OSError:
                    time.sleep(0.1)
            yield server
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def bare_engine() -> Iterator[subprocess.Popen[str]]:
    """Keep an engine without HTTP within the block."""
    command = [sys.executable, str(HERE / "server_bare.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.stdin.close()


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mib(pid: int) -> float:
    """Return the memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class Sides:
    """The same generations over HTTP and without."""

    def __init__(self, server: Server, bare: subprocess.Popen[str]) -> None:
        self._server = server
        self._bare = bare

    def both(
        self, kind: str, clients: int, requests: int, tokens: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Let clients ask, then the bare engine; return what it took over and without HTTP."""
        server, bare = self._server, self._bare
        before = cpu_s(server.pid), cpu_s(server.engine)
        seen = server.clients(
            "--clients", str(clients), "--requests", str(requests), "--tokens", str(tokens),
            "--kind", kind,
        )  # fmt: skip
        assert not seen["num_errors"], seen["errors"]
        seen["http_s"] = cpu_s(server.pid) - before[0]
        seen["engine_s"] = cpu_s(server.engine) - before[1]
        assert bare.stdin is not None
        assert bare.stdout is not None
        bare.stdin.write(f"{clients} {requests} {tokens} {int(kind == 'stream')}\n")
        bare.stdin.flush()
        return seen, json.loads(bare.stdout.readline())


def overhead(args: argparse.Namespace) -> None:
    """Print what HTTP costs 64 clients."""
    with serving() as server, bare_engine() as bare:
        sides = Sides(server, bare)
        for kind in ("whole", "stream"):
            sides.both(kind, 64, 1, args.tokens)  # warms the caches
            pairs = [sides.both(kind, 64, args.requests, args.tokens) for _ in range(args.rounds)]
            _print_throughput(kind, pairs, 64 * args.requests)


def latency(args: argparse.Namespace) -> None:
    """Print what HTTP adds to a request of one client."""
    with serving() as server, bare_engine() as bare:
        sides = Sides(server, bare)
        for kind in ("whole", "stream"):
            sides.both(kind, 1, 20, 1)
            pairs = [sides.both(kind, 1, 100, 1) for _ in range(args.rounds)]
            line = f"1 client, {kind}, 1 token:"
            for what, key in (("median", "whole_ms"), ("fastest tenth", "fast_ms")):
                extra = [seen[key] - own[key] for seen, own in pairs]
                base = statistics.median(own[key] for _, own in pairs)
                line += f" {what} {base:.2f} ms {statistics.median(extra):+.2f}"
                line += f" ({min(extra):+.2f} to {max(extra):+.2f});"
            print(line, flush=True)


def _print_throughput(
    kind: str, pairs: list[tuple[dict[str, float], dict[str, float]]], count: int
) -> None:
    def median(values: Iterable[float]) -> float:
        return statistics.median(list(values))

    ratios = [own["seconds"] / seen["seconds"] for seen, own in pairs]
    print(
        f"64 clients, {kind}: {100 * median(ratios):.0f} % of the bare throughput "
        f"({100 * min(ratios):.0f} to {100 * max(ratios):.0f}); processor ms a request: "
        f"bare {1000 / count * median(own['cpu_s'] for _, own in pairs):.1f}, "
        f"engine {1000 / count * median(seen['engine_s'] for seen, _ in pairs):.1f}, "
        f"HTTP {1000 / count * median(seen['http_s'] for seen, _ in pairs):.1f}, "
        f"clients {1000 / count * median(seen['cpu_s'] for seen, _ in pairs):.1f}",
        flush=True,
    )


def many(args: argparse.Namespace) -> None:
    """Let many clients stream at once."""
    with serving("--dtype", "float32") as server:
        for kind in ("stream", "deltas"):
            seen = server.clients(
                "--clients", str(args.clients), "--tokens", str(args.tokens), "--same",
                "--kind", kind,
            )  # fmt: skip
            state = server.state()
            print(
                f"{args.clients} clients, {kind}: {seen['num_ok']} ok, {seen['num_errors']} errors "
                f"{seen['errors']}, {seen['num_events']} events in {seen['seconds']:.1f} s; then "
                f"jobs {state['jobs']}, waiting {state['waiting']}, held {state['held_slots']}"
            )


def vanish(args: argparse.Namespace) -> None:
    """Let many clients break off in the middle of streams."""
    with serving() as server:
        for _ in range(args.rounds):
            words = ("--clients", str(args.clients), "--tokens", "1000", "--vanish", "200")
            server.clients(*words)
            began = time.monotonic()
            state = server.state()
            before = state
            while state["jobs"] or state["waiting"] or state["held_slots"]:
                state = server.state()
            took = time.monotonic() - began
            print(
                f"{args.clients} clients gone: {before['jobs']} jobs were seen still, "
                f"none after {took:.2f} s"
            )


def slow(args: argparse.Namespace) -> None:
    """Compare throughput with and without clients that read a byte a second."""
    long = {"text": "Once upon a time", "stream": True}
    long["sampling_params"] = GREEDY | {"max_new_tokens": 1900}
    body = json.dumps(long).encode()
    head = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with serving() as server:
        words = ("--clients", "64", "--requests", "2", "--tokens", str(args.tokens))
        server.clients(*words)
        for number in range(args.rounds):
            alone = server.clients(*words)
            before = rss_mib(server.pid)
            readers = []
            for _ in range(args.slow):
                reader = socket.socket()
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                reader.connect(("127.0.0.1", server.port))
                reader.sendall(head + body)
                readers.append(reader)
            while server.state()["jobs"]:  # they are generated whether they are read or not
                for reader in readers:
                    reader.recv(1)
                time.sleep(1)
            beside = server.clients(*words)
            ratio = alone["seconds"] / beside["seconds"]
            grown = rss_mib(server.pid) - before
            print(
                f"round {number}: {args.slow} slow readers leave {100 * ratio:.0f} % of the "
                f"throughput and take {grown:.1f} MiB; {beside['num_errors']} errors"
            )
            for reader in readers:
                reader.close()


def growth(args: argparse.Namespace) -> None:
    """Print the memory of both processes while short requests come and go."""
    with serving() as server:
        for done in range(0, args.requests + 1, args.requests // 5):
            if done:
                count = args.requests // 5 // 50
                words = ("--clients", "50", "--requests", str(count), "--tokens", "4")
                for kind in ("whole", "stream"):
                    seen = server.clients(*words[:3], str(count // 2), *words[4:], "--kind", kind)
                    assert not seen["num_errors"], seen["errors"]
            print(
                f"{done:6} requests: HTTP {rss_mib(server.pid):.1f} MiB, engine "
                f"{rss_mib(server.engine):.1f} MiB, jobs {server.state()['jobs']}",
                flush=True,
            )


COMMANDS = {
    "overhead": overhead, "latency": latency, "many": many, "vanish": vanish, "slow": slow,
    "growth": growth,
}  # fmt: skip


def main() -> None:
    """Run what is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=tuple(COMMANDS))
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=64)
    args = parser.parse_args()
    args.requests = args.requests or {"growth": 10_000}.get(args.what, 3)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    COMMANDS[args.what](args)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
