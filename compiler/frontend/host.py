"""Host functions as their source declares them: Python files are read, never imported."""

from __future__ import annotations

import ast as python
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sglc.compiler.frontend.checked import ParamInfo
from sglc.compiler.frontend.host_classes import class_type
from sglc.constraints import types as t

ANY = t.AnyType()
_NAMES: Mapping[str, t.Type] = {
    "str": t.Str(),
    "int": t.Int(),
    "float": t.Number(),
    "bool": t.Bool(),
    "None": t.NoneType(),
}
_LISTS = frozenset({"list", "List", "Sequence", "Iterable"})
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class HostFunction:
    """A function at the top of a Python file. ``is_open``: it takes ``*args`` or ``**kwargs``."""

    name: str
    params: tuple[ParamInfo, ...]
    returns: t.Type
    is_open: bool
    written: str
    doc: str | None


@dataclass(frozen=True)
class HostModule:
    """A Python file by its path; ``tree`` is None when it cannot be read."""

    path: Path

    @cached_property
    def _tree(self) -> python.Module | None:
        try:
            with self.path.open("rb") as file:
                source = file.read(_MAX_BYTES)
            return python.parse(source)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @property
    def is_readable(self) -> bool:
        return self._tree is not None

    @cached_property
    def functions(self) -> Mapping[str, HostFunction]:
        """The public functions by name."""
        body = self._tree.body if self._tree is not None else []
        classes = {node.name: node for node in body if isinstance(node, python.ClassDef)}
        return {
            node.name: _function(node, classes)
            for node in body
            if isinstance(node, python.FunctionDef | python.AsyncFunctionDef)
        }

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name the file may define at its top: functions, imports, assignments."""
        found: set[str] = set()
        for node in python.walk(self._tree) if self._tree is not None else ():
            match node:
                case python.FunctionDef() | python.AsyncFunctionDef() | python.ClassDef():
                    found.add(node.name)
                case python.alias():
                    found.add((node.asname or node.name).split(".")[0])
                case python.Name(ctx=python.Store()):
                    found.add(node.id)
        return frozenset(found)


def _function(
    node: python.FunctionDef | python.AsyncFunctionDef, classes: Mapping[str, python.ClassDef]
) -> HostFunction:
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    defaults: list[python.expr | None] = [None] * (len(positional) - len(args.defaults))
    pairs = [*zip(positional, [*defaults, *args.defaults], strict=True)]
    pairs += zip(args.kwonlyargs, args.kw_defaults, strict=True)
    params = tuple(_param(arg, default, classes) for arg, default in pairs)
    returns = ANY if node.returns is None else _type(node.returns, classes)
    written = f"{node.name}({python.unparse(args)})"
    if node.returns is not None:
        written += f" -> {python.unparse(node.returns)}"
    is_open = args.vararg is not None or args.kwarg is not None
    return HostFunction(node.name, params, returns, is_open, written, python.get_docstring(node))


def _param(
    arg: python.arg, default: python.expr | None, classes: Mapping[str, python.ClassDef]
) -> ParamInfo:
    type_ = ANY if arg.annotation is None else _type(arg.annotation, classes)
    if default is None:
        return ParamInfo(name=arg.arg, type=type_)
    try:
        value: Any = python.literal_eval(default)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = None
    return ParamInfo(name=arg.arg, type=type_, has_default=True, default=value)


def _type(node: python.expr, classes: Mapping[str, python.ClassDef], depth: int = 0) -> t.Type:
    """Return the type an annotation means; what the language has no type for is ``ANY``."""
    if depth > 8:
        return ANY
    match node:
        case python.Constant(value=None):
            return t.NoneType()
        case python.Constant(value=str() as text):
            try:
                return _type(python.parse(text, mode="eval").body, classes, depth + 1)
            except SyntaxError:
                return ANY
        case python.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case python.Name(id="list"):
            return t.List(ANY)
        case python.Name(id=name) if name in classes:
            others = {key: each for key, each in classes.items() if key != name}
            return class_type(classes[name], lambda hint: _type(hint, others, depth + 1))
        case python.Subscript(value=value, slice=inner):
            return _generic(python.unparse(value).rpartition(".")[2], inner, classes, depth)
        case python.BinOp(op=python.BitOr(), left=left, right=right):
            return _either([_type(side, classes, depth + 1) for side in (left, right)])
    return ANY


def _generic(
    name: str, inner: python.expr, classes: Mapping[str, python.ClassDef], depth: int
) -> t.Type:
    parts = inner.elts if isinstance(inner, python.Tuple) else [inner]
    if name in _LISTS:
        return t.List(_type(inner, classes, depth + 1))
    if name == "Optional":
        return _either([_type(inner, classes, depth + 1), t.NoneType()])
    if name == "Union":
        return _either([_type(part, classes, depth + 1) for part in parts])
    if name == "Literal":
        values = [part.value for part in parts if isinstance(part, python.Constant)]
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) == len(parts):
            return _either([t.Literal(text) for text in texts])
    return ANY


def _either(options: list[t.Type]) -> t.Type:
    values = [o for o in options if not isinstance(o, t.NoneType)]
    if any(isinstance(o, t.AnyType) for o in values) or not values:
        return ANY if values else t.NoneType()
    whole = values[0] if len(values) == 1 else t.Union(tuple(values))
    return whole if len(values) == len(options) else t.Optional(whole)
