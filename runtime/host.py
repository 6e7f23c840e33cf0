"""The inline host: a model, its scheduler and an executor in this thread, driven by the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sglc.compiler.plan.plan import Plan
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.scripted import ScriptedBackend
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.limits import Limits
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.models.hub import EMBEDDED
from sglc.runtime.models.loading import load_model
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

Listener = Callable[[RunEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """Which model to load, how, and what its runs may use.

    ``num_slots`` is the size of the KV cache in tokens (None: what fits); ``search_path`` the
    folders in which tools named ``module:function`` are looked for; ``timeout_s`` the wall time a
    single run may take.
    """

    model: str = EMBEDDED
    dtype: str = "auto"
    device: str = "auto"
    num_slots: int | None = None
    search_path: tuple[str, ...] = ()
    timeout_s: float | None = None


class Host:
    """Runs plans one after another or many at once, until they are done.

    ``scheduler`` is the backend when a model is behind it, None for a script.
    """

    def __init__(
        self,
        executor: Executor,
        encoder: PromptEncoder,
        config: EngineConfig,
        scheduler: Scheduler | None = None,
    ) -> None:
        self.executor = executor
        self.encoder = encoder
        self.scheduler = scheduler
        self._window = 2 * config.max_running

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
        not. Twice as many rows as the engine runs streams are in flight.
        """
        waiting = iter(rows)
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
    return Host(executor, encoder, EngineConfig())


def load(options: HostOptions) -> Host:
    """Load a model and return a host for it.

    Raises:
        ModelError: the model cannot be loaded.
    """
    loaded = load_model(options.model, options.dtype, options.device)
    vocabulary = Vocabulary.of(
        loaded.tokenizer.token_bytes, loaded.tokenizer.eos_ids, loaded.config.vocab_size
    )
    config = EngineConfig.from_env()
    scheduler = Scheduler(loaded.runner(options.num_slots), vocabulary, config)
    encoder = loaded.encoder()
    executor = Executor(
        scheduler,
        encoder,
        tools=ToolRegistry(search_path=options.search_path),
        limits=Limits(wall_time_s=options.timeout_s),
    )
    return Host(executor, encoder, config, scheduler)
