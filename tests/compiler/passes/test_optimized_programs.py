"""Whole programs at -O0, -O1 and -O2: what they cost, on the counters of the engine itself.

The figures are golden. The hash model writes noise, so decodes are as long as they may be; what is
compared are calls, queue, prefill, scores and steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from generators.hash_model import TOKENIZER, scheduler

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import level
from sglc.compiler.plan.plan import Plan
from sglc.compiler.plan.segments import Text
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.host import Host
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

ROOT: Final = Path(__file__).parents[3]
PROGRAMS: Final = ROOT / "bench" / "programs"
ESSAY: Final = "Rain comes from clouds. When the drops get heavy, they fall."
ROWS: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "chat": [{"questions": ["Why?", "How?", "And then?"]}],
    "tools": [{"question": "what is 12 times 7"}],
    "tips": [{}],
    "tree": [{"question": "2 + 2?"}],
    "judge": [{"text": ESSAY}],
    "samples": [{"question": "2 + 2?"}],
    "react": [{"question": "Who?"}],
    "tree_typed": [{"question": "2 + 2?", "depth": 2}],
    "judge_typed": [{"text": ESSAY}],
    "samples_typed": [{"question": "2 + 2?"}],
    "react_typed": [{"question": "Who?"}],
}
COUNTED: Final = (
    "queue_entries", "prefilled_tokens", "cached_tokens", "recomputed_tokens", "scored_tokens",
    "decoded_tokens", "forced_tokens", "forward_passes", "peak_slots",
)  # fmt: skip


class Ran(NamedTuple):
    values: list[Any]
    calls: int
    counters: Mapping[str, int]


def plan_of(name: str, number: int) -> Plan:
    path = PROGRAMS / f"{name}.sgl"
    sink = DiagnosticSink()
    options = Optimization(level(number), runs_entry=True, by_value=True)
    program = compile_source(SourceFile(str(path), path.read_text()), sink, None, options)
    assert program is not None, sink.diagnostics
    return program.plan


def run(plan: Plan, rows: Iterable[Mapping[str, Any]], backend: Scheduler) -> Ran:
    def look(query: str) -> str:
        deadline = time.monotonic() + 10  # as slow as it takes to compute what is known meanwhile
        while not backend.idle and time.monotonic() < deadline:
            time.sleep(0.001)
        return f"nothing about {query.strip()}"

    registry = ToolRegistry({"look": look})
    encoder = PromptEncoder(TOKENIZER, CHATML)
    host = Host(Executor(backend, encoder, tools=registry), encoder, 512)
    before = backend.stats()
    results = dict(host.run_batch(plan, enumerate(rows), seed=3))
    host.executor.close()
    after = backend.stats()
    assert all(result.error is None for result in results.values())
    return Ran(
        [results[i].value for i in sorted(results)],
        sum(stats.calls for result in results.values() for stats in result.stats.values()),
        {name: after[name] - before[name] for name in COUNTED},
    )


def test_what_programs_cost(golden: Callable[[Path, str], None]) -> None:
    lines = [f"{'':<16} " + " ".join(f"{n.partition('_')[0]:>10}" for n in ("calls", *COUNTED))]
    for name, rows in ROWS.items():
        values = []
        for number in (0, 1, 2):
            ran = run(plan_of(name, number), rows, scheduler(60_000))
            values.append(ran.values)
            counts = (ran.calls, *ran.counters.values())
            lines.append(f"{name:<13} -O{number} " + " ".join(f"{count:>10}" for count in counts))
        assert values[0] == values[1]  # the same tokens; -O2 may cut forced text otherwise
    text = "".join(line.rstrip() + "\n" for line in lines)
    golden(ROOT / "tests" / "golden" / "work" / "programs.txt", text)


def test_a_chat_is_one_stream_in_which_every_token_is_computed_once() -> None:
    plain, ran = (run(plan_of("chat", n), ROWS["chat"], scheduler(60_000)) for n in (0, 2))
    assert (ran.calls, ran.counters["queue_entries"]) == (3, 1)
    assert ran.values == plain.values
    # Without a lookup as little is computed as with a cache that evicts nothing.
    assert ran.counters["prefilled_tokens"] == plain.counters["prefilled_tokens"]
    assert ran.counters["cached_tokens"] == ran.counters["recomputed_tokens"] == 0
    assert plain.counters["cached_tokens"] > 0


def test_a_choice_is_scored_once_and_not_prefilled_again() -> None:
    choices = ("calculator", "search engine", "calendar", "dictionary")
    backend = scheduler(60_000)
    ran = run(plan_of("tools", 2), ROWS["tools"], backend)
    inner = {choice[:end] for choice in choices for end in range(1, len(choice))}
    assert ran.calls == 2
    assert ran.counters["queue_entries"] == 1
    assert ran.counters["scored_tokens"] == len(inner)
    plain = run(plan_of("tools", 0), ROWS["tools"], scheduler(60_000))
    assert ran.values == plain.values
    assert ran.counters["cached_tokens"] in {len(choice) - 1 for choice in choices}


def test_branches_are_one_entry_and_share_what_comes_before() -> None:
    plain, ran = (run(plan_of("tips", n), [{}], scheduler(60_000)) for n in (0, 2))
    parent = "Here are two tips for staying healthy: 1. Balanced Diet. 2. Regular Exercise.\n\n"
    encoder = PromptEncoder(TOKENIZER, CHATML)
    shared = len(encoder.encode([Text(parent + "Now, expand tip ")]))
    # Their prefix, which is pinned, both branches, and the summary; the prefix by one of them.
    assert ran.counters["queue_entries"] == 3
    assert ran.counters["prefilled_tokens"] == plain.counters["prefilled_tokens"]
    assert ran.counters["cached_tokens"] >= shared
    assert ran.counters["forward_passes"] == plain.counters["forward_passes"]
    assert ran.values == plain.values
