"""Annotations of Python: names resolved, wrappers taken off, type variables filled in."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from sglc.constraints.python.codec import PythonTypeError

_WRAPPERS = {"Required", "NotRequired", "ReadOnly", "Final", "ClassVar", "InitVar"}


def unwrapped(hint: Any) -> Any:
    """Return the type inside of ``NewType``, ``Required`` and the like."""
    while True:
        origin = get_origin(hint)
        if getattr(origin, "_name", None) in _WRAPPERS or (
            getattr(origin, "__name__", None) in _WRAPPERS
        ):
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        else:
            return hint


def is_union(origin: Any) -> bool:
    """Whether this is the origin of ``X | Y`` or ``Union[X, Y]``."""
    return origin is typing.Union or origin is types.UnionType


def is_typed_dict(cls: Any) -> bool:
    """Whether this is a TypedDict, of ``typing`` or of ``typing_extensions``."""
    return isinstance(cls, type) and issubclass(cls, dict) and hasattr(cls, "__required_keys__")


def is_required(cls: Any, key: str, hint: Any) -> bool:
    """Whether every dict of a TypedDict has ``key``, whose annotation is ``hint``.

    The class knows it, but for annotations that are texts: there only the annotation does.
    """
    said = getattr(get_origin(hint), "_name", None)
    return said == "Required" or (said != "NotRequired" and key in cls.__required_keys__)


def field_hints(cls: Any, args: tuple[Any, ...], where: str) -> Mapping[str, Any]:
    """Return the types of the fields of a class; ``args`` stand for its type variables.

    Raises:
        PythonTypeError: an annotation names something that cannot be found.
    """
    try:
        hints = typing.get_type_hints(cls, localns={cls.__name__: cls}, include_extras=True)
    except NameError as error:
        raise unreadable(cls, error, where) from None
    variables = dict(zip(getattr(cls, "__parameters__", ()), args, strict=False))
    found = {name: _filled(hint, variables) for name, hint in hints.items()}
    own = () if is_typed_dict(cls) else inspect.get_annotations(cls)
    for base in reversed(cls.__dict__.get("__orig_bases__", cls.__bases__)):
        origin = get_origin(base) or base
        if origin is typing.Generic or not getattr(origin, "__annotations__", None):
            continue
        filled = tuple(_filled(arg, variables) for arg in get_args(base))
        inherited = field_hints(origin, filled, where)  # each class has variables of its own
        found |= {name: hint for name, hint in inherited.items() if name not in own}
    return found


def unreadable(cls: Any, error: NameError, where: str) -> PythonTypeError:
    """Return the error for a class whose annotations name something that cannot be found."""
    reason = str(error).splitlines()[0]
    return PythonTypeError(
        where,
        f"an annotation of {cls.__name__} cannot be read: {reason}; define what it names at the "
        "top of the module",
    )


def _filled(hint: Any, variables: Mapping[Any, Any]) -> Any:
    if isinstance(hint, typing.TypeVar):
        return variables.get(hint, hint)
    names = getattr(hint, "__parameters__", ())
    if not names:
        return hint
    return hint[tuple(variables.get(name, name) for name in names)]
