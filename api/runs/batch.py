"""``run_batch``: a function over many rows, as greenlets of the thread that calls it.

Rows begin in their order, as many at once as the engine has use for. The numbers of the rows
decide what they draw, so neither order nor threads change a result. Where Python keeps the thread
and does not compute, further rows begin in threads beside, each with a hub of its own.
"""

from __future__ import annotations

import os
import threading
import traceback
from asyncio import CancelledError
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from greenlet import GreenletExit

from sglc.errors import BatchInterrupted, StateError
from sglc.program.functions import Function
from sglc.program.state import ProgramState
from sglc.runs.blocking import may_block
from sglc.runs.collecting import rare_collections
from sglc.runs.hub import SLOW_S, Hub
from sglc.runs.interrupts import Interrupts
from sglc.runs.staging import Level, Staging
from sglc.runs.standstill import stand_still
from sglc.runs.waiting import Direct, current_waiter
from sglc.runs.warming import WarmPrefix
from sglc.runtime.executor.errors import RunError
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from inspect import BoundArguments

    from sglc.backends.backend import Backend
    from sglc.program.gen_options import RunOptions
    from sglc.runs.progress import Progress
    from sglc.runtime.executor.open_run import OpenRun

_CAUTIOUS: Final = 4
"""How many rows may wait in one thread before it is known whether their Python is quick."""
_INTERRUPTED: Final = RunError("cancelled", "the batch was interrupted")
Row = tuple["BoundArguments", "RunOptions"]
"""The arguments of a row, and the options of its calls."""


def most_threads() -> int:
    """Return how many threads ``num_threads="auto"`` allows, as SGLang does."""
    return max(96, 16 * (os.cpu_count() or 1))


