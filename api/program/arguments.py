"""What a run is given: arguments of the function, options of its calls, options of the run."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sglc.compiler.diagnostics.suggest import meant
from sglc.program.gen_options import RUN_NAMES, options_of

_RUN_ONLY: Final = ("backend", "stream", "seed", "use_thread", "level")


class Arguments(inspect.BoundArguments):
    """Arguments by name, which are passed on as they were given: by place or by name.

    What is around a function may tell one from the other.
    """

    def __init__(
        self, bound: inspect.BoundArguments, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        super().__init__(bound.signature, bound.arguments)
        self._given = args, kwargs

    @property
    def args(self) -> tuple[Any, ...]:
        """Those given by place."""
        return self._given[0]

    @property
    def kwargs(self) -> dict[str, Any]:
        """Those given by name."""
        return self._given[1]


class Parameters:
    """The parameters of a prompt function but for the state, and those that every run has."""

    def __init__(self, name: str, signature: inspect.Signature) -> None:
        parameters = [*signature.parameters.values()]
        self._function = name
        self._signature = signature.replace(parameters=parameters[1:])
        self._names = [parameter.name for parameter in parameters[1:]]
        self._takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)

    def check(self, names: Iterable[str]) -> None:
        """Refuse names that no parameter has.

        Raises:
            TypeError: there is one.
        """
        for name in names:
            if name not in self._names:
                raise TypeError(self.unknown(name))

    def knows(self, name: str) -> bool:
        """Whether a run may be given this by name."""
        known = name in self._names or name in RUN_NAMES or name in _RUN_ONLY
        return known or self._takes_any

    def arranged(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Arguments, dict[str, Any], dict[str, Any]]:
        """Return the arguments of the function, the options of its calls, and those of the run.

        Raises:
            TypeError: an argument is missing, unknown or given twice.
            ValueError: an option is out of its range.
        """
        own: dict[str, Any] = {}
        options: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name, value in kwargs.items():
            if name in self._names:
                own[name] = value
            elif name in RUN_NAMES:
                options[RUN_NAMES[name]] = value
            elif name in _RUN_ONLY:
                others[name] = value
            elif self._takes_any:
                own[name] = value
            else:
                raise TypeError(self.unknown(name))
        try:
            call = self._signature.bind(*args, **own)
        except TypeError as error:
            raise TypeError(f"{self._function}: {error}") from None
        return Arguments(call, args, own), options_of(options), others

    def unknown(self, name: str) -> str:
        """Say that there is no such parameter, and what may have been meant."""
        known = [*self._names, *RUN_NAMES, *_RUN_ONLY]
        hint = meant(name, known, f"it takes {', '.join(self._names)}")
        return f"{self._function} has no parameter `{name}`, nor has a run: {hint}"
