"""Runs under a clock that only the backend and tools move: every time in them is exact."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generators.early_arms import with_early_arms
from generators.hash_model import TOKENIZER

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, check_source, compile_source
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.constraints.types import Type
from sglc.runtime.core.events import Decoded, DecodeResult, Ended, Event, Failed
from sglc.runtime.core.script import Decode, Extend, StreamRequest
from sglc.runtime.core.stats import Snapshot, StreamStats
from sglc.runtime.executor.compile_process import Prepared, prepare
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.records import RunRecord
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

STEP_NS = 10


@dataclass
class Clock:
    """Moves when it is told to."""

    now: int = 0

    def __call__(self) -> int:
        return self.now


@dataclass
class Stream:
    """A stream at work: its label, the tokens of its prompt, the steps that it has done."""

    label: str
    length: int
    done: int = 0

    def stats(self) -> StreamStats:
        return StreamStats(
            prompt_tokens=self.length,
            prefilled_tokens=self.length if self.done else 0,
            decoded_tokens=self.done,
            queue_entries=1,
        )


@dataclass
class Steps:
    """A backend whose decodes take as many steps of 10 ns as ``steps`` says, the first one prefill.

    At most ``max_running`` streams run; ``host_ns`` pass between two steps. The text of a decode is
    its label; that of ``bad`` fails.
    """

    clock: Clock
    steps: Mapping[str, int]
    max_running: int = 100
    host_ns: int = 0
    step_ns: int = STEP_NS
    open: dict[int, Stream] = field(default_factory=dict)
    vocab_size: int = TOKENIZER.vocab_size
    max_context: int = 1000
    next_id: int = 0

    @property
    def idle(self) -> bool:
        return not self.open

    def submit(self, request: StreamRequest) -> int:
        extend, decode = request.script
        assert isinstance(extend, Extend)
        assert isinstance(decode, Decode)
        self.next_id += 1
        self.open[self.next_id] = Stream(decode.label, len(extend.ids))
        return self.next_id

    def cancel(self, stream: int) -> StreamStats:
        return self.open.pop(stream).stats()

    def step(self) -> list[Event]:
        self.clock.now += self.step_ns
        events: list[Event] = []
        for number, stream in list(self.open.items())[: self.max_running]:
            stream.done += 1
            if stream.done < self.steps[stream.label]:
                continue
            del self.open[number]
            if stream.label == "bad":
                events.append(Failed(number, 1, "no", stream.stats()))
                continue
            result = DecodeResult((1,) * stream.done, stream.label, "eos")
            events += [Decoded(number, 1, result), Ended(number, stream.stats())]
        return events

    def snapshot(self) -> Snapshot:
        self.clock.now += self.host_ns
        running = {i: s.stats() for i, s in self.open.items() if s.done}
        return Snapshot(running, len(self.open) - len(running))

    def stats(self) -> Mapping[str, int]:
        return {}


@dataclass
class Builder:
    """Builds constraints, in a time that is known; it begins when a call waits."""

    recorder: Recorder
    clock: Clock
    build_ns: int

    def prepare(self, t: Type, timeout_s: float | None = None) -> Prepared:
        while not any(run.calls for run in self.recorder.runs):
            time.sleep(0.001)
        self.clock.now += self.build_ns
        return prepare(t)

    def close(self) -> None: ...


@dataclass
class Recorded:
    """A run and what was recorded of it."""

    result: Result
    run: RunRecord
    recorder: Recorder

    @property
    def path(self) -> list[str]:
        """The names of the calls on the critical path."""
        assert self.run.longest is not None
        return [call.name for call in self.run.longest.calls()]

    def spent(self, name: str) -> dict[str, int]:
        """The phases of the one call of this name."""
        (call,) = (call for call in self.run.calls if call.name == name)
        return dict(call.spent_ns)


def plan_of(source: str) -> Plan:
    sink = DiagnosticSink()
    program = compile_source(
        SourceFile("a.sgl", source), sink, None, Optimization(parse_pipeline("jump"))
    )
    assert program is not None, sink.diagnostics
    return program.plan


def early_plan_of(source: str) -> Plan:
    """The plan with all arms begun before their decisions."""
    checked = check_source(SourceFile("a.sgl", source), DiagnosticSink())
    assert checked is not None
    return lower_module(with_early_arms(build_graph(checked)), "main")


def record(
    source: str,
    tools: Callable[[Clock], Mapping[str, Callable[..., Any]]] = lambda clock: {},
    max_running: int = 100,
    host_ns: int = 0,
    build_ns: int = 0,
    step_ns: int = STEP_NS,
    plan: Callable[[str], Plan] = plan_of,
    **steps: int,
) -> Recorded:
    """Run a program whose calls take so many steps."""
    clock = Clock()
    recorder = Recorder(clock, timeline=True)
    backend = Steps(clock, steps, max_running, host_ns, step_ns)
    executor = Executor(
        backend, PromptEncoder(TOKENIZER, CHATML), tools=ToolRegistry(tools(clock)),
        preparer=lambda: Builder(recorder, clock, build_ns), recorder=recorder,
    )  # fmt: skip
    result = executor.drive(executor.submit(plan(source)))
    executor.close()
    (run,) = recorder.runs
    check_times(run)
    return Recorded(result, run, recorder)


def check_times(run: RunRecord) -> None:
    """The laws of all runs: phases fill calls, calls lie in the run, chains do not overlap."""
    for call in run.calls:
        assert run.start_ns <= call.start_ns <= call.end_ns <= run.end_ns
        assert sum(call.spent_ns.values()) == call.duration_ns
        at = call.start_ns
        for _, begin, end in call.segments:
            assert begin == at < end
            at = end
        assert at == call.end_ns
    waited_for = [c for c in run.calls if c.op != "warm" and not c.is_wasted]
    if not waited_for:
        assert run.longest is None
        return
    assert run.longest is not None
    chain = run.longest.calls()
    assert run.longest.length_ns == sum(call.duration_ns for call in chain)
    for before, after in itertools.pairwise(chain):
        assert before.end_ns <= after.start_ns
    assert max(call.duration_ns for call in waited_for) <= run.longest.length_ns <= run.duration_ns
