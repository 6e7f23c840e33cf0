"""Recordings: how large they are, what writing them costs, and how long a replay takes.

    python bench/recordings.py --rows 100 --rounds 5

Conversations of four turns on the embedded model, all at once. Each round runs them with and
without a recording, in turns on one engine object with its cache emptied, and replays what was
recorded. Prints bytes by kind of line, bytes per 1,000 tokens, and seconds with their ratio.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.local import LocalHost, load
from sglc.runtime.options import LocalOptions
from sglc.runtime.recording.about import model_data
from sglc.runtime.recording.reader import read_recording
from sglc.runtime.recording.replay import open_replay, recorded_plan, replay_runs
from sglc.runtime.recording.writer import RecordingWriter

PROGRAM = """
prompt chat(topic: str):
    system: "You are a careful assistant. You answer in short sentences, you never guess, and you \
say where your knowledge ends. You write for readers who are in a hurry."
    user: "Tell me about {topic}."
    assistant: "{a = gen(max_tokens=60)}"
    user: "Why is that so?"
    assistant: "{b = gen(max_tokens=60)}"
    user: "Give an example."
    assistant: "{c = gen(max_tokens=60)}"
    user: "Sum up."
    assistant: "{d = gen(max_tokens=60)}"
"""


def plan_of(text: str) -> Plan:
    """Compile the program."""
    sink = DiagnosticSink()
    program = compile_source(SourceFile("chat.sgl", text), sink)
    assert program is not None, sink.diagnostics
    return program.plan


def timed_run(host: LocalHost, plan: Plan, num_rows: int) -> float:
    """Run the rows and return seconds."""
    host.scheduler.flush_cache()
    rows = [(i, {"topic": f"the number {i}"}) for i in range(num_rows)]
    start = time.perf_counter()
    for _ in host.run_batch(plan, rows):
        pass
    return time.perf_counter() - start


def tell_sizes(path: Path) -> None:
    """Print what the lines of a recording take."""
    recording, data = read_recording(path), path.read_bytes()
    sizes: Counter[str] = Counter()
    for line in data.splitlines(keepends=True):
        sizes[json.loads(line).get("t", "first line")] += len(line)
    prompts = sum(len(recording.prompt(number)) for number in recording.calls)
    answers = recording.num_tokens
    tokens = prompts + answers
    print(f"{len(recording.runs)} runs, {len(recording.calls)} calls, ", end="")
    print(f"{prompts:,} tokens of prompts, {answers:,} of answers: {len(data):,} bytes")
    print(", ".join(f"{kind} {size:,}" for kind, size in sizes.most_common()))
    print(f"per 1,000 tokens: {1000 * len(data) / tokens:,.0f} bytes", end="")
    print(f", gzip {1000 * len(gzip.compress(data)) / tokens:,.0f}")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    host, plan = load(LocalOptions()), plan_of(PROGRAM)
    ratios, replays = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sglrec"
        about = {"model": model_data(host.executor, host.encoder, "embedded")}
        timed_run(host, plan, args.rows)
        for _ in range(args.rounds):
            plain_s = timed_run(host, plan, args.rows)
            writer = RecordingWriter(path, about)
            host.record(writer)
            recorded_s = timed_run(host, plan, args.rows)
            host.record(None)
            writer.close()
            ratios.append(recorded_s / plain_s)
            start = time.perf_counter()
            recording = read_recording(path)
            replay = open_replay(recording)
            runs = replay_runs(replay.host, recorded_plan(recording), recording.runs.values())
            assert sum(1 for _ in runs) == args.rows
            replays.append(time.perf_counter() - start)
            assert replay.backend.missing == []
            replay.host.executor.close()
            print(
                f"plain {plain_s:.2f} s, recorded {recorded_s:.2f} s ({ratios[-1]:.3f}), "
                f"replay {replays[-1]:.2f} s"
            )
        tell_sizes(path)
    print(f"median: recorded / plain {statistics.median(ratios):.3f}", end="")
    print(f", replay {statistics.median(replays):.2f} s")


if __name__ == "__main__":
    main()
