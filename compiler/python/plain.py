"""Code that can have nothing to do with prompts: data, built-ins, and functions made of these.

What such code gives is data, and no expression that a state could be appended with.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Sequence
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, Final

from sglc.compiler.python.source import MISSING, FunctionSource

_MAX_ITEMS: Final = 10_000
_MAX_DEPTH: Final = 8
_SCALARS: Final = (str, int, float, bool, complex, bytes, bytearray, range, type(None), type(...))
_CONTAINERS: Final = (list, tuple, dict, set, frozenset)
_REACHING: Final = frozenset(
    {
        "builtins", "code", "codeop", "ctypes", "gc", "importlib", "inspect", "pickle", "pkgutil",
        "runpy", "shelve", "sys", "types", "unittest",
    }
)  # fmt: skip
"""Modules through which code can get at anything."""
_FORBIDDEN: Final = frozenset({"__import__", "compile", "eval", "exec", "globals", "vars"})
_HARMLESS: Final = frozenset({"__name__", "__doc__", "__len__", "__str__", "__repr__"})


def is_data(value: object) -> bool:
    """Whether a value is made of texts, numbers and the like only."""
    todo: list[Any] = [value]
    count = 0
    while todo:
        each = todo.pop()
        count += 1
        if count > _MAX_ITEMS:
            return False
        if type(each) in _SCALARS:
            continue
        if type(each) not in _CONTAINERS:
            return False
        todo += each
        if isinstance(each, dict):
            todo += each.values()
    return True


def is_plain(value: object, depth: int = 0, seen: frozenset[int] = frozenset()) -> bool:
    """Whether a value is data, or code that can only compute with data."""
    if depth > _MAX_DEPTH:
        return False
    if id(value) in seen:
        return True
    seen = seen | {id(value)}
    match value:
        case ModuleType():
            return _is_plain_home(value.__name__)
        case BuiltinFunctionType():
            owner = value.__self__
            home = owner.__name__ if isinstance(owner, ModuleType) else value.__module__ or ""
            return value.__name__ not in _FORBIDDEN and (home == "builtins" or _is_plain_home(home))
        case type():
            return value.__module__ == "builtins" or _is_plain_home(value.__module__)
        case FunctionType():
            if _is_plain_home(value.__module__):
                return True
            return _is_plain_function(value, depth, seen)
    return is_data(value)


def _is_plain_home(name: str) -> bool:
    first = name.partition(".")[0]
    return first in sys.stdlib_module_names and first not in _REACHING


def _is_plain_function(function: FunctionType, depth: int, seen: frozenset[int]) -> bool:
    cells = function.__closure__ or ()
    try:
        inside: list[object] = [cell.cell_contents for cell in cells]
    except ValueError:  # not bound yet
        return False
    inside += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for name in _names(function.__code__):
        if name.startswith("__") and name not in _HARMLESS:
            return False
        if name in function.__globals__:
            inside.append(function.__globals__[name])
        elif name in _FORBIDDEN or hasattr(builtins, name):
            inside.append(getattr(builtins, name))
    return all(is_plain(each, depth + 1, seen) for each in inside)


def _names(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found |= _names(const)
    return found


def is_plain_code(body: Sequence[ast.stmt], names: Iterable[str], source: FunctionSource) -> bool:
    """Whether statements that look up ``names`` outside of the function only compute with data."""
    for node in (node for statement in body for node in ast.walk(statement)):
        match node:
            case ast.Import(names=aliases):
                if not all(_is_plain_home(alias.name) for alias in aliases):
                    return False
            case ast.ImportFrom(module=module, level=level):
                if level or not _is_plain_home(module or ""):
                    return False
            case ast.Attribute(attr=attr) if attr.startswith("__") and attr not in _HARMLESS:
                return False
            case ast.ClassDef() | ast.Global():
                return False
    found = [source.resolve(name) for name in names]
    return all(each is not MISSING and is_plain(each) for each in found)
