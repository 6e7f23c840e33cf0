"""The named values of a state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from sglc.errors import RunFailed

if TYPE_CHECKING:
    from sglc.runs.staging import Staging
    from sglc.runtime.executor.open_run import Cell


class Variable:
    """A named value of a state: of a cell, of a list of variables, or set by the program.

    ``load`` makes an object of the value of a cell when it is first read, if there is one.
    ``stream`` is the version of the prompt behind a call that has written it.
    """

    __slots__ = ("cell", "items", "load", "stream", "value")

    def __init__(
        self,
        cell: Cell | None = None,
        *,
        value: Any = None,
        items: list[Variable] | None = None,
        load: Callable[[Any], Any] | None = None,
        stream: Cell | None = None,
    ) -> None:
        self.cell = cell
        self.stream = stream
        self.load = load
        self.value = value
        self.items = items

    def value_in(self, staging: Staging, name: str) -> Any:
        """Return the value, once it is there; of several variables, a list.

        Raises:
            RunFailed: it will never be there.
        """
        if self.items is not None:
            return [item.value_in(staging, name) for item in self.items]
        if self.cell is None:
            return self.value
        value = value_of(staging, self.cell, f"`{name}`")
        if self.load is None:
            return value
        if self.value is None:
            self.value = self.load(value)
        return self.value

    def meta_in(self, staging: Staging, name: str) -> Any:
        """Return what the call that wrote it says of itself; of several variables, a list.

        Raises:
            KeyError: no model call has written it.
            RunFailed: it will never be there.
        """
        if self.items is not None:
            return [item.meta_in(staging, name) for item in self.items]
        if self.cell is not None:
            value_of(staging, self.cell, f"`{name}`")
            if self.cell.result is not None:
                return self.cell.result()
        raise KeyError(f"{name!r} was not written by a model call")


def value_of(staging: Staging, cell: Cell, what: str) -> Any:
    """Return the value of a cell, once it is there.

    Raises:
        RunFailed: it will never be there; the message says ``what`` is missing, and what the
            program has raised before is the cause.
    """
    if not cell.done:
        staging.cut()
        staging.waiter.wait(cell)
    if cell.error is None:
        return cell.value
    raised = staging.raised
    if raised is None or isinstance(raised, RunFailed):
        raise RunFailed(cell.error, f"{what} is not there")
    why = f"for the program raised {type(raised).__name__}"
    raise RunFailed(cell.error, f"{what} is not there, {why}") from raised


def loader(python: Any) -> Callable[[Any], Any] | None:
    """What makes an object of a Python type of a value; None if there is no type."""
    if python is None:
        return None
    from sglc.types import as_python

    return partial(as_python, python)
