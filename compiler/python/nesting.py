"""Code that is compiled as if it stood where a function stands.

So it has what Python derives from the place: the names around that it sees, the long names of what
is defined in it, and what the file has asked of ``__future__``.
"""

from __future__ import annotations
import __future__

import ast
import symtable
from collections.abc import Iterable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, Final

from sglc.compiler.python.scope import function_node

_FUTURE: Final = sum(
    {getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}
)
_LOCALS: Final = "<locals>"


def has_class_around(code: CodeType) -> bool:
    """Whether a function stands in a class, which changes names like ``__name``."""
    return any(not is_function for _, is_function in _around(code))


@lru_cache(maxsize=32)
def imports_of(text: str) -> frozenset[str]:
    """The names that a file imports, in no function; calls of their methods are code of its own.

    Raises:
        SyntaxError: it is no Python.
    """
    table = symtable.symtable(text, "<file>", "exec")
    return frozenset(name.get_name() for name in table.get_symbols() if name.is_imported())


def compiled_at(
    code: CodeType, node: ast.FunctionDef, file: str, imports: Iterable[str] = ()
) -> CodeType:
    """Return the code of a function ``node`` in the place of the function that has ``code``.

    It has the name of that function, and may use the same free names.
    """
    around = _around(code)
    made: ast.stmt = node
    has_function = False
    for name, is_function in reversed(around):
        if is_function:
            made = function_node(name, () if has_function else code.co_freevars, [made])
            has_function = True
        else:
            made = _class(name, made)
    if code.co_freevars and not has_function:
        # Names that are global have no long name, wherever they are bound.
        first = around[0][0] if around else node.name
        made = function_node("around", code.co_freevars, [ast.Global([first]), made])
        around = [("around", True), *around]
    head: list[ast.stmt] = [ast.Import([ast.alias(name)]) for name in imports]
    module = ast.fix_missing_locations(ast.Module(body=[*head, made], type_ignores=[]))
    flags = code.co_flags & _FUTURE
    found: CodeType = compile(module, file, "exec", flags, dont_inherit=True)
    for name in (*(name for name, _ in around), node.name):
        found = next(c for c in found.co_consts if isinstance(c, CodeType) and c.co_name == name)
    return found


def _around(code: CodeType) -> list[tuple[str, bool]]:
    """What a function stands in, from outside: names, and whether it is a function or a class."""
    *outer, _ = code.co_qualname.split(".")
    found: list[tuple[str, bool]] = []
    for name in outer:
        if name == _LOCALS and found:
            found[-1] = found[-1][0], True
        elif name.isidentifier():
            found.append((name, False))
    return found


def _class(name: str, body: ast.stmt) -> ast.ClassDef:
    made = ast.parse("class _: pass").body[0]
    assert isinstance(made, ast.ClassDef)
    made.name, made.body = name, [body]
    return made


def is_same_code(left: CodeType, right: CodeType) -> bool:
    """Whether two pieces of code do the same, wherever they stand in a file."""
    return _shape(left) == _shape(right) and _are_same(left.co_consts, right.co_consts)


def _shape(code: CodeType) -> tuple[Any, ...]:
    return (
        code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags,
        code.co_exceptiontable,
    )  # fmt: skip


def _are_same(left: Sequence[object], right: Sequence[object]) -> bool:
    return len(left) == len(right) and all(map(_is_same, left, right))


def _is_same(left: object, right: object) -> bool:
    if isinstance(left, CodeType) and isinstance(right, CodeType):
        return is_same_code(left, right)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return _are_same(left, right)
    return type(left) is type(right) and (left == right or repr(left) == repr(right))
