"""What ``load`` gives: a module of prompts and fns that Python can call."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sglc.backends.backend import backend_or_default
from sglc.constraints import types as t
from sglc.errors import BatchInterrupted
from sglc.files.graph import ProgramGraph
from sglc.files.plan_run import PlanRun
from sglc.files.results import ProgramResult
from sglc.files.signatures import Parameters
from sglc.files.types import camel
from sglc.program.gen_options import seed_of
from sglc.runs.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from sglc.backends.backend import Backend
    from sglc.compiler.frontend.checked import FnInfo, PromptInfo
    from sglc.compiler.plan.plan import Loc, Plan
    from sglc.files.program_file import ProgramFile
    from sglc.files.stream import ProgramStream
    from sglc.runs.staging import Staging
    from sglc.runtime.executor.events import RunEvent
    from sglc.runtime.executor.open_run import Cell

_RUN_ONLY = ("backend", "seed")


class LoadedModule(ModuleType):
    """The prompts, fns and types of a program file, as attributes."""

    def __init__(self, file: ProgramFile) -> None:
        super().__init__(file.name)
        self.__file__ = str(file.path)
        self.__program__ = file
        checked = file.checked
        own = {id(item) for item in checked.entry.items}
        names: list[str] = []
        for prompt in checked.prompts.values():
            if id(prompt.decl) in own:
                names.append(prompt.symbol)
                setattr(self, prompt.symbol, LoadedPrompt(file, prompt))
        for fn in checked.fns.values():
            if id(fn.decl) in own:
                names.append(fn.symbol)
                setattr(self, fn.symbol, LoadedFn(file, fn))
        lines = [repr(getattr(self, name)) for name in names]
        for name, type_ in file.named_types.items():
            setattr(self, name, file.types.annotation(type_, name))
            names.append(name)
        for name, made in file.types.classes.items():  # of records without a name too
            if name not in names:
                setattr(self, name, made)
                names.append(name)
        self.__all__ = names
        self.__doc__ = f"Program {file.path.name}.\n\n" + "\n".join(f"    {line}" for line in lines)

    def __reduce__(self) -> tuple[Any, ...]:
        from sglc.files.loading import load_again

        return load_again, (str(self.__program__.path), self.__program__.given_tools)

    def __repr__(self) -> str:
        return f"<program {self.__name__!r} from {self.__file__!r}>"


class _Loaded:
    """What a prompt and a fn have in common: a name, a place, a signature, a docstring."""

    def __init__(self, file: ProgramFile, info: PromptInfo | FnInfo, returns: Any) -> None:
        self.file = file
        self.__name__ = self.__qualname__ = info.symbol
        self.__module__ = file.name
        self.__doc__ = info.decl.doc or f"{info.symbol} of {file.path.name}."
        self.parameters = Parameters(info.symbol, info.params, file.types)
        self.__signature__: inspect.Signature = self.parameters.signature(returns)

    def __reduce__(self) -> tuple[Any, ...]:
        from sglc.files.loading import member_again

        return member_again, (str(self.file.path), self.file.given_tools, self.__name__)

    def __repr__(self) -> str:
        return f"{self.__name__}{self.__signature__}"


class LoadedFn(_Loaded):
    """A fn of a program: pure, so that calling it needs no backend."""

    def __init__(self, file: ProgramFile, info: FnInfo) -> None:
        super().__init__(file, info, file.types.annotation(info.returns, camel(info.symbol)))
        self._info = info

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the fn gives.

        Raises:
            TypeError: an argument is missing, unknown or given twice.
            ArgumentError: one is of another type.
            RunFailed: it has no result for them.
        """
        arguments = self.parameters.arguments(args, kwargs)
        defaults = {p.name: p.default for p in self._info.params if p.has_default}
        value = self.file.evaluate(self._info.symbol, {**defaults, **arguments})
        return self.file.types.load(self._info.returns, value)


