"""Runs of programs in the engine's process, on a model of hashes: limits, tools, traces."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from generators.hash_model import EOS, TOKENIZER

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.source import SourceFile
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.engine.shared import SharedBackend
from sglc.runtime.executor.compile_process import CompileProcess
from sglc.runtime.executor.limits import Limits
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.server.engine.instances import Instances, Wake
from sglc.server.engine.messages import (
    AnswerTool,
    Failed,
    Finished,
    Happened,
    JobReply,
    RunPlan,
    ToolCalled,
    Traced,
)

torch.set_num_threads(1)
SAY = 'prompt f(what: str):\n    "{what}{said = gen(max_tokens=8)}"\n'
ASK = "tool ask(q: list[str]) -> int\nprompt f(q: str) -> int:\n    return ask([q, q])\n"
SIDES = """
prompt f():
    "a"
    fork n in ["x", "y"] as side:
        "{n}{k = gen(max_tokens=2)}"
    ks = side.k
"""


class Engine:
    """What the engine's process has, driven by hand."""

    def __init__(self) -> None:
        vocabulary = Vocabulary.of(TOKENIZER.token_bytes, [EOS])
        runner = HashRunner(TOKENIZER.vocab_size, 4000, 512, eos_id=EOS)
        self.scheduler = Scheduler(runner, vocabulary, EngineConfig(), TOKENIZER)
        self.shared = SharedBackend(self.scheduler)
        self.wake = Wake()
        encoder = PromptEncoder(TOKENIZER, CHATML)
        self.instances = Instances(self.shared.client, encoder, CompileProcess, self.wake)

    def load(self, source: str, digest: str = "p") -> None:
        program = compile_source(SourceFile("program", source), DiagnosticSink())
        assert program is not None
        self.instances.load(digest, pickle.dumps(program.plan))

    def begin(self, number: int, entry: str = "f", **more: Any) -> None:
        arguments = more.pop("arguments", {})
        self.instances.begin(
            RunPlan(job=number, digest="p", entry=entry, arguments=arguments, **more)
        )

    def run(self, until: Callable[[list[JobReply]], bool] | None = None) -> list[JobReply]:
        """Step, and return all replies, until nothing runs or ``until`` says so."""
        replies: list[JobReply] = []
        for _ in range(10_000):
            self.wake.begin()
            self.instances.step()
            replies += self.instances.take()
            if not self.instances.num_jobs or (until is not None and until(replies)):
                return replies
        raise AssertionError("it does not end")


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.instances.close()
    assert made.scheduler.slot_usage.held == 0


def test_what_is_told_can_be_pickled_and_written_as_json(engine: Engine) -> None:
    """No stream is in it, which holds the tokenizer."""
    engine.load(SIDES)
    engine.begin(1)
    replies = pickle.loads(pickle.dumps(engine.run()))
    *told, last = replies
    assert isinstance(last, Finished)
    assert last.result is not None
    assert len(last.result["captures"]["ks"]) == 2
    events = [event for each in told for event in each.events]
    assert {event["text"][0] for event in events if event["t"] == "branch"} == {"x", "y"}
    assert all(isinstance(each, Happened) for each in told)
    json.dumps([each.events for each in told])
    assert len(pickle.dumps(replies)) < 10_000


def test_a_traced_run_gives_the_same_and_its_trace_holds_nothing_else(engine: Engine) -> None:
    engine.load(SAY)
    for number in (1, 2):
        engine.begin(number, arguments={"what": "cats"}, seed=3, deltas=False)
    engine.begin(3, arguments={"what": "cats"}, seed=3, deltas=False, trace={"about": "it"})
    replies = engine.run()
    results = {each.job: each.result for each in replies if isinstance(each, Finished)}
    assert {each["text"] for each in results.values() if each} == {results[1]["text"]}  # type: ignore[index]
    (traced,) = (each for each in replies if isinstance(each, Traced))
    trace = json.loads(traced.trace)
    assert trace["otherData"] == {"about": "it"}
    runs = {e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"}
    assert runs == {"engine", "run 0"}
    assert [each.job for each in replies].index(3) >= 0
    order = [each for each in replies if each.job == 3]
    assert order.index(traced) < order.index(
        next(each for each in order if isinstance(each, Finished))
    )


def test_a_tool_is_asked_for_in_order_and_answered(engine: Engine) -> None:
    engine.load(ASK)
    engine.begin(1, arguments={"q": "a"})
    replies = engine.run(lambda replies: bool(replies))
    (call,) = replies
    assert isinstance(call, ToolCalled)
    assert call.arguments == {"q": ["a", "a"]}
    assert engine.instances.patience_s == pytest.approx(60, abs=1)
    assert not engine.wake.is_set()
    engine.instances.answer(AnswerTool(job=1, call=call.call, value=5))
    engine.instances.answer(AnswerTool(job=1, call=call.call, value=6))
    engine.instances.answer(AnswerTool(job=2, call=call.call, value=7))
    assert engine.wake.is_set()
    last = engine.run()[-1]
    assert isinstance(last, Finished)
    assert last.result is not None
    assert last.result["value"] == 5


def test_arguments_too_large_to_be_told_are_an_error(engine: Engine) -> None:
    engine.load(ASK)
    engine.begin(1, arguments={"q": "a" * 2_500_000})
    last = engine.run()[-1]
    assert isinstance(last, Finished)
    assert last.result is not None
    assert "its arguments cannot be told" in last.result["error"]["message"]


def test_limits_are_those_of_the_run(engine: Engine) -> None:
    engine.load(SAY)
    engine.begin(1, arguments={"what": "a"}, limits=Limits(max_tokens=3))
    engine.begin(2, arguments={"what": "a"})
    results = {each.job: each.result for each in engine.run() if isinstance(each, Finished)}
    assert results[1] is not None
    assert results[1]["error"]["code"] == "limit"
    assert results[2] is not None
    assert "error" not in results[2]


def test_what_cannot_begin_says_why(engine: Engine) -> None:
    engine.load(SAY)
    engine.begin(1, arguments={})
    engine.begin(2, entry="g", arguments={"what": "a"})
    engine.instances.begin(RunPlan(job=3, digest="q", entry="f", arguments={}))
    statuses = {each.job: each.status for each in engine.run() if isinstance(each, Failed)}
    assert statuses == {1: 400, 2: 400, 3: 404}


def test_a_plan_that_is_forgotten_leaves_its_runs_alone(engine: Engine) -> None:
    engine.load(ASK)
    engine.begin(1, arguments={"q": "a"})
    (call,) = engine.run(lambda replies: bool(replies))
    assert isinstance(call, ToolCalled)
    engine.instances.unload("p")
    assert engine.instances.num_plans == 0
    engine.begin(2, arguments={"q": "a"})
    engine.instances.answer(AnswerTool(job=1, call=call.call, value=5))
    replies = engine.run()
    assert {type(each) for each in replies if each.job == 2} == {Failed}
    assert any(isinstance(each, Finished) for each in replies)


def test_a_cancelled_run_says_nothing_more(engine: Engine) -> None:
    engine.load(SAY)
    engine.begin(1, arguments={"what": "a"})
    engine.begin(2, arguments={"what": "b"}, trace={})
    engine.run(lambda replies: bool(replies))
    engine.instances.cancel(1)
    engine.instances.cancel(2)
    engine.instances.cancel(3)
    assert engine.instances.take() == []
    assert engine.instances.num_jobs == 0
