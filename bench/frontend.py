"""What Python costs beside the engine: rows of a program as a function and as a `.sgl` program.

    python bench/frontend.py --rows 1000 --rounds 5
    python bench/frontend.py --profile rows

Both forms of a program ask the same of one engine, whose model is a table and computes nothing.
`rows` chooses a tool, reads the choice and writes; `flat` writes without reading; `forks` forks
four times in a loop of two. The `.sgl` form is compiled at -O0 and its runs are submitted all at
once, in the thread of the engine: that is the time of the engine, scheduler, cache and dataflow.
The overhead is what a row takes more than that.
Seconds are those of the processor in all threads, which other programs on the machine disturb less
than the clock. Of the forks, the groups that the scheduler was given are counted. Python looks for
cycles of garbage as rarely beside the `.sgl` form as it does while a batch runs.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
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
from sglc.runtime.core.batch import ForwardBatch
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.executor import Executor
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

LENGTH: Final = 4


class TableRunner:
    """A model whose logits are those that a table has for the last token."""

    max_context = 4096
    num_slots = 200_000

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        drawn = torch.Generator().manual_seed(0)
        self._table = torch.randn(vocab_size, vocab_size, generator=drawn)

    def forward(self, batch: ForwardBatch) -> torch.Tensor:
        return self.logits(self.hidden(batch))

    def hidden(self, batch: ForwardBatch) -> torch.Tensor:
        return self._table[batch.token_ids[batch.logit_rows]]

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden


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
    """The table and its scheduler, behind a thread of their own."""
    tokenizer = ByteTokenizer()

    def make(wake: threading.Event) -> Made:
        vocabulary = Vocabulary.of(tokenizer.token_bytes, tokenizer.eos_ids, tokenizer.vocab_size)
        runner = TableRunner(tokenizer.vocab_size)
        made.append(Scheduler(runner, vocabulary, EngineConfig(), tokenizer, None))
        encoder = PromptEncoder(tokenizer, CHATML)
        return Executor(made[0], encoder, wake=wake), encoder

    made: list[Scheduler] = []
    return Backend(make, name="table", window=512), made[0]


def plan_of(source: str) -> Plan:
    sink = DiagnosticSink()
    program = compile_source(SourceFile("bench.sgl", source), sink)
    assert program is not None, sink.diagnostics
    return program.plan


def measure(backend: Backend, scheduler: Scheduler, action: Callable[[], None]) -> float:
    """Do something from an empty cache, without garbage from before: seconds of the processor."""
    backend.ask(scheduler.flush_cache)
    gc.collect()  # of runs before: they are no part of what is measured
    before_s = time.process_time()
    action()
    return time.process_time() - before_s


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
            run_plan = partial(run_plans, backend, plan_of(SOURCES[name]), questions)
            run_function = partial(run_rows, backend, FUNCTIONS[name], questions)
            run_plan(), run_function()  # builds what is kept
            plain_ms: list[float] = []
            over_ms: list[float] = []
            for _ in range(args.rounds):
                plain_ms.append(1e3 * measure(backend, scheduler, run_plan) / args.rows)
                python_ms = 1e3 * measure(backend, scheduler, run_function) / args.rows
                over_ms.append(python_ms - plain_ms[-1])
            groups = scheduler.stats()["groups"]
            run_function()
            groups = scheduler.stats()["groups"] - groups
            print(
                f"{name}: .sgl {median(plain_ms):.3f} ms a row; Python {median(over_ms):+.3f} ms "
                f"(from {min(over_ms):+.3f} to {max(over_ms):+.3f}); "
                f"{groups / args.rows:.2f} groups a row"
            )


if __name__ == "__main__":
    main()
