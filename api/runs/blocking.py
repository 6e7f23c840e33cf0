"""Whether a function may keep its thread waiting for something else than a model."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any, Final

_QUICK: Final = frozenset(
    {
        "sglc", "re", "json", "math", "random", "string", "textwrap", "itertools", "functools",
        "collections", "operator", "dataclasses", "datetime", "typing", "statistics", "copy",
    }
)  # fmt: skip
_SLOW_BUILTINS: Final = frozenset({"open", "input", "exec", "eval", "__import__", "breakpoint"})


def may_block(func: Callable[..., Any]) -> bool:
    """Return whether a function names something that might wait: a guess, but a careful one.

    What it reads from outside must be data, builtins, or of modules that only compute.
    """
    func = inspect.unwrap(func)
    code = getattr(func, "__code__", None)
    if code is None:
        return True
    known: dict[str, Any] = dict(getattr(func, "__globals__", {}))
    cells = getattr(func, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars, cells, strict=True):
        try:
            known[name] = cell.cell_contents
        except ValueError:  # not bound yet
            return True
    return any(_is_slow(name, known) for name in _names(code))


def _names(code: CodeType) -> set[str]:
    found = {*code.co_names, *code.co_freevars}
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found |= _names(const)
    return found


def _is_slow(name: str, known: dict[str, Any]) -> bool:
    if name not in known:
        return name in _SLOW_BUILTINS and hasattr(builtins, name)
    value = known[name]
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] not in _QUICK
    if not callable(value):
        return False
    home = getattr(value, "__module__", None) or type(value).__module__
    if home == "builtins":
        return getattr(value, "__name__", "") in _SLOW_BUILTINS
    if home.partition(".")[0] in _QUICK:
        inner = getattr(value, "func", None)  # another prompt program
        return inner is not None and may_block(inner)
    return True
