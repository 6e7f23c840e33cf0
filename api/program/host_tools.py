"""Python functions as tools of a program: their names, and what the compiler knows of them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sglc.constraints import types as t

if TYPE_CHECKING:
    from sglc.compiler.frontend.host import HostFunction

F = TypeVar("F", bound=Callable[..., Any])
Tools = Mapping[str, Callable[..., Any]] | Iterable[Callable[..., Any]]

_NAME: Final = "__sglc_tool__"
_ANY: Final = t.AnyType()


def tool(function: F | None = None, /, *, name: str | None = None) -> Any:
    """Mark a function as a tool of programs, under its own name or another one.

        @sglc.tool
        def read_file(path: str) -> str: ...

        agent = sglc.load("agent.sgl", tools=[read_file])

    Annotations are checked against what the program declares; parameters that are annotated with
    dataclasses or Pydantic models get objects of them. The function may be a coroutine function.

    Raises:
        TypeError: it is no function, or an annotation cannot be read.
    """

    def mark(function: F) -> F:
        known = name or str(getattr(function, "__name__", ""))
        host_function(known, function)
        setattr(function, _NAME, known)
        return function

    return mark if function is None else mark(function)


def tools_by_name(tools: Tools | None) -> dict[str, Callable[..., Any]]:
    """Return tools by the names that programs call them.

    Raises:
        TypeError: one is no function, or two have the same name.
    """
    pairs: list[tuple[str, Any]] = []
    if isinstance(tools, Mapping):
        pairs = [*tools.items()]
    else:
        for each in tools or ():
            pairs.append((str(getattr(each, _NAME, getattr(each, "__name__", ""))), each))
    found: dict[str, Callable[..., Any]] = {}
    for name, function in pairs:
        if not callable(function) or not isinstance(name, str) or not name:
            raise TypeError(f"a tool is a function with a name, not {function!r}")
        if name in found:
            raise TypeError(f"two tools are called `{name}`: give them as a dict by name")
        found[name] = function
    return found


def host_function(name: str, function: Callable[..., Any]) -> HostFunction | None:
    """Return what the compiler knows of a function; None where Python does not tell.

    Raises:
        TypeError: it is no function, or an annotation names what is not there.
    """
    from sglc.compiler.frontend.checked import ParamInfo
    from sglc.compiler.frontend.host import HostFunction

    if not callable(function):
        raise TypeError(f"tool `{name}` must be a function, not {function!r}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # a built-in function without one
        return None
    hints = _hints(name, function)
    params = []
    is_open = False
    for each in signature.parameters.values():
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            is_open = True
            continue
        type_ = checked_type(hints.get(each.name, Any))
        has_default = each.default is not each.empty
        params.append(ParamInfo(name=each.name, type=type_, has_default=has_default))
    return HostFunction(
        name=name,
        params=tuple(params),
        returns=checked_type(hints.get("return", Any)),
        is_open=is_open,
        written=f"{name}{signature}",
        doc=inspect.getdoc(function),
    )


def _hints(name: str, function: Callable[..., Any]) -> Mapping[str, Any]:
    if not inspect.isroutine(function):
        function = getattr(type(function), "__call__", function)  # noqa: B004
    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except NameError as error:
        raise TypeError(
            f"tool `{name}`: an annotation cannot be read: {error}; define what it names at the "
            "top of the module"
        ) from None
    except TypeError:  # an object that is called, such as a partial function
        return {}


def checked_type(hint: Any) -> t.Type:
    """Return the type of an annotation as far as the compiler compares types; else any."""
    from sglc.constraints.python import PythonTypeError, as_constraint

    if hint is None or hint is type(None):
        return t.NoneType()
    try:
        return _comparable(as_constraint(hint))
    except PythonTypeError:
        return _ANY


def _comparable(type_: t.Type) -> t.Type:
    match type_:
        case t.Str() | t.Int() | t.Number() | t.Bool() | t.Literal():
            return type_
        case t.List(item=item, min=low, max=high):
            return t.List(_comparable(item), low, high)
        case t.Optional(inner=inner):
            found = _comparable(inner)
            return _ANY if found == _ANY else t.Optional(found)
        case t.Union(options=options):
            parts = tuple(map(_comparable, options))
            return _ANY if _ANY in parts else t.Union(parts)
        case t.Record(fields=fields):
            return t.Record(tuple(t.Field(f.name, _comparable(f.type), f.default) for f in fields))
    return _ANY
