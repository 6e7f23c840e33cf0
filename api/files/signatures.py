"""Signatures of prompts and fns for Python, and arguments of Python for them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.compiler.diagnostics.suggest import meant
from sglc.compiler.plan.arguments import ArgumentError, mismatch
from sglc.constraints import types as t
from sglc.constraints.python import plain_value
from sglc.files.types import ProgramTypes, camel, python_name

if TYPE_CHECKING:
    from sglc.compiler.frontend.checked import ParamInfo


class Parameters:
    """The parameters of one prompt or fn, called ``name``."""

    def __init__(self, name: str, params: Sequence[ParamInfo], types: ProgramTypes) -> None:
        self._name = name
        self._params = {python_name(param.name): param for param in params}
        self._parameters = [
            inspect.Parameter(
                python_name(param.name),
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=types.load(param.type, param.default)
                if param.has_default
                else inspect.Parameter.empty,
                annotation=types.annotation(param.type, camel(f"{name}_{param.name}")),
            )
            for param in params
        ]

    def signature(self, returns: Any) -> inspect.Signature:
        """Return the signature of the function that ``returns``."""
        return inspect.Signature(self._parameters, return_annotation=returns)

    def __contains__(self, name: object) -> bool:
        return name in self._params

    def arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what Python gives as arguments of the program, by its own names.

        Objects become records; what has a default may be left out.

        Raises:
            TypeError: an argument is missing, unknown or given twice.
            ArgumentError: one is of another type.
        """
        for name in kwargs:
            if name not in self._params:
                hint = meant(name, self._params, f"it has {', '.join(self._params) or 'none'}")
                raise TypeError(f"{self._name} has no parameter `{name}`: {hint}")
        try:
            bound = inspect.Signature(self._parameters).bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self._name}: {error}") from None
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name, given in bound.arguments.items():
            param = self._params[name]
            value = values[param.name] = _value(param.type, given)
            reason = mismatch(param.type, value)
            if reason is not None:
                problems.append(f"`{name}` {reason}")
        if problems:
            raise ArgumentError(self._name, problems)
        return values


def _value(type_: t.Type, given: Any) -> Any:
    if isinstance(given, Path):
        return str(given)  # of an image
    if isinstance(type_, t.AnyType):
        return given
    return plain_value(given)
