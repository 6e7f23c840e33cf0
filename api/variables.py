"""The named values of a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sglc.runtime.executor.open_run import Cell


class Variable:
    """A named value of a state: of a cell, of a list of variables, or set by the program.

    The value of a cell becomes an object of the ``python`` type, if there is one, when it is read.
    ``stream`` is the version of the prompt behind a call that has written it.
    """

    __slots__ = ("cell", "items", "python", "stream", "value")

    def __init__(
        self,
        cell: Cell | None = None,
        *,
        value: Any = None,
        items: list[Variable] | None = None,
        python: Any = None,
        stream: Cell | None = None,
    ) -> None:
        self.cell = cell
        self.stream = stream
        self.python = python
        self.value = value
        self.items = items
