"""What names outside of a function meant when its graph was made, and whether they still do.

Texts, numbers and containers of them count by value, all else by identity. Of a container a copy is
kept: the graph has what was in it then.
"""

from __future__ import annotations

import ast
import datetime
import re
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, GenericAlias, ModuleType, UnionType
from typing import Any, Final
from uuid import UUID

from sglc.compiler.python.source import MISSING, FunctionSource

MAX_ITEMS: Final = 4096
ALWAYS: Final = 1 << 30
_MAX_DEPTH: Final = 8
_SCALARS: Final = frozenset((str, int, float, bool, complex, bytes, range, type(None), type(...)))
_LISTS: Final = (list, tuple, set, frozenset, deque)
_DICTS: Final = (dict, OrderedDict)
_FIXED: Final = (
    type, FunctionType, BuiltinFunctionType, ModuleType, GenericAlias, UnionType, re.Pattern, Enum,
    PurePath, Decimal, UUID, datetime.date, datetime.time, datetime.timedelta,
)  # fmt: skip


def can_be_kept(value: object) -> bool:
    """Whether it can be told later that a value is still what it was; not of objects that change.

    Nor of what has more than ``MAX_ITEMS`` items.
    """
    todo: list[tuple[Any, int]] = [(value, 0)]
    count = 0
    while todo:
        each, depth = todo.pop()
        count += 1
        if count > MAX_ITEMS or depth > _MAX_DEPTH:
            return False
        if type(each) in _LISTS or type(each) in _DICTS:
            if len(each) > MAX_ITEMS:
                return False
            inside = [*each, *each.values()] if type(each) in _DICTS else each
            todo += ((inner, depth + 1) for inner in inside)
        elif type(each) not in _SCALARS and not _is_fixed(each):
            return False
    return True


def _is_fixed(value: Any) -> bool:
    if isinstance(value, _FIXED) or type(value).__module__ == "typing":
        return True
    params = getattr(type(value), "__dataclass_params__", None)
    return params is not None and bool(params.frozen)


def kept(value: Any) -> Any:
    """Return a copy of a container, down to what is none; all else as it is."""
    if type(value) in _LISTS:
        return type(value)(map(kept, value))
    if type(value) in _DICTS:
        return type(value)((key, kept(each)) for key, each in value.items())
    return value


def is_same(found: Any, known: Any) -> bool:
    """Whether a value is what was kept of it."""
    if found is known:
        return True
    if type(found) is not type(known):
        return False
    if type(found) in _DICTS:
        return _are_same([*found], [*known]) and _are_same([*found.values()], [*known.values()])
    if type(found) in (set, frozenset):
        return bool(found == known) and sorted(map(repr, found)) == sorted(map(repr, known))
    if type(found) in _LISTS:
        return _are_same([*found], [*known])
    return type(found) in _SCALARS and bool(found == known) and repr(found) == repr(known)


def _are_same(found: Sequence[object], known: Sequence[object]) -> bool:
    return len(found) == len(known) and all(map(is_same, found, known))


@dataclass(slots=True)
class _Seen:
    source: FunctionSource
    node: ast.expr
    kept: object
    until: int

    def holds(self) -> bool:
        return is_same(self.source.resolve_node(self.node), self.kept)


@dataclass(slots=True)
class Guard:
    """What is known of names, by function and name, and of arguments that are part of the graph.

    Before a run all of it is looked at. What is known behind host statements has to hold when these
    have run: ``until`` is how many of them may run before it is used, 0 for none.
    """

    seen: dict[tuple[FunctionType, str], _Seen] = field(default_factory=dict)
    fixed: dict[str, int] = field(default_factory=dict)

    def see(self, source: FunctionSource, node: ast.expr, until: int) -> object:
        """Return what a name or an attribute of a module means, and remember it."""
        found = source.resolve_node(node)
        if found is MISSING:
            return found
        key = source.func, ast.unparse(node)
        known = self.seen.get(key)
        if known is None:
            self.seen[key] = _Seen(source, node, kept(found), until)
        else:
            known.until = max(known.until, until)
        return found

    def see_fixed(self, name: str, until: int) -> None:
        """An argument is part of the graph."""
        self.fixed[name] = max(until, self.fixed.get(name, 0))

    def holds(self) -> bool:
        """Whether all names still mean the same."""
        return all(seen.holds() for seen in self.seen.values())

    @property
    def is_late(self) -> bool:
        """Whether anything of it has to hold when host statements have run."""
        return any(seen.until for seen in self.seen.values()) or any(self.fixed.values())

    def changed_by(self, host: int) -> str | None:
        """The name that does not mean the same when host statement ``host`` has run, if one."""
        for (_, name), seen in self.seen.items():
            if host < seen.until and not seen.holds():
                return name
        return None
