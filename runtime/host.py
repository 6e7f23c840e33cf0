"""The inline host: an executor and its backend in this thread, driven by the caller."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sglc.compiler.plan.plan import Plan
from sglc.runtime.engine.scripted import ScriptedBackend
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.ordering import Row, ordered
from sglc.runtime.executor.room import Room, asks_again
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

if TYPE_CHECKING:
    from sglc.runtime.recording.writer import RecordingWriter

Listener = Callable[[RunEvent], None]


class Host:
    """Runs plans one after another or many at once, until they are done.

    ``window`` is the number of runs of a batch that are in flight at once. ``writer`` takes down
    what is run, once there is one (``record``).
    """

    def __init__(self, executor: Executor, encoder: PromptEncoder, window: int) -> None:
        self.executor = executor
        self.encoder = encoder
        self.writer: RecordingWriter | None = None
        self._window = window
        self._numbers: dict[Run, int] = {}  # in the recording, of those that run

    def record(self, writer: RecordingWriter | None) -> None:
        """Write down what is run from now on, what model and tools say, and what comes of it.

        None: nothing more.
        """
        self.writer = writer
        self.executor.listen(writer)

    def run(
        self,
        plan: Plan,
        arguments: Mapping[str, Any],
        *,
        seed: int = 0,
        on_event: Listener | None = None,
    ) -> Result:
        """Run one instance and return what came of it; a failed run is a result with an error.

        Raises:
            ArgumentError: the arguments do not fit the plan's parameters.
            ToolError: a tool of the program cannot be bound.
        """
        run = self.submit(
            plan, arguments, seed=seed, on_event=on_event, deltas=on_event is not None
        )
        self.executor.drive(run)
        return self.result(run)

    def submit(
        self,
        plan: Plan,
        arguments: Mapping[str, Any],
        *,
        seed: int = 0,
        instance: int = 0,
        on_event: Listener | None = None,
        deltas: bool = False,
    ) -> Run:
        """Begin an instance of a plan; see ``Executor.submit``."""
        run = self.executor.submit(
            plan, arguments, seed=seed, instance=instance, on_event=on_event, deltas=deltas
        )
        if self.writer is not None:
            number = self.writer.plan(plan)
            self._numbers[run] = self.writer.begin_run(number, arguments, seed=seed, row=instance)
        return run

    def result(self, run: Run) -> Result:
        """Return the outcome of a run that is done."""
        result = run.result()
        if self.writer is not None:
            self.writer.end_run(self._numbers.pop(run), result, is_timeout=run.is_timeout)
        return result

    def run_batch(
        self, plan: Plan, rows: Iterable[tuple[int, Mapping[str, Any]]], *, seed: int = 0
    ) -> Iterator[tuple[int, Result]]:
        """Run one instance per row, many at once; yield (number, result) as each is done.

        The number of a row takes part in the seeds of its samples, its place in the batch does
        not. With the hint ``order_rows`` rows are read ahead, up to 10,000 of them, and begin in
        the order in which their prompts share most (``executor/ordering.py``), and not more at
        once than have room in the KV cache (``executor/room.py``).
        """
        executor = self.executor
        if plan.hints.get("order_rows"):
            waiting = ordered(plan, rows, self.encoder)
            room = Room(executor.num_slots if asks_again(plan) else 0)
        else:
            waiting, room = (Row(*row) for row in rows), Room(0)
        in_flight: list[tuple[Row, Run]] = []
        row = next(waiting, None)
        while in_flight or row is not None:
            has_begun = False
            while row is not None and len(in_flight) < self._window:
                if not room.fits(row.num_tokens) and (has_begun or executor.is_asking):
                    break
                run = self.submit(plan, row.arguments, seed=seed, instance=row.number)
                room.enter(row.num_tokens)
                in_flight.append((row, run))
                row, has_begun = next(waiting, None), True
            executor.step()
            if row is None or len(in_flight) >= self._window:
                executor.wait()
            done = [(each, run) for each, run in in_flight if run.done]
            if done:
                in_flight = [(each, run) for each, run in in_flight if not run.done]
                for each, run in done:
                    result = self.result(run)
                    written = sum(cost.completion_tokens for cost in result.stats.values())
                    room.leave(each.num_tokens, written)
                    yield each.number, result


def scripted(texts: Mapping[str, str | Sequence[str]], *, search_path: Sequence[str] = ()) -> Host:
    """Return a host that answers model calls by the names of their captures."""
    executor, encoder = scripted_executor(texts, tools=ToolRegistry(search_path=search_path))
    return Host(executor, encoder, window=256)


def scripted_executor(
    texts: Mapping[str, str | Sequence[str]],
    *,
    tools: ToolRegistry | None = None,
    wake: threading.Event | None = None,
) -> tuple[Executor, PromptEncoder]:
    """Return what answers model calls by the names of their captures, and its encoder."""
    tokenizer = ByteTokenizer()
    encoder = PromptEncoder(tokenizer, CHATML)
    executor = Executor(ScriptedBackend(texts, tokenizer), encoder, tools=tools, wake=wake)
    return executor, encoder
