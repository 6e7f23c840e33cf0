"""Host functions: how a program's tools are found, checked and called."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sglc.compiler.plan.arguments import filled, mismatch
from sglc.compiler.plan.data import Spoken
from sglc.compiler.plan.plan import ToolSpec
from sglc.constraints.python import ConversionError
from sglc.runtime.executor.host_types import HostTypes
from sglc.runtime.executor.hostmodules import HostModules


class ToolError(ValueError):
    """A tool cannot be bound, or was given or gave something of another type."""


@dataclasses.dataclass(frozen=True, slots=True)
class BoundTool:
    """A declared tool and the function behind it; None if someone outside answers its calls.

    ``types`` are those that the function is annotated with.
    """

    spec: ToolSpec
    function: Callable[..., Any] | None
    types: HostTypes = dataclasses.field(default_factory=HostTypes)

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """Call the function and return its result as a value of the program.

        Parameters that are annotated with classes get objects. Coroutine functions run in an event
        loop of their own.

        Raises:
            ToolError: the result is not of the declared type, or an argument not of the function's.
        """
        assert self.function is not None
        try:
            given = self.types.given(arguments)
        except ConversionError as error:
            raise ToolError(f"tool `{self.spec.name}`: {error}") from error
        result = self.function(**given)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        return self.checked(self.types.value(result))

    def checked(self, result: Any) -> Any:
        """Return what the tool gave as a value of the program.

        Raises:
            ToolError: it is not of the declared type.
        """
        value = filled(self.spec.result, result)
        reason = mismatch(self.spec.result, value)
        if reason is not None:
            raise ToolError(f"tool `{self.spec.name}`: its result {reason}")
        return value

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as the function gets them: branches and streams become text.

        Raises:
            ToolError: one is missing, unknown or of another type.
        """
        types = dict(self.spec.params)
        for name in self.spec.required:
            if name not in given:
                raise ToolError(f"tool `{self.spec.name}` needs `{name}`")
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in types:
                raise ToolError(f"tool `{self.spec.name}` has no parameter `{name}`")
            values[name] = value.text if isinstance(value, Spoken) else value
            reason = mismatch(types[name], values[name])
            if reason is not None:
                raise ToolError(f"tool `{self.spec.name}`: `{name}` {reason}")
        return values


class ToolRegistry:
    """Finds the function of a tool: registered under its name, or imported from its source.

    ``search_path`` holds the folders that ``module:function`` sources are imported from; None
    forbids imports, as for programs that someone else uploaded. With ``remote``, a tool that has
    neither a function nor a source is answered from outside (``Executor.answer``).
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        search_path: Sequence[str | os.PathLike[str]] | None = None,
        *,
        remote: bool = False,
    ) -> None:
        self._remote = remote
        self._functions = dict(functions or {})
        self._modules = (
            None if search_path is None else HostModules([Path(p).resolve() for p in search_path])
        )

    def bind(self, spec: ToolSpec) -> BoundTool:
        """Return the tool with its function.

        Raises:
            ToolError: it is not registered and has no source, the import fails, or the function
                does not take the declared parameters.
        """
        function = self._functions.get(spec.name)
        if function is None and spec.source is None and self._remote:
            return BoundTool(spec, None)
        types = None
        if function is None:
            function, types = self._load(spec)
        names = [name for name, _ in spec.params]
        try:
            inspect.signature(function).bind(**dict.fromkeys(names))
        except TypeError as error:
            raise ToolError(f"tool `{spec.name}` does not fit its function: {error}") from None
        except ValueError:
            pass  # a built-in function without a signature
        return BoundTool(spec, function, types or HostTypes.of(function))

    def _load(self, spec: ToolSpec) -> tuple[Callable[..., Any], HostTypes]:
        if spec.source is None:
            known = ", ".join(sorted(self._functions)) or "none"
            raise ToolError(f"tool `{spec.name}` is not bound (registered: {known})")
        if self._modules is None:
            raise ToolError(f"tool `{spec.name}`: importing `{spec.source}` is not allowed here")
        module_name, _, function_name = spec.source.partition(":")
        try:
            module = self._modules.load(module_name)
        except Exception as error:  # whatever the module raises while it is loaded
            reason = f"{type(error).__name__}: {error}"
            raise ToolError(f"tool `{spec.name}`: cannot import {module_name}: {reason}") from error
        function = getattr(module, function_name, None)
        if not callable(function):
            raise ToolError(f"tool `{spec.name}`: {module_name} has no function `{function_name}`")
        with self._modules.present(module_name):
            return function, HostTypes.of(function)
