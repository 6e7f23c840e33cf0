"""Programs in the textual IR, and a scripted backend that answers prompts by their text."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.verify import verify
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.plan.plan import Plan
from sglc.runtime.core.events import (
    Decoded,
    DecodeResult,
    Delta,
    Ended,
    Event,
    Failed,
    Scored,
    ScoreResult,
)
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.core.stats import Snapshot, StreamStats
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.limits import Limits
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

TOKENIZER = ByteTokenizer()
Reply = Callable[[str], str]


def echo(prompt: str) -> str:
    """Answer with the last word of the prompt in brackets."""
    words = prompt.split()
    return f"<{words[-1] if words else ''}>"


@dataclass
class Scripted:
    """Bytes are tokens. ``reply`` maps a prompt to the answer; one that raises is a failure.

    A step ends the streams whose prompt does not hold a text of ``held``, at random those when
    ``order`` is given; two deltas per decode. A choice scores minus its length, less by one for
    the first letter ``x``.
    """

    reply: Reply = echo
    order: random.Random | None = None
    held: set[str] = field(default_factory=set)
    open: dict[int, StreamRequest] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    requests: list[StreamRequest] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    largest_window: int = 0
    vocab_size: int = TOKENIZER.vocab_size
    max_context: int = 1000
    next_id: int = 0

    @property
    def idle(self) -> bool:
        return not self.open

    def submit(self, request: StreamRequest) -> int:
        self.next_id += 1
        self.open[self.next_id] = request
        self.requests.append(request)
        self.prompts.append(self._prompt(request))
        return self.next_id

    def cancel(self, stream: int) -> StreamStats:
        if self.open.pop(stream, None) is not None:
            self.cancelled.append(stream)
        return StreamStats()

    def snapshot(self) -> Snapshot:
        return Snapshot({}, len(self.open))

    def stats(self) -> Mapping[str, int]:
        return {}

    def step(self) -> list[Event]:
        self.largest_window = max(self.largest_window, len(self.open))
        free = [s for s, r in self.open.items() if not any(h in self._prompt(r) for h in self.held)]
        if self.order is not None and free:
            self.order.shuffle(free)
            free = free[: self.order.randint(1, len(free))]
        return [event for stream in free for event in self._run(stream, self.open.pop(stream))]

    def _prompt(self, request: StreamRequest) -> str:
        (extend,) = (op for op in request.script if isinstance(op, Extend))
        return TOKENIZER.decode(extend.ids)

    def _run(self, stream: int, request: StreamRequest) -> list[Event]:
        extend, op = request.script
        assert isinstance(extend, Extend)
        stats = StreamStats(prompt_tokens=len(extend.ids), decoded_tokens=3, decode_steps=2)
        if isinstance(op, Score):
            rows = tuple(tuple(-1.0 - (t == ord("x")) for t in c) for c in op.choices)
            return [Scored(stream, 1, ScoreResult(rows)), Ended(stream, stats)]
        assert isinstance(op, Decode)
        try:
            text = self.reply(self._prompt(request))
        except RuntimeError as error:
            return [Failed(stream, 1, str(error))]
        half = len(text) // 2
        logprobs = () if op.num_logprobs is None else (-0.5,) * 3
        result = DecodeResult((1, 2, 3), text, "eos", logprobs=logprobs)
        deltas = [Delta(stream, 1, t) for t in (text[:half], text[half:]) if t]
        return [
            *(deltas if request.deltas else []),
            Decoded(stream, 1, result),
            Ended(stream, stats),
        ]


@dataclass
class World:
    """Runs programs on a scripted backend."""

    backend: Scripted = field(default_factory=Scripted)
    tools: dict[str, Callable[..., Any]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] | None = None
    made: list[Executor] = field(default_factory=list)

    def executor(self, **options: Any) -> Executor:
        if self.clock is not None:
            options["clock"] = self.clock
        options = {"tools": ToolRegistry(self.tools), "limits": self.limits} | options
        executor = Executor(self.backend, PromptEncoder(TOKENIZER, CHATML), **options)
        self.made.append(executor)
        return executor

    def run(self, source: str, **arguments: Any) -> Result:
        """Run a program to its end; nothing of it is left behind."""
        return self.finish(self.executor(), source, **arguments)[1]

    def plan(self, source: str) -> Plan:
        """Return the plan of a program."""
        return plan_of(source)

    def finish(self, executor: Executor, source: str, **arguments: Any) -> tuple[Run, Result]:
        run = executor.submit(plan_of(source), arguments)
        result = executor.drive(run)
        assert not executor.step()
        return run, result


def plan_of(source: str) -> Plan:
    """Read a module in the textual IR; the entry is ``main``. Every line gets its own place."""
    lines = source.strip().splitlines()
    text = "\n".join(
        f"{line} loc({number}:1)" if _takes_loc(line, following) else line
        for number, (line, following) in enumerate(zip(lines, [*lines[1:], "}"], strict=True), 1)
    )
    module = parse_module(f'source "a.sgl"\n{text}\n')
    verify(module)
    return lower_module(module, "main")


def _takes_loc(line: str, following: str) -> bool:
    """Whether an op ends on this line: it has no region, neither here nor on the next line."""
    words = line.split()
    opens_region = re.match(r"\s*(do|else|case|branch|body)\b", following)
    is_op = words and words[0] not in ("prompt", "fn", "tool", "constraint", "}", "case")
    return bool(is_op) and words[-1] != "{" and not opens_region


@pytest.fixture
def world() -> Iterator[World]:
    """A fresh world; its executors are closed at the end."""
    world = World()
    yield world
    for executor in world.made:
        executor.close()
