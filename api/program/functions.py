"""``@function``: a Python function whose first parameter is the state of a prompt."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, overload

from sglc.backends.backend import backend_or_default
from sglc.errors import RunFailed
from sglc.lowered.lowering import Lowerings, level_of
from sglc.lowered.run import run_lowered
from sglc.program.arguments import Arguments, Parameters
from sglc.program.gen_options import RunOptions, flag_of, options_of, run_options, seed_of
from sglc.program.state import ProgramState
from sglc.runs.history import History
from sglc.runs.staging import Level, Staging
from sglc.runs.waiting import ThreadWaiter, current_waiter
from sglc.runtime.executor.errors import RunError

if TYPE_CHECKING:
    from sglc.backends.backend import Backend
    from sglc.lowered.compiled import Compiled
    from sglc.views.explaining import FunctionGraph
    from sglc.views.tracing import Trace


class Function:
    """A prompt program. ``run`` runs it; ``f(s, …)`` inside of another goes on in its state."""

    def __init__(
        self,
        func: Callable[..., Any],
        *,
        num_api_spec_tokens: int | None = None,
        bound: Mapping[str, Any] | None = None,
    ) -> None:
        if inspect.isclass(func) or not hasattr(func, "__qualname__"):
            raise TypeError(f"a prompt program is a function, `def name(s, …)`, not {func!r}")
        functools.update_wrapper(self, func)
        self.func = func
        self.num_api_spec_tokens = num_api_spec_tokens
        self._ahead = options_of({"num_api_spec_tokens": num_api_spec_tokens})
        self.bound = dict(bound or {})
        self.origin: Function | None = None
        """Of a function that ``bind`` has made, what it was made of."""
        self.lowerings = Lowerings()
        self.signature = inspect.signature(func)
        names = list(self.signature.parameters)
        if not names or names[0] != "s":
            first = f"`{names[0]}`" if names else "missing"
            is_method = bool(names) and names[0] in ("self", "cls")
            hint = ": put @staticmethod above @function" if is_method else ""
            raise TypeError(
                f"the first parameter of {func.__qualname__} must be named `s`, but is {first}"
                f"{hint}"
            )
        if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
            raise TypeError(
                f"{func.__qualname__} has a `yield`: as a generator nothing of it would run; "
                "append to `s`, and return what is to be returned"
            )
        self.runs = History()
        self.parameters = Parameters(func.__name__, self.signature)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """With a state as first argument go on in it; else ``run``."""
        if args and isinstance(args[0], ProgramState):
            state, *rest = args
            return self.func(state, *rest, **{**self.bound, **kwargs})
        return self.run(*args, **kwargs)

    def bind(self, **values: Any) -> Function:
        """Return the function with some arguments given.

        Raises:
            TypeError: there is no such parameter.
        """
        self.parameters.check(values)
        bound = {**self.bound, **values}
        made = type(self)(self.func, num_api_spec_tokens=self.num_api_spec_tokens, bound=bound)
        made.origin = self.origin or self
        return made

    def run(self, *args: Any, **kwargs: Any) -> ProgramState:
        """Run the program and return its state; what the model writes may still be on its way.

        Keywords that are no parameters of the function are options of the run: ``backend``,
        ``seed``, ``stream`` (the program runs in a thread beside, for ``text_iter``), and those of
        all its calls: ``max_new_tokens`` (128), ``temperature`` (1.0), ``stop``, ``top_p``…
        ``level`` says how the function is run: ``staged`` (the default), as Python that appends
        step by step; ``lowered``, as one graph; ``auto``, as a graph if it can be one. Results are
        the same. ``use_thread`` is there for programs of SGLang: here no run needs one.

        Raises:
            TypeError: an argument is missing, unknown or given twice.
            ValueError: an option is out of its range.
            NoBackendError: there is nothing to run on.
        """
        self._refuse_async("run")
        call, options, others = self.arranged(args, kwargs)
        backend = backend_or_default(others.get("backend"))
        is_streamed = flag_of("stream", others.get("stream", False))
        level = level_of(others.get("level"), steps="stream=True" if is_streamed else "")
        waiter = ThreadWaiter() if is_streamed else current_waiter()
        staging = Staging(
            backend,
            options,
            waiter,
            seed=seed_of(others.get("seed")),
            deltas=is_streamed,
            history=self.runs,
        )
        if staging.fault is not None:
            raise staging.fault
        staging.level = level
        state = ProgramState(staging)
        if is_streamed:
            thread = threading.Thread(
                target=self._run_beside, args=(state, call), name=f"sglc {self.func.__name__}",
                daemon=True,
            )  # fmt: skip
            thread.start()
        else:
            self.run_in(state, call)
        return state

    @overload
    def run_batch(
        self, rows: Iterable[Any], *, num_threads: int | str = ..., progress_bar: bool = ...,
        generator_style: Literal[False] = ..., backend: Backend | None = ..., seed: int = ...,
        **options: Any,
    ) -> list[ProgramState]: ...  # fmt: skip
    @overload
    def run_batch(
        self, rows: Iterable[Any], *, generator_style: Literal[True],
        num_threads: int | str = ..., progress_bar: bool = ..., backend: Backend | None = ...,
        seed: int = ..., **options: Any,
    ) -> Iterator[ProgramState]: ...  # fmt: skip
    def run_batch(
        self,
        rows: Iterable[Any],
        *,
        num_threads: int | str = "auto",
        progress_bar: bool = False,
        generator_style: bool = False,
        backend: Backend | None = None,
        seed: int = 0,
        level: Level | None = None,
        **options: Any,
    ) -> list[ProgramState] | Iterator[ProgramState]:
        """Run the program once for each row, a dict or a tuple of arguments.

        Returns the states in the order of the rows, each of them done; in ``generator_style`` an
        iterator over them, of which each is there as soon as it is done. A row that fails holds up
        no other: its state says why. ``num_threads`` is how many rows may be open at once, and so
        how many threads their Python may take; rows take no thread each. ``level`` is as in
        ``run``; at ``auto`` only functions run as graphs of which nothing stays Python.

        Raises:
            TypeError: a row does not fit the parameters; nothing has been run.
            ValueError: an option is out of its range; nothing has been run.
            BatchInterrupted: Ctrl-C. It has the states, those that were done with their values.
            NoBackendError: there is nothing to run on.
        """
        from sglc.runs.batch import batch_of, rows_of
        from sglc.views.display import States

        level = level_of(level)
        self._refuse_async("run_batch")
        given = rows_of(rows)
        if not given:
            return iter(()) if generator_style else States()
        batch = batch_of(
            self, given, options, backend_or_default(backend), seed=seed_of(seed),
            num_threads=num_threads, progress_bar=progress_bar, level=level,
        )  # fmt: skip
        return batch.in_order() if generator_style else States(batch.in_order())

    async def arun(self, *args: Any, **kwargs: Any) -> ProgramState:
        """``run`` under asyncio: reads in the program hold up nobody else.

        The state comes once all of it is done; with ``stream=True`` at once, for
        ``text_async_iter``. A task that is cancelled cancels the run. The function may be an
        ``async def``.

        Raises:
            TypeError: an argument is missing, unknown or given twice.
            ValueError: an option is out of its range.
            NoBackendError: there is nothing to run on.
            Exception: what the program raises.
        """
        from sglc.runs.async_runs import AsyncRun

        call, options, others = self.arranged(args, kwargs)
        level_of(others.get("level"), steps="arun")
        is_streamed = flag_of("stream", others.get("stream", False))
        run = AsyncRun(
            self, (call, options), backend_or_default(others.get("backend")),
            seed=seed_of(others.get("seed")), deltas=is_streamed,
        )  # fmt: skip
        return run.begin() if is_streamed else await run.finish()

    async def arun_batch(
        self,
        rows: Iterable[Any],
        *,
        num_threads: int | str = "auto",
        progress_bar: bool = False,
        backend: Backend | None = None,
        seed: int = 0,
        **options: Any,
    ) -> list[ProgramState]:
        """``run_batch`` under asyncio. All Python runs in the loop: what blocks it, holds it up.

        Raises:
            TypeError: a row does not fit the parameters; nothing has been run.
            ValueError: an option is out of its range; nothing has been run.
            NoBackendError: there is nothing to run on.
        """
        from sglc.runs.async_runs import run_rows
        from sglc.runs.batch import arranged_rows, open_at_once, rows_of
        from sglc.runs.progress import Progress
        from sglc.views.display import States

        given = rows_of(rows)
        if not given:
            return States()
        backend = backend_or_default(backend)
        window, _ = open_at_once(num_threads, backend)
        arranged = arranged_rows(self, given, options)
        progress = Progress(len(given)) if progress_bar else None
        return States(
            await run_rows(
                self, arranged, backend, seed=seed_of(seed), window=window, progress=progress
            )
        )

    def graph(self, **arguments: Any) -> FunctionGraph:
        """Return the graph that the function is for such arguments: print it, or draw it.

        Arguments that are not given are their defaults, or examples of what is declared.

        Raises:
            NotLowered: it has none, and runs step by step; the message says why, and where.
        """
        from sglc.views.explaining import graph_of

        return graph_of(self, arguments)

    def compile(self, *, backend: Backend | None = None) -> Compiled:
        """Return the function as one graph: what is returned runs as that, on ``backend``.

        Raises:
            NotLowered: it has none; the message says why, and where.
        """
        from sglc.lowered.compiled import Compiled

        return Compiled(self, backend)

    def trace(self, **arguments: Any) -> Trace:
        """Run the function without a model: what it would append, as far as that is known.

        Arguments that are not given and have no default are unknown. ``prefix`` is what every run
        begins with; printed it is a graph, and in a notebook it draws itself. The Python of the
        function runs, with all it does beside.

        Raises:
            TypeError: there is no such parameter.
        """
        from sglc.views.tracing import trace

        return trace(self, arguments)

    def cache(self, backend: Backend | None = None) -> str:
        """Have a backend compute what every run begins with, and return the text of that.

        Servers of messages, and those where each request is paid for, are asked nothing: what they
        keep of a prompt is their own affair.

        Raises:
            NoBackendError: there is nothing to run on.
            RunFailed: the backend cannot.
        """
        from sglc.runs.warming import cache_prefix

        found, backend = self.trace(), backend_or_default(backend)
        if found.prefix_ops and backend.ahead != "nothing":
            cache_prefix(backend, found.prefix_ops)
        return found.prefix

    def history(self) -> History:
        """Return what the runs of this function have done so far: print it.

        It predicts what is worth beginning early, and says how often that was done.
        """
        return self.runs

    def run_in(
        self,
        state: ProgramState,
        call: inspect.BoundArguments,
        pause: Callable[[Awaitable[Any]], Any] | None = None,
    ) -> None:
        """Run the function on a state that was made for it, to its end.

        ``pause`` waits for what an ``async def`` gives.
        """
        try:
            ready = (
                None
                if inspect.iscoroutinefunction(self.func)
                else self.lowerings.for_run(self, state, call)
            )
            if ready is not None:
                run_lowered(state, *ready)
                return
            value = self.func(state, *call.args, **call.kwargs)
            state.ret_value = pause(value) if pause and inspect.isawaitable(value) else value
        except Exception as error:
            state.fail(error)
            raise
        except BaseException as error:  # it was stopped: whoever reads the state later was not
            state.fail(RunFailed(RunError("cancelled", f"stopped by {type(error).__name__}")))
            raise
        state.end()

    def _run_beside(self, state: ProgramState, call: inspect.BoundArguments) -> None:
        with suppress(Exception):  # it is raised where the state is read
            self.run_in(state, call)

    def arranged(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Arguments, RunOptions, dict[str, Any]]:
        """``Parameters.arranged``, with what is bound and what holds for all runs."""
        call, options, others = self.parameters.arranged(args, {**self.bound, **kwargs})
        return call, run_options({**self._ahead, **options}), others

    def _refuse_async(self, name: str) -> None:
        if inspect.iscoroutinefunction(self.func):
            raise TypeError(f"{self.func.__name__} is async: use `await f.a{name}(…)`")

    def _repr_html_(self) -> str:
        from sglc.views.display import function_html

        return function_html(self)

    def __reduce_ex__(self, protocol: object) -> str | tuple[Any, ...]:
        """Pickle as functions are: by the name of its module and its own. A copy is itself."""
        return (
            self.func.__qualname__ if self.origin is None else (_bound, (self.origin, self.bound))
        )

    def __repr__(self) -> str:
        return f"<sglc.function {self.func.__qualname__}{self.signature}>"


def _bound(function: Function, values: Mapping[str, Any]) -> Function:
    return function.bind(**values)


@overload
def function(func: Callable[..., Any], /) -> Function: ...
@overload
def function(
    func: None = None, /, *, num_api_spec_tokens: int | None = None
) -> Callable[[Callable[..., Any]], Function]: ...
def function(
    func: Callable[..., Any] | None = None, /, *, num_api_spec_tokens: int | None = None
) -> Function | Callable[[Callable[..., Any]], Function]:
    """Make a prompt program of a function. Its first parameter, ``s``, is the state.

    ``num_api_spec_tokens``: on a remote API, ask for at least so many tokens at once and answer the
    calls that follow from them.

    Raises:
        TypeError: the first parameter is not ``s``, or the function is a generator.
    """
    if func is not None:
        return Function(func)
    return lambda func: Function(func, num_api_spec_tokens=num_api_spec_tokens)