class Batch:
    """One call of ``run_batch``. ``states`` has one state for each row that has begun."""

    def __init__(
        self,
        function: Function,
        rows: Sequence[Row],
        backend: Backend,
        *,
        window: int,
        max_threads: int,
        seed: int,
        progress: Progress | None,
        level: Level,
    ) -> None:
        self.function = function
        self.level = level
        self.rows = rows
        self.backend = backend
        self.states: list[ProgramState | None] = [None] * len(rows)
        self.done = [False] * len(rows)
        self.num_done = 0
        self.num_threads = 1
        """Threads that rows have begun in, that of the caller included."""
        self._window = window
        self._max_threads = max_threads
        self._seed = seed
        self._progress = progress
        self._lock = threading.Lock()
        self._num_begun = 0
        self._is_stopped = False
        self._fault: BaseException | None = None
        self._may_block = may_block(function.func)
        is_quick = not self._may_block or function.runs.is_quick
        self._limit = window if is_quick else _CAUTIOUS
        self._hub = Hub(backend.host, self._limit)
        self._hubs = [self._hub]
        self._threads: list[threading.Thread] = []
        self._runs: dict[int, OpenRun] = {}  # of the thread of the engine
        self._over = threading.Event()

    def in_order(self) -> Iterator[ProgramState]:
        """Yield the state of each row, in their order, as soon as it is done.

        Raises:
            BatchInterrupted: Ctrl-C; everything has been cancelled.
            StateError: another thread goes on than that which has begun.
        """
        with rare_collections():
            yield from self._states_in_order()

    def _states_in_order(self) -> Iterator[ProgramState]:
        is_through, num_done = False, None
        prefix: WarmPrefix | None = None
        interrupts = Interrupts()
        try:
            prefix = self._warm_prefix()
            if self._may_block and self._max_threads > 1:
                self._threads.append(
                    threading.Thread(target=self._watch, name="sglc batch", daemon=True)
                )
                self._threads[-1].start()
            for number in range(len(self.rows)):
                if not self.done[number]:
                    self._advance(number, interrupts)
                state = self.states[number]
                assert state is not None
                yield state
            is_through = True
        except KeyboardInterrupt as interrupt:
            place = _place(interrupt) or next(iter(self._hub.places()), "")
            is_through, num_done = True, self.num_done
            interrupts.close()
            try:
                self._stop()
            except KeyboardInterrupt:  # another one ends the waiting, and loses nothing
                self._threads.clear()
            raise BatchInterrupted(tuple(self.states), num_done, place) from interrupt
        finally:
            interrupts.close()
            if not is_through:
                num_done = self.num_done
                self._stop()
            self._over.set()
            for thread in self._threads:
                thread.join()
            if prefix is not None:
                prefix.end()
                self._hub.flush()
            self.function.runs.is_quick = self.num_threads == 1
            if self._progress is not None:
                self._progress.close(self.num_done if num_done is None else num_done)

    def _warm_prefix(self) -> WarmPrefix | None:
        """Have what all runs so far have begun with computed, and kept while rows begin."""
        history = self.function.runs
        ops = history.prefix() if len(self.rows) > 1 and self.backend.ahead == "held" else []
        if not ops:
            return None
        history.num_prefixes += 1
        return WarmPrefix(self.backend, ops, self._hub)

    # In the threads of the hubs

    def _advance(self, number: int, interrupts: Interrupts) -> None:
        """Let rows go on until one of them is done."""
        hub = self._hub
        if threading.get_ident() != hub.thread:
            raise StateError("a batch is read from two threads: read it where it was begun")
        while not self.done[number]:
            if not self._turn(hub):
                if self._progress is not None:
                    self._progress.show(self.num_done)
                interrupts.check()
                hub.idle()
            if self._fault is not None:
                raise self._fault

    def _turn(self, hub: Hub) -> bool:
        """Let rows go on and begin; return whether there were any."""
        begun = hub.is_ready
        hub.turn()
        while not self._is_stopped and hub.num_waiting < hub.limit and not hub.is_ready:
            number = self._take()
            if number is None:
                break
            begun = True
            hub.begin(lambda number=number: self._row(hub, number))  # type: ignore[misc]
        hub.flush()
        return begun or hub.is_ready

    def _take(self) -> int | None:
        """Return the number of the next row to begin, if there is room for one."""
        with self._lock:
            number = self._num_begun
            if number == len(self.rows) or number - self.num_done >= self._window:
                return None
            self._num_begun += 1
            return number

    def _row(self, hub: Hub, number: int) -> None:
        call, options = self.rows[number]
        staging = Staging(
            self.backend, options, hub, seed=self._seed, instance=number,
            history=self.function.runs,
            on_begin=lambda run: self._runs.__setitem__(number, run),
        )  # fmt: skip
        staging.level = self.level
        staging.on_end = lambda: self._end(number)
        state = self.states[number] = ProgramState(staging)
        try:
            self.function.run_in(state, call)
        except (Exception, GreenletExit, CancelledError):
            return  # it is raised where the state is read

    def _end(self, number: int) -> None:
        """Nothing of a row goes on. Called in the thread of the engine."""
        with self._lock:
            self.done[number] = True
            self.num_done += 1
        self._runs.pop(number, None)
        for hub in self._hubs:
            hub.notify()

    # Threads beside

    def _watch(self) -> None:
        """Begin rows in more threads while all there are wait for something else."""
        while not self._over.wait(SLOW_S):
            if self._num_begun == len(self.rows) or self._is_stopped:
                return
            if stand_still([*self._hubs], self._over):
                self._widen(min(len(self._hubs), self._max_threads - len(self._hubs)))

    def _widen(self, count: int) -> None:
        self._limit = max(1, self._window // self._max_threads)
        for hub in self._hubs:
            hub.grows, hub.limit = False, self._limit
        for _ in range(count):
            self.num_threads += 1
            name = f"sglc batch {self.num_threads}"
            ready = threading.Event()
            thread = threading.Thread(target=self._beside, args=(ready,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
            ready.wait()

    def _beside(self, ready: threading.Event) -> None:
        hub = Hub(self.backend.host, self._limit)
        hub.grows = False
        self._hubs.append(hub)
        ready.set()
        try:
            while not self._is_stopped:
                if self._turn(hub):
                    continue
                if not hub.num_waiting and self._num_begun == len(self.rows):
                    return
                hub.idle()
        except BaseException as error:  # such as the end of the process: raised by the caller
            self._fault = error
            self._hub.notify()
        finally:
            hub.close()

    # Stopping

    def _stop(self) -> None:
        """Cancel every row, and wait until nothing of them goes on."""
        self._is_stopped = True
        self._over.set()
        self._cancel()
        try:
            self._hub.close()
            for hub in self._hubs:
                hub.notify()
            for thread in self._threads:
                thread.join()
            self._hub.flush()
            ended, host = Cell(), Direct(self.backend.host)
            host.call(lambda: self._cancel_runs(ended), lambda _: ended.settle(0))
            current_waiter().wait(ended)
        finally:
            for state, is_done in zip(self.states, self.done, strict=True):
                if state is not None and not (is_done and state.stream.done):
                    state.give_up(_INTERRUPTED)

    def _cancel(self) -> None:
        for state, is_done in zip(self.states, self.done, strict=True):
            if state is not None and not is_done:
                state.cancel()

    def _cancel_runs(self, ended: Cell) -> None:
        """Cancel what is open, of rows too that were cut off before they had a state."""
        try:
            for run in [*self._runs.values()]:
                self.backend.host.executor.cancel(run)
        finally:
            ended.settle(0)


def _place(interrupt: KeyboardInterrupt) -> str:
    """Return the line of the prompt function in which an interrupt was raised; "" if in none."""
    is_next = False
    for frame, line in traceback.walk_tb(interrupt.__traceback__):
        if is_next:
            return f"{frame.f_code.co_filename}:{line}"
        is_next = frame.f_code is Function.run_in.__code__
    return ""


def rows_of(given: object) -> list[Any]:
    """Return what a batch is to run as a list.

    Raises:
        TypeError: it is one row, or nothing that could be several.
    """
    if isinstance(given, Mapping | str | bytes) or not isinstance(given, Iterable):
        raise TypeError(f"a batch takes a list of rows, [{{…}}, {{…}}], not {given!r}")
    return [*given]


def arranged_rows(
    function: Function, rows: Sequence[object], shared: Mapping[str, Any]
) -> list[Row]:
    """Return the arguments of each row and the options of its calls.

    Raises:
        TypeError: a row is neither a dict nor a tuple, or does not fit the function; or the batch
            is to be streamed.
        ValueError: an option is out of its range.
    """
    if "stream" in shared:
        raise TypeError(
            "a batch is not streamed: generator_style=True gives each state as soon as it is done, "
            "and run(…, stream=True) the text of one row while it comes"
        )
    for name in shared:
        if not function.parameters.knows(name):
            raise TypeError(function.parameters.unknown(name))
    found: list[Row] = []
    for number, row in enumerate(rows):
        try:
            if isinstance(row, Mapping):
                call, options, others = function.arranged((), {**shared, **row})
            elif isinstance(row, Sequence) and not isinstance(row, str | bytes):
                call, options, others = function.arranged(tuple(row), shared)
            else:
                raise TypeError(f"expected a dict or a tuple of arguments, not {row!r}")
            if others:
                raise TypeError(f"{next(iter(others))} is for the whole batch, not for a row")
        except (TypeError, ValueError) as error:
            raise type(error)(f"row {number}: {error}") from None
        found.append((call, options))
    return found


def open_at_once(num_threads: int | str, backend: Backend) -> tuple[int, int]:
    """Return how many rows may be open at once, and how many threads their Python may take.

    Raises:
        ValueError: it is neither "auto" nor a number of at least 1.
    """
    if num_threads == "auto":
        return backend.window, most_threads()
    if type(num_threads) is not int or num_threads < 1:
        raise ValueError(f'num_threads must be "auto" or at least 1, not {num_threads!r}')
    return num_threads, num_threads


def batch_of(
    function: Function,
    rows: Sequence[object],
    options: Mapping[str, Any],
    backend: Backend,
    *,
    seed: int,
    num_threads: int | str,
    progress_bar: bool,
    level: Level = "staged",
) -> Batch:
    """Return a batch of which nothing has begun.

    Raises:
        TypeError: a row does not fit the parameters.
        ValueError: an option is out of its range.
        RuntimeError: the engine is shut down.
    """
    from sglc.runs.progress import Progress

    window, most = open_at_once(num_threads, backend)
    arranged = arranged_rows(function, rows, options)
    backend.host.call(lambda: None)  # of one that is gone, this says so
    return Batch(
        function,
        arranged,
        backend,
        window=window,
        max_threads=most,
        seed=seed,
        progress=Progress(len(rows)) if progress_bar else None,
        level=level,
    )
