"""The source of a function: its syntax tree with the places of the file, and what names mean."""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import linecache
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from sglc.compiler.python.nesting import compiled_at, has_class_around, imports_of, is_same_code
from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.scope import Bindings, bindings_of

MISSING: Final = object()
_FORBIDDEN: Final = {
    "eval": eval,
    "exec": exec,
    "locals": locals,
    "vars": vars,
    "dir": dir,
    "super": super,
    "breakpoint": breakpoint,
}


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """A Python function. ``locals`` are the names that it binds, parameters included."""

    func: FunctionType
    tree: ast.FunctionDef
    file: str
    locals: frozenset[str]
    bindings: Bindings

    @property
    def name(self) -> str:
        """The name the function was defined under."""
        return self.func.__name__

    def resolve(self, name: str) -> object:
        """Return what a name of the function that is no local means now, or ``MISSING``."""
        code = self.func.__code__
        if name in code.co_freevars:
            cell = (self.func.__closure__ or ())[code.co_freevars.index(name)]
            try:
                return cell.cell_contents
            except ValueError:  # not bound yet
                return MISSING
        if name in self.func.__globals__:
            return self.func.__globals__[name]
        return getattr(builtins, name, MISSING)

    def resolve_node(self, node: ast.expr) -> object:
        """Return what a name, or attributes of a module, mean now, or ``MISSING``."""
        if isinstance(node, ast.Name):
            return MISSING if node.id in self.locals else self.resolve(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.resolve_node(node.value)
            if isinstance(owner, ModuleType):
                return getattr(owner, node.attr, MISSING)
        return MISSING


def read_function(func: Callable[..., Any]) -> FunctionSource:
    """Return the source of a function.

    Raises:
        Unsupported: there is none, or the function is of a kind that is not lowered.
    """
    if not isinstance(func, FunctionType):
        raise Unsupported(f"{func!r} is no plain function")
    name = func.__name__
    try:
        lines, first = inspect.getsourcelines(func.__code__)  # not that of what it wraps
    except (OSError, TypeError):
        raise Unsupported(f"the source of `{name}` is not there") from None
    text = textwrap.dedent("".join(lines))
    indent = len(lines[0]) - len(lines[0].lstrip())
    try:
        module = ast.parse(text)
    except SyntaxError:
        raise Unsupported(f"the source of `{name}` cannot be taken by itself") from None
    tree = module.body[0] if len(module.body) == 1 else None
    if isinstance(tree, ast.AsyncFunctionDef):
        raise Unsupported("it is a coroutine: `async def`")
    if not isinstance(tree, ast.FunctionDef) or tree.name != func.__code__.co_name:
        raise Unsupported(f"the source of `{name}` is no function: a lambda, or it has changed")
    _shift(tree, first - 1, indent)
    code = func.__code__
    if not _is_same(code, tree, code.co_filename):
        raise Unsupported(f"the source of `{name}` has changed since it was imported")
    names = frozenset((*code.co_varnames, *code.co_cellvars))
    source = FunctionSource(func, tree, code.co_filename, names, bindings_of(tree))
    try:
        _check(source)
    except Unsupported as error:
        error.file = source.file
        raise
    return source


def _shift(tree: ast.AST, lines: int, columns: int) -> None:
    """Move the places of a tree to where they are in the file."""
    for node in ast.walk(tree):
        if "lineno" in node._attributes:
            place: Any = node
            place.lineno += lines
            place.end_lineno += lines
            place.col_offset += columns
            place.end_col_offset += columns


def _is_same(code: CodeType, tree: ast.FunctionDef, file: str) -> bool:
    """Whether a function was compiled from a tree."""
    args = tree.args
    given = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    count = code.co_argcount + code.co_kwonlyargcount
    if tuple(given) != code.co_varnames[:count]:
        return False
    if any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        return True  # pytest writes these anew: the code is another one than the file says
    bare = copy.copy(tree)
    bare.decorator_list = []
    try:
        imports = imports_of("".join(linecache.getlines(file)))
    except SyntaxError:  # a cell of a notebook may await
        imports = frozenset()
    # notebooks compile each statement by itself: a function there knows of no import
    return any(
        is_same_code(compiled_at(code, bare, file, seen), code)
        for seen in dict.fromkeys((imports, frozenset[str]()))
    )


def _check(source: FunctionSource) -> None:
    """Refuse what cannot be taken apart, wherever it stands.

    Raises:
        Unsupported: with the place.
    """
    in_class = has_class_around(source.func.__code__)
    todo: list[ast.AST] = list(source.tree.body)
    while todo:
        node = todo.pop()
        match node:
            case ast.Yield() | ast.YieldFrom():
                raise Unsupported("it is a generator: `yield`", node)
            case ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                raise Unsupported("it waits for coroutines: `await`", node)
            case ast.Nonlocal():
                raise Unsupported("`nonlocal`: it changes names of the function around", node)
            case ast.Name(id=name) if name in _FORBIDDEN and name not in source.locals:
                if source.resolve(name) is _FORBIDDEN[name]:
                    raise Unsupported(f"`{name}` can see or change any name", node)
            case ast.Name(id="__class__"):
                raise Unsupported("`__class__` belongs to the method as it was written", node)
            case ast.Name(id=name) | ast.Attribute(attr=name) if in_class and _is_private(name):
                raise Unsupported(f"`{name}` is a private name of the class around", node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += _forbidden_inside(node)
        else:
            todo += ast.iter_child_nodes(node)


def _is_private(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")


def _forbidden_inside(node: ast.AST) -> list[ast.AST]:
    """The parts of an inner function that matter: names. It may be a generator or a coroutine."""
    return [inner for inner in ast.walk(node) if isinstance(inner, ast.Name | ast.Attribute)]
