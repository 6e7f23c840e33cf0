"""What the frontend raises. Every message names the place and the way out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sglc.compiler.diagnostics.sink import DiagnosticSink
    from sglc.runtime.executor.errors import RunError


Error = TypeVar("Error", bound=BaseException)


class SglcError(Exception):
    """The base of what running a program raises. Wrong arguments are Python's own errors."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it says, not how it was made: a pool of processes hands errors on."""
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[Error], args: tuple[Any, ...]) -> Error:
    """Return an error that says ``args``, without making it anew."""
    return kind.__new__(kind, *args)


class RunFailed(SglcError):
    """A value will never exist, since something it needs has failed: ``error`` says what, where."""

    def __init__(self, error: RunError, what: str = "") -> None:
        self.error = error
        super().__init__(f"{what}: {error}" if what else str(error))


class StateError(SglcError):
    """A state is used in a way that has no meaning."""


class NotSupportedError(SglcError):
    """A backend cannot do what a call asks for; nothing was sent."""


class NotLowered(SglcError):
    """A function that was to run as one graph cannot be one; the message says why, and where."""


class NoBackendError(SglcError):
    """There is nothing to run on."""

    def __init__(self) -> None:
        super().__init__(
            "no backend is set: call sglc.set_default_backend(sglc.Engine()), or give backend=…"
        )


class ProgramError(SglcError):
    """A program file has mistakes; its text is what ``sglc check`` prints.

    ``diagnostics`` are all that were found, warnings included.
    """

    def __init__(self, file: str, sink: DiagnosticSink) -> None:
        from sglc.compiler.diagnostics.render import render

        self.diagnostics = tuple(sink.diagnostics)
        shown = "\n".join(render(each) for each in self.diagnostics)
        super().__init__(f"{file}: {sink.summary()}\n\n{shown}".rstrip())


class ProgramWarning(UserWarning):
    """A program file has something that is likely a mistake; the text is what the compiler says."""


class BatchInterrupted(KeyboardInterrupt):
    """A batch was interrupted: Ctrl-C.

    ``states`` has one state for each row, in their order: those that were done keep their values,
    those that ran were cancelled, None stands for rows that had not begun. ``place`` is the line
    of the program where the batch was, ``file:line``; "" if no program was running. Of a program
    from a file there are results in place of states, of those rows that were done.
    """

    def __init__(self, states: Sequence[Any], num_done: int, place: str) -> None:
        self.states = states
        self.num_done = num_done
        self.place = place
        where = f" at {place}" if place else ""
        super().__init__(f"the batch was interrupted{where}: {num_done} of {len(states)} rows done")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it without the states, which belong to this process."""
        return _restored, (type(self), self.args), {**self.__dict__, "states": ()}


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Say which extra of the package has what the block imports, where it is not installed.

    Raises:
        ModuleNotFoundError: names the package that is missing, and the extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if "pip install" in str(error):  # it says so already
            raise
        message = f"this needs {error.name}: pip install 'sglc[{extra}]'"
        raise ModuleNotFoundError(message, name=error.name) from error