class LoadedPrompt(_Loaded):
    """A prompt of a program. Called it returns its value; ``run`` gives all that came of it.

    Keywords that are no parameters of the prompt are options of the run: ``backend``, ``seed``.
    """

    def __init__(self, file: ProgramFile, info: PromptInfo) -> None:
        captures = t.Record(tuple(t.Field(name, type_) for name, type_ in info.captures))
        self.result_type = info.returns or (captures if captures.fields else t.NoneType())
        returns = file.types.annotation(self.result_type, f"{camel(info.symbol)}Result")
        super().__init__(file, info, returns)
        self._captures = dict(info.captures)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the prompt and return its value.

        Raises:
            TypeError: an argument is missing, unknown or given twice.
            ArgumentError: one is of another type.
            NoBackendError: there is nothing to run on.
            RunFailed: the run has failed.
        """
        return self.result(self._begin(args, kwargs, by_value=True)).value

    def run(self, *args: Any, **kwargs: Any) -> ProgramResult:
        """Run the prompt and return its value, captures, text, messages and costs.

        Raises:
            TypeError: an argument is missing, unknown or given twice.
            ArgumentError: one is of another type.
            NoBackendError: there is nothing to run on.
            ToolError: a tool cannot be imported.
        """
        return self.result(self._begin(args, kwargs))

    async def arun(self, *args: Any, **kwargs: Any) -> ProgramResult:
        """``run`` for coroutines; the event loop goes on meanwhile. Cancelling cancels the run."""
        from sglc.runs.tasks import until

        run = self._begin(args, kwargs)
        try:
            await until(run.over)
        except BaseException:
            run.cancel()
            raise
        return self.result(run)

    def stream(self, *args: Any, **kwargs: Any) -> ProgramStream:
        """Begin a run and return its events as they happen: an iterator, for ``async for`` too."""
        from sglc.files.stream import ProgramStream

        box: Mailbox[RunEvent | None] = Mailbox()
        run = self._begin(args, kwargs, listen=box.put, deltas=True)
        run.over.tell(lambda: box.put(None))
        return ProgramStream(run, box, self.result)

    def run_batch(
        self,
        rows: Iterable[Any],
        *,
        backend: Backend | None = None,
        seed: int | None = None,
        window: int | None = None,
        progress_bar: bool = False,
    ) -> list[ProgramResult]:
        """Run the prompt once for each row, a dict or a tuple of arguments; results in their order.

        A row that fails holds up no other one: its result has the error. ``window`` is how many
        runs are in flight at once.

        Raises:
            TypeError, ArgumentError: a row does not fit the parameters; nothing has been run.
            BatchInterrupted: Ctrl-C; it has the results that there were.
            ValueError: ``window`` is below 1.
            NoBackendError: there is nothing to run on.
        """
        given = [*rows]
        results: list[ProgramResult | None] = [None] * len(given)
        try:
            for number, result in self.iter_batch(
                given, backend=backend, seed=seed, window=window, progress_bar=progress_bar
            ):
                results[number] = result
        except KeyboardInterrupt as interrupt:
            num_done = sum(result is not None for result in results)
            raise BatchInterrupted(tuple(results), num_done, "") from interrupt
        return [result for result in results if result is not None]

    def iter_batch(
        self,
        rows: Iterable[Any],
        *,
        backend: Backend | None = None,
        seed: int | None = None,
        window: int | None = None,
        progress_bar: bool = False,
    ) -> Iterator[tuple[int, ProgramResult]]:
        """``run_batch`` that yields (number of the row, result) as each is done."""
        arguments = [self._row(number, row) for number, row in enumerate(rows)]
        from sglc.files.batch import batch

        home = backend_or_default(backend)
        most = home.window if window is None else window
        if type(most) is not int or most < 1:
            raise ValueError(f"window must be at least 1, not {most!r}")
        return batch(
            self, arguments, home, seed=self._seed(seed), window=most, has_progress=progress_bar
        )

    def graph(self) -> ProgramGraph:
        """Return the graph as it is run: print it, save it as a page, or let a notebook show it."""
        return self.file.graph_of(self.__name__)

    def _repr_html_(self) -> str:
        return self.graph()._repr_html_()

    def include_in(
        self,
        staging: Staging,
        stream: Cell,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        loc: Loc | None,
    ) -> tuple[Cell, Cell]:
        """Say the text of the prompt behind ``stream``; return the stream then, and the value."""
        arguments = self.parameters.arguments(args, kwargs)
        plan = self.file.inclusion(self.__name__, arguments)
        is_effectful = self.__name__ in self.file.checked.effectful_prompts
        operands = [stream, staging.effect, *(arguments[name] for name in sorted(arguments))]
        behind, value, *effect = staging.include(
            plan, operands, 3 if is_effectful else 2, self.file.registry, loc
        )
        if effect:
            staging.effect = effect[0]
        return behind, value

    @cached_property
    def begins_messages(self) -> bool:
        """Whether its text has messages of its own, so that it cannot stand inside of one."""
        return self.file.begins_messages(self.__name__)

    def loaded_value(self, value: Any) -> Any:
        """Return a value of the prompt as Python has it; None if it names nothing."""
        if isinstance(self.result_type, t.NoneType):
            return None
        return self.file.types.load(self.result_type, value)

    def plan(self) -> Plan:
        """Return the plan of ``run``."""
        return self.file.plan(self.__name__)

    def begin(
        self,
        arguments: Mapping[str, Any],
        backend: Backend,
        *,
        seed: int,
        instance: int = 0,
        by_value: bool = False,
        listen: Callable[[RunEvent], None] | None = None,
        deltas: bool = False,
    ) -> PlanRun:
        """Begin a run with arguments of the program that are known to be of their types."""
        plan = self.file.plan(self.__name__, by_value=by_value)
        return PlanRun(
            backend, plan, arguments, tools=self.file.registry, seed=seed, instance=instance,
            listen=listen, deltas=deltas,
        )  # fmt: skip

    def result(self, run: PlanRun) -> ProgramResult:
        """Wait for a run and return what came of it.

        Raises:
            ToolError: a tool of the program cannot be imported.
            StateError: the backend was shut down before the run began.
        """
        details = run.result()
        types = self.file.types
        captures = {
            name: types.load(self._captures.get(name, t.AnyType()), value)
            for name, value in details.captures.items()
        }
        failed = details.error is not None
        value = None if failed else self.loaded_value(details.value)
        return ProgramResult(details, value, captures)

    def _begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], **options: Any) -> PlanRun:
        own, others = self._split(kwargs)
        arguments = self.parameters.arguments(args, own)
        backend = backend_or_default(others.get("backend"))
        return self.begin(arguments, backend, seed=self._seed(others.get("seed")), **options)

    def _split(self, kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        others = {n: v for n, v in kwargs.items() if n in _RUN_ONLY and n not in self.parameters}
        return {n: v for n, v in kwargs.items() if n not in others}, others

    def _seed(self, seed: object) -> int:
        """The seed of a run: the one given, else that of the file."""
        return seed_of(self.file.checked.config.get("seed") if seed is None else seed)

    def _row(self, number: int, row: Any) -> dict[str, Any]:
        is_named = isinstance(row, Mapping)
        if not is_named and not isinstance(row, tuple | list):
            raise TypeError(f"row {number}: a row is a dict or a tuple of arguments, not {row!r}")
        try:
            return self.parameters.arguments(() if is_named else row, row if is_named else {})
        except (TypeError, ValueError) as error:
            error.args = (f"row {number}: {error}",)
            raise
