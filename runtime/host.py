"""The inline host: an executor and its backend in this thread, driven by the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sglc.compiler.plan.plan import Plan
from sglc.runtime.engine.scripted import ScriptedBackend
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.ordering import ordered
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

Listener = Callable[[RunEvent], None]


class Host:
    """Runs plans one after another or many at once, until they are done.

    ``window`` is the number of runs of a batch that are in flight at once.
    """

    def __init__(self, executor: Executor, encoder: PromptEncoder, window: int) -> None:
        self.executor = executor
        self.encoder = encoder
        self._window = window

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
        run = self.executor.submit(
            plan, arguments, seed=seed, on_event=on_event, deltas=on_event is not None
        )
        self.executor.drive(run)
        return run.result()

    def run_batch(
        self, plan: Plan, rows: Iterable[tuple[int, Mapping[str, Any]]], *, seed: int = 0
    ) -> Iterator[tuple[int, Result]]:
        """Run one instance per row, many at once; yield (number, result) as each is done.

        The number of a row takes part in the seeds of its samples, its place in the batch does
        not. With the hint ``order_rows`` rows are read ahead, up to 10,000 of them, and begin in
        the order in which their prompts share most (``executor/ordering.py``).
        """
        is_ordered = plan.hints.get("order_rows")
        waiting = ordered(plan, rows, self.encoder) if is_ordered else iter(rows)
        in_flight: list[tuple[int, Run]] = []
        is_open = True
        while in_flight or is_open:
            while is_open and len(in_flight) < self._window:
                row = next(waiting, None)
                if row is None:
                    is_open = False
                    break
                number, arguments = row
                run = self.executor.submit(
                    plan, arguments, seed=seed, instance=number, deltas=False
                )
                in_flight.append((number, run))
            self.executor.step()
            self.executor.wait()
            done = [(number, run) for number, run in in_flight if run.done]
            if done:
                in_flight = [(number, run) for number, run in in_flight if not run.done]
                for number, run in done:
                    yield number, run.result()


def scripted(texts: Mapping[str, str | Sequence[str]], *, search_path: Sequence[str] = ()) -> Host:
    """Return a host that answers model calls by the names of their captures."""
    tokenizer = ByteTokenizer()
    encoder = PromptEncoder(tokenizer, CHATML)
    tools = ToolRegistry(search_path=search_path)
    executor = Executor(ScriptedBackend(texts, tokenizer), encoder, tools=tools)
    return Host(executor, encoder, window=256)
