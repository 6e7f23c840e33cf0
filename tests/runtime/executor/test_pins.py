"""What calls of a program begin with is computed once, whoever runs in between."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from generators.hash_model import TOKENIZER, scheduler
from generators.ir_programs import ARGUMENTS, ENTRY, make_tools, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import level, parse_pipeline
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.profile import Profile
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.run import Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

RULES = "".join(random.Random(5).choices("abcdefgh ", k=300))
ASK = f"""
let RULES = "{RULES}"
tool look(x: str) -> str
prompt ask(q: str) -> str:
    "{{RULES}} Q: {{q}} A:"
    return gen(max_tokens=6, min_tokens=6)
prompt main(q: str) -> str:
    first = ask(q)
    second = ask(look(first))
    return ask(look(second))
"""
OTHER = 'prompt main(q: str) -> str:\n    "{q}"\n    return gen(max_tokens=6)\n'


def plan_of(text: str, pipeline: str) -> Plan:
    sink = DiagnosticSink()
    optimization = Optimization(parse_pipeline(pipeline), runs_entry=True)
    program = compile_source(SourceFile("t.sgl", text), sink, None, optimization)
    assert program is not None, sink.diagnostics
    return program.plan


class World:
    """An executor over the hash model, and a tool that answers when it is told to."""

    def __init__(self, num_slots: int, **limits: int) -> None:
        self.backend = scheduler(num_slots, **limits)
        self.encoder = PromptEncoder(TOKENIZER, CHATML)
        self.recorder = Recorder()
        self.answers = threading.Semaphore(0)
        self.executor = Executor(
            self.backend,
            self.encoder,
            tools=ToolRegistry({"look": self.look}),
            recorder=self.recorder,
        )
        self.num_others = 0

    def look(self, x: str) -> str:
        assert self.answers.acquire(timeout=20)
        return x.upper()

    def until_tools(self) -> None:
        """Let the engine come to an end of what it has."""
        for _ in range(12):
            self.executor.step()

    def others(self, count: int, width: int) -> None:
        """Run another program so many times, ``width`` of them at once; no two begin alike."""
        plan = plan_of(OTHER, "")
        runs: list[Run] = []
        while len(runs) < count or not all(run.done for run in runs):
            while len(runs) < count and sum(not run.done for run in runs) < width:
                self.num_others += 1
                text = f"{self.num_others:04d}{RULES[:100]}"
                runs.append(self.executor.submit(plan, {"q": text}))
            self.executor.step()

    def counted(self, name: str) -> int:
        return self.backend.stats()[name]


def run_between(pipeline: str, width: int) -> tuple[World, Run]:
    """A run between whose calls others run, 2,100 tokens in a pool of 900."""
    world = World(900)
    run = world.executor.submit(plan_of(ASK, pipeline), {"q": "why?"})
    for _ in range(2):  # two calls of tools
        world.until_tools()
        world.others(20, width)
        world.answers.release()
        while world.backend.idle and not run.done:
            world.executor.wait()
            world.executor.step()
    world.executor.run_until_idle()
    assert run.result().error is None
    assert world.backend.idle
    assert world.backend.snapshot().num_held == 0
    return world, run


def prefilled(run: Run) -> int:
    return sum(stats.prefilled_tokens for stats in run.result().stats.values())


def test_a_shared_beginning_stays_while_the_run_waits_for_a_tool() -> None:
    expected, alone = run_between("", width=4)
    world, run = run_between("prefix", width=4)
    assert run.result().value == alone.result().value
    assert prefilled(alone) > 3 * len(RULES)
    assert len(RULES) < prefilled(run) < 1.2 * len(RULES)  # and the three questions
    saved = expected.counted("prefilled_tokens") - world.counted("prefilled_tokens")
    assert saved == prefilled(alone) - prefilled(run)
    assert world.counted("evicted_tokens") < expected.counted("evicted_tokens") - len(RULES)
    assert world.counted("forward_passes") == expected.counted("forward_passes")
    assert world.counted("queue_entries") == expected.counted("queue_entries") + 1
    assert world.counted("parked") == 0


def test_a_beginning_that_is_warmed_first_is_kept_too() -> None:
    """At -O1 the prompts are inlined, and the beginning is warmed while the tool runs."""
    every = str(level(1))
    without, alone = run_between(every.replace("prefix,", ""), width=4)
    world, run = run_between(every, width=4)
    assert run.result().value == alone.result().value
    assert len(RULES) < prefilled(run) < 1.2 * len(RULES)
    assert prefilled(alone) > 3 * len(RULES)
    assert world.counted("forward_passes") == without.counted("forward_passes")


def test_where_all_room_is_needed_nobody_waits_for_a_pin() -> None:
    expected, alone = run_between("", width=20)
    world, run = run_between("prefix", width=20)
    assert world.counted("parked") == 2
    assert world.counted("resumes") == 2  # pinned again by each call after that
    assert world.counted("forward_passes") == expected.counted("forward_passes")
    assert prefilled(run) == prefilled(alone)
    assert run.result().value == alone.result().value


@pytest.mark.parametrize("limits", [{}, {"chunk_size": 50}, {"max_running": 2}], ids=str)
def test_a_run_alone_takes_no_step_more(limits: dict[str, int]) -> None:
    def alone(pipeline: str) -> tuple[World, Run]:
        world = World(2_000, **limits)
        world.answers.release(2)
        run = world.executor.submit(plan_of(ASK, pipeline), {"q": "why?"})
        world.executor.run_until_idle()
        return world, run

    expected, plain = alone("")
    world, run = alone("prefix")
    assert run.result().value == plain.result().value
    for name in ("prefilled_tokens", "decoded_tokens"):
        assert world.counted(name) == expected.counted(name)
    # In chunks there may be fewer: two streams compute a chunk each.
    assert world.counted("forward_passes") <= expected.counted("forward_passes")
    assert world.counted("queue_entries") == expected.counted("queue_entries") + 1
    assert world.backend.snapshot().num_held == 0


def test_runs_share_a_pin_and_its_ids() -> None:
    def many(pipeline: str) -> World:
        world = World(4_000)
        world.answers.release(20)
        plan = plan_of(ASK, pipeline)
        for i in range(10):
            world.executor.submit(plan, {"q": str(i)})
        world.executor.run_until_idle()
        return world

    expected, world = many(""), many("prefix")
    assert world.counted("queue_entries") == expected.counted("queue_entries") + 1
    extra = world.encoder.counts.encoded_chars - expected.encoder.counts.encoded_chars
    assert extra == len(RULES + " Q: ")
    total = Profile.of(world.recorder).total
    for name in ("queue_entries", "prefilled_tokens", "cached_tokens", "decoded_tokens"):
        assert getattr(total.stats, name) == world.counted(name), name
    assert total.calls == Profile.of(expected.recorder).total.calls


def test_the_longest_beginning_is_pinned() -> None:
    text = f"""
