"""What Python costs beside the engine: rows of a program as a function and as a `.sgl` program.

    python bench/frontend.py --rows 1000 --rounds 5
    python bench/frontend.py --profile rows

Both forms of a program ask the same of one engine, a model whose logits are a hash of the tokens so
far: it computes next to nothing, so that what is left is the host. `rows` chooses a tool, reads the
choice and writes; `flat` writes without reading; `forks` forks four times in a loop of two. The
`.sgl` form is compiled at -O0 and its runs are submitted all at once, in the thread of the engine.
The overhead is what a row takes more than that: seconds of the clock, and of the processor in all
threads, which other programs on the machine disturb less. Of the forks, the groups that the
scheduler was given are counted. Python looks for cycles of garbage as rarely beside the `.sgl` form
as it does while a batch runs.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

import sglc
from sglc.backends.backend import Backend, Made
from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runs.collecting import rare_collections
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.executor import Executor
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

LENGTH: Final = 4


@sglc.function
def rows(s: Any, question: str) -> None:
    s += "To answer this question: " + question + ". I need to use a "
    s += sglc.gen("tool", choices=["calculator", "search engine"]) + ". "
    if s["tool"] == "calculator":
        s += "The math expression is" + sglc.gen("text", max_tokens=LENGTH)
    else:
        s += "The key word to search is" + sglc.gen("text", max_tokens=LENGTH)


@sglc.function
def flat(s: Any, question: str) -> None:
    s += "Q: " + question + "\nA:" + sglc.gen("text", max_tokens=LENGTH)


@sglc.function
def forks(s: Any, question: str) -> None:
    s += "Q: " + question
    for turn in range(2):
        group = s.fork(4)
        for i, f in enumerate(group):
            f += f"\nPart {turn}.{i}:" + sglc.gen("part", max_tokens=LENGTH)
        s += "".join(f["part"] for f in group)


SOURCES: Final = {
    "rows": """
prompt rows(question: str) -> str:
    "To answer this question: {question}. I need to use a "
    "{tool = select("calculator", "search engine")}. "
    match tool:
        "calculator":
            "The math expression is{one = gen(max_tokens=4)}"
            return one
        else:
            "The key word to search is{other = gen(max_tokens=4)}"
            return other
""",
    "flat": """
prompt flat(question: str) -> str:
    "Q: {question}\\nA:{text = gen(max_tokens=4)}"
    return text
""",
    "forks": """
prompt forks(question: str):
    "Q: {question}"
    for turn in 0..1:
        fork i in 0..3 as f:
            "\\nPart {turn}.{i}:"
            part = gen(max_tokens=4)
        "{f[0].part}{f[1].part}{f[2].part}{f[3].part}"
""",
}
FUNCTIONS: Final = {"rows": rows, "flat": flat, "forks": forks}


def make_backend() -> tuple[Backend, Scheduler]:
    """The hash model and its scheduler, behind a thread of their own."""
    tokenizer = ByteTokenizer()

    def make(wake: threading.Event) -> Made:
        eos = min(tokenizer.eos_ids)
        runner = HashRunner(tokenizer.vocab_size, 200_000, 4096, eos_id=eos)
        vocabulary = Vocabulary.of(tokenizer.token_bytes, tokenizer.eos_ids, tokenizer.vocab_size)
        made.append(Scheduler(runner, vocabulary, EngineConfig(), tokenizer, None))
        encoder = PromptEncoder(tokenizer, CHATML)
        return Executor(made[0], encoder, wake=wake), encoder

    made: list[Scheduler] = []
    return Backend(make, name="hash", window=512), made[0]


def plan_of(source: str) -> Plan:
    sink = DiagnosticSink()
    program = compile_source(SourceFile("bench.sgl", source), sink)
    assert program is not None, sink.diagnostics
    return program.plan


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the clock and of the processor, and groups that were submitted."""

    wall_s: float
    cpu_s: float
    groups: int


def measure(backend: Backend, scheduler: Scheduler, action: Callable[[], None]) -> Cost:
    """Do something from an empty cache, without garbage from before."""
    emptied = threading.Event()
    backend.host.call(lambda: (scheduler.flush_cache(), emptied.set()))  # type: ignore[func-returns-value]
    emptied.wait(60)
    gc.collect()  # of runs before: they are no part of what is measured
    groups, cpu_s, wall_s = scheduler.stats()["groups"], time.process_time(), time.perf_counter()
    action()
    return Cost(
        time.perf_counter() - wall_s, time.process_time() - cpu_s,
        scheduler.stats()["groups"] - groups,
    )  # fmt: skip


def run_plans(backend: Backend, plan: Plan, questions: Sequence[str]) -> None:
    """Submit a run of the plan for each question, and wait for all of them."""
    over = threading.Event()
    left = len(questions)

    def take(event: RunEvent) -> None:
        nonlocal left
        assert event.t != "error", event.value
        left -= event.t == "done"
        if not left:
            over.set()

    def submit() -> None:
        for number, question in enumerate(questions):
            backend.host.executor.submit(
                plan, {"question": question}, instance=number, on_event=take, deltas=False
            )

    with rare_collections():
        backend.host.call(submit)
        over.wait()


def run_rows(backend: Backend, function: sglc.Function, questions: Sequence[str]) -> None:
    """Run the function for each question."""
    states = function.run_batch([{"question": q} for q in questions], backend=backend)
    failed = next((error for state in states if (error := state.error()) is not None), None)
    if failed is not None:
        raise failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=[*SOURCES])
    parser.add_argument("--profile", choices=[*SOURCES], help="where the caller's thread is")
    args = parser.parse_args()
    torch.set_num_threads(1)
    questions = [f"What is {n} and {n + 3}?" for n in range(args.rows)]
    backend, scheduler = make_backend()
    with backend:
        if args.profile:
            run_rows(backend, FUNCTIONS[args.profile], questions)
            with cProfile.Profile() as profile:
                run_rows(backend, FUNCTIONS[args.profile], questions)
            pstats.Stats(profile).sort_stats("tottime").print_stats(30)
            return
        for name in args.only or SOURCES:
            plan = plan_of(SOURCES[name])
            found: list[tuple[Cost, Cost]] = []
            for number in range(args.rounds + 1):
                plain = measure(
                    backend,
                    scheduler,
                    lambda plan=plan: run_plans(backend, plan, questions),
                )  # type: ignore[misc]
                python = measure(
                    backend,
                    scheduler,
                    lambda name=name: run_rows(backend, FUNCTIONS[name], questions),  # type: ignore[misc]
                )
                if number:  # the first round builds what is kept
                    found.append((plain, python))
            wall = [1e3 * (b.wall_s - a.wall_s) / args.rows for a, b in found]
            cpu = [1e3 * (b.cpu_s - a.cpu_s) / args.rows for a, b in found]
            plain_ms = [1e3 * a.wall_s / args.rows for a, _ in found]
            groups = found[-1][1].groups / args.rows
            print(
                f"{name}: .sgl {statistics.median(plain_ms):.3f} ms a row; in Python "
                f"{statistics.median(wall):+.3f} ms (best {min(wall):+.3f}), of the processor "
                f"{statistics.median(cpu):+.3f} ms (best {min(cpu):+.3f}); "
                f"{groups:.2f} groups a row"
            )


if __name__ == "__main__":
    main()
