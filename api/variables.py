"""The named values of a state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def loader(python: Any) -> Callable[[Any], Any] | None:
    """What makes an object of a Python type of a value; None if there is no type."""
    if python is None:
        return None
    from sglc.types import as_python

    return partial(as_python, python)
