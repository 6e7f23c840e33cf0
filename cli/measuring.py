"""Measures the constants of the cost model on the engine of this process.

Prefills of several lengths and decodes of several batch sizes are timed step by step, medians of
some rounds; lines through them give the constants. What a call costs besides is what a run of many
small calls takes beyond its steps.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from sglc.compiler.cost.calibration import UNCALIBRATED, Calibration
from sglc.compiler.cost.fit import Line, fit_line

if TYPE_CHECKING:
    from sglc.runtime.core.events import Event
    from sglc.runtime.local import LocalHost
    from sglc.runtime.scheduler.scheduler import Scheduler

LENGTHS: Final = (16, 64, 128, 256, 512, 1024)
BATCHES: Final = (1, 2, 4, 8, 16)
_PROMPT: Final = 16
_STEPS: Final = 12
_CALLS: Final = 20
_PROGRAM: Final = f"""\
prompt calls():
    for i in 1..{_CALLS}:
        "a{{i}}{{gen(max_tokens=1)}}"
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """The calibration, and the points and lines behind it: tokens or streams against seconds."""

    calibration: Calibration
    prefill: Line
    prefill_points: Sequence[tuple[float, float]]
    step: Line
    step_points: Sequence[tuple[float, float]]


def measure(host: LocalHost, *, model: str, machine: str, rounds: int) -> Measured:
    """Time the engine of a host."""
    scheduler = host.scheduler
    ids = random.Random(0)

    def prompt(length: int) -> tuple[int, ...]:
        return tuple(ids.randrange(scheduler.vocab_size) for _ in range(length))

    def prefill_of(length: int) -> Callable[[], float]:
        return lambda: _prefill(scheduler, prompt(length))

    def step_of(batch: int) -> Callable[[], float]:
        return lambda: _step(scheduler, [prompt(_PROMPT) for _ in range(batch)])

    lengths = [n for n in LENGTHS if n < scheduler.max_context]
    _prefill(scheduler, prompt(lengths[0]))  # warms up what is made on first use
    prefills = [(float(n), _median(rounds, prefill_of(n))) for n in lengths]
    steps = [(float(b), _median(rounds, step_of(b))) for b in BATCHES]
    call_s = _median(rounds, lambda: _call(host))
    prefill, step = fit_line(prefills), fit_line(steps)
    calibration = Calibration(
        prefill_s=prefill.base,
        prefill_token_s=prefill.slope,
        step_s=step.base,
        step_stream_s=step.slope,
        call_s=call_s,
        tool_s=UNCALIBRATED.tool_s,
        model=model,
        machine=machine,
    )
    return Measured(calibration, prefill, prefills, step, steps)


def _median(rounds: int, timed: Callable[[], float]) -> float:
    return statistics.median(timed() for _ in range(rounds))


def _prefill(scheduler: Scheduler, ids: tuple[int, ...]) -> float:
    """Seconds until the first token behind a prompt is there."""
    from sglc.runtime.core.script import Decode, Extend, StreamRequest

    scheduler.reset()
    scheduler.submit(StreamRequest((Extend(ids), Decode(1, ignore_eos=True)), deltas=False))
    start = time.perf_counter()
    while not scheduler.idle:
        scheduler.step()
    return time.perf_counter() - start


def _step(scheduler: Scheduler, prompts: Sequence[tuple[int, ...]]) -> float:
    """Seconds of a step in which every stream decodes one token."""
    from sglc.runtime.core.script import Decode, Extend, StreamRequest

    scheduler.reset()
    for ids in prompts:
        decode = Decode(_STEPS, ignore_eos=True)
        scheduler.submit(StreamRequest((Extend(ids), decode), deltas=False))
    scheduler.step()
    times = []
    while not scheduler.idle:
        start = time.perf_counter()
        scheduler.step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _call(host: LocalHost) -> float:
    """Seconds of a call that are not spent in the engine's steps."""
    from sglc.compiler.diagnostics import DiagnosticSink
    from sglc.compiler.driver import Optimization, compile_source
    from sglc.compiler.passes.pipeline import level
    from sglc.compiler.source import SourceFile

    program = compile_source(
        SourceFile("calls.sgl", _PROGRAM), DiagnosticSink(), None, Optimization(level(0))
    )
    assert program is not None
    scheduler, spent = host.scheduler, 0.0
    scheduler.reset()
    start = time.perf_counter()
    run = host.executor.submit(program.plan, {}, deltas=False)
    step = scheduler.step

    def timed() -> list[Event]:
        nonlocal spent
        begin = time.perf_counter()
        events = step()
        spent += time.perf_counter() - begin
        return events

    scheduler.step = timed  # type: ignore[method-assign]  # for this run only
    try:
        host.executor.drive(run)
    finally:
        del scheduler.step
    return max(time.perf_counter() - start - spent, 0.0) / _CALLS


def print_measured(measured: Measured, stream: TextIO) -> None:
    """Print the constants, and how well the lines fit."""
    c = measured.calibration
    print(f"prefill  {_ms(c.prefill_s)} + {_ms(c.prefill_token_s)} a token", file=stream)
    _print_points(measured.prefill, measured.prefill_points, "tokens", stream)
    print(f"step     {_ms(c.step_s)} + {_ms(c.step_stream_s)} a stream", file=stream)
    _print_points(measured.step, measured.step_points, "streams", stream)
    print(f"call     {_ms(c.call_s)}", file=stream)


def _print_points(
    line: Line, points: Sequence[tuple[float, float]], unit: str, stream: TextIO
) -> None:
    for x, seconds in points:
        left = (seconds - line.at(x)) / seconds if seconds else 0.0
        print(f"  {x:6.0f} {unit:8} {_ms(seconds):>11}  {left:+.0%} of the line", file=stream)
    print(f"  residual {line.residual:.1%}, worst {line.worst:.0%}", file=stream)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3f} ms"