let RULES = "{RULES[:80]}"
let SHOTS = "{RULES[100:200]}"
prompt main(q: str) -> str:
    "{{RULES}}"
    side as one:
        "{{SHOTS}}"
        side as x: " x{{a = gen(max_tokens=2)}}"
        side as y: " y{{b = gen(max_tokens=2)}}"
    side as two: " z{{c = gen(max_tokens=2)}}"
    return q
"""
    world = World(2_000)
    plan = plan_of(text, "prefix")
    assert len(plan.hints["prefixes"]) == 2  # type: ignore[arg-type]
    run = world.executor.submit(plan, {"q": ""})
    world.executor.step()
    # One with the examples behind the first call, one without behind the last.
    assert world.counted("queue_entries") == 3 + 2
    world.executor.run_until_idle()
    assert run.result().error is None
    assert world.backend.snapshot().num_held == 0


def test_a_cancelled_run_lets_go() -> None:
    world = World(2_000)
    run = world.executor.submit(plan_of(ASK, "prefix"), {"q": "why?"})
    world.executor.step()
    assert not world.backend.idle
    world.executor.cancel(run)
    assert world.backend.idle
    assert world.backend.snapshot().num_held == 0


def test_a_beginning_that_cannot_be_is_told_by_the_call() -> None:
    text = ASK.replace('    "{RULES}', '    system: "{RULES}"\n    "{RULES}')
    plan = plan_of(text, "prefix")
    assert plan.hints["prefixes"]
    executor = Executor(
        scheduler(2_000),
        PromptEncoder(TOKENIZER, None),
        tools=ToolRegistry({"look": lambda x: str(x)}),
    )
    run = executor.submit(plan, {"q": "why?"})
    executor.run_until_idle()
    assert "no chat template" in str(run.result().error)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(modules(), st.randoms(use_true_random=False))
def test_random_programs_give_what_they_give_without(module: Module, order: Any) -> None:
    def results(hinted: Module, num_slots: int) -> list[Any]:
        log: list[str] = []
        tools: dict[str, Callable[..., Any]] = make_tools(log) | {"note": lambda line: line[:3]}
        backend = scheduler(num_slots, max_running=order.choice([2, 64]))
        executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML), tools=ToolRegistry(tools))
        plan = lower_module(hinted, ENTRY)
        runs = [executor.submit(plan, ARGUMENTS, seed=3, instance=i) for i in range(3)]
        executor.run_until_idle()
        executor.close()
        assert backend.idle
        assert backend.snapshot().num_held == 0
        return [(run.result().value, run.result().error) for run in runs]

    (each,) = parse_pipeline("prefix{min_chars=1}").passes
    made = each.run(module, Context(frozenset({ENTRY})))
    assert results(made, order.choice([3_000, 20_000])) == results(module, 20_000)
