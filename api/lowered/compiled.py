"""``f.compile()``: a function that is one graph, and runs as nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sglc.backends.backend import backend_or_default

if TYPE_CHECKING:
    from sglc.backends.backend import Backend
    from sglc.program.functions import Function
    from sglc.program.state import ProgramState
    from sglc.views.explaining import FunctionGraph


class Compiled:
    """Runs a function as one graph, on ``backend`` where a run is given none.

    Raises:
        NotLowered: it has no graph; the message says why, and where.
        TypeError: ``backend`` is no backend.
    """

    def __init__(self, function: Function, backend: Backend | None = None) -> None:
        self.function = function
        self.backend = None if backend is None else backend_or_default(backend)
        self.graph: FunctionGraph = function.graph()
        """For arguments that are their defaults, or examples of what is declared."""

    def run(self, *args: Any, **kwargs: Any) -> ProgramState:
        """``Function.run`` at ``level="lowered"``.

        Raises:
            NotLowered: there is no graph for arguments of these types.
        """
        return self.function.run(*args, **self._options(kwargs))

    def run_batch(self, rows: Iterable[Any], **kwargs: Any) -> Any:
        """``Function.run_batch`` at ``level="lowered"``."""
        return self.function.run_batch(rows, **self._options(kwargs))

    def print_graph(self) -> None:
        """Print the graph."""
        print(self.graph)

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        if "level" in given:
            raise TypeError("a compiled function is run as one graph: level cannot be given")
        here = {} if self.backend is None else {"backend": self.backend}
        return {**here, **given, "level": "lowered"}

    def _repr_html_(self) -> str:
        return self.graph._repr_html_()

    def __repr__(self) -> str:
        return f"<sglc.function {self.function.func.__qualname__}, compiled>"
