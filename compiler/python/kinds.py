"""What kind of value an expression of Python surely gives, as far as its syntax tells."""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Callable
from typing import Final

from sglc.compiler.python.values import Kind, joined_kind

KindOf = Callable[[ast.expr], Kind | None]
Means = Callable[[ast.expr, object], bool]

_BUILTINS: Final[tuple[tuple[object, Kind], ...]] = (
    *((f, "str") for f in (str, repr, format, chr, ascii, hex, oct, bin, input)),
    *((f, "int") for f in (int, len, ord)),
    *((f, "bool") for f in (bool, isinstance, issubclass, callable, any, all, hasattr)),
    *((f, "str") for f in (json.dumps, textwrap.dedent, textwrap.indent, textwrap.fill)),
)
_STR_METHODS: Final[dict[str, Kind]] = {
    **dict.fromkeys(
        (
            "capitalize", "casefold", "center", "expandtabs", "format", "format_map", "join",
            "ljust", "lower", "lstrip", "removeprefix", "removesuffix", "replace", "rjust",
            "rstrip", "strip", "swapcase", "title", "translate", "upper", "zfill",
        ),
        "str",
    ),
    **dict.fromkeys(
        (
            "endswith", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier",
            "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "startswith",
        ),
        "bool",
    ),
    **dict.fromkeys(("count", "find", "index", "rfind", "rindex"), "int"),
}  # fmt: skip
_SCALARS: Final = ("str", "int", "bool", "float", "none")


def kind_of_expression(node: ast.expr, known: KindOf, means: Means) -> Kind:
    """Return the kind of what ``node`` gives.

    ``known`` gives that of names and reads of states, ``means`` says whether a name is a function.
    """
    found = known(node)
    if found is not None:
        return found

    def of(inner: ast.expr) -> Kind:
        return kind_of_expression(inner, known, means)

    match node:
        case ast.JoinedStr():
            return "str"
        case ast.Constant(value=value):
            return {str: "str", int: "int", bool: "bool"}.get(type(value), "any")  # type: ignore[return-value]  # the values are kinds
        case ast.Call(func=ast.Attribute(value=owner, attr=name)) if of(owner) == "str":
            return _STR_METHODS.get(name, "any")
        case ast.Call(func=function):
            return next((kind for each, kind in _BUILTINS if means(function, each)), "any")
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(of(left), op, of(right))
        case ast.Subscript(value=owner) if of(owner) == "str":
            return "str"
        case ast.UnaryOp(op=ast.Not()):
            return "bool"
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return "int" if of(operand) == "int" else "any"
        case ast.Compare(left=left, ops=ops, comparators=others):
            always = all(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in ops)
            plain = all(of(each) in _SCALARS for each in (left, *others))
            return "bool" if always or plain else "any"
        case ast.BoolOp(values=values):
            return joined_kind(map(of, values))
        case ast.IfExp(body=body, orelse=orelse):
            return joined_kind((of(body), of(orelse)))
        case ast.NamedExpr(value=value):
            return of(value)
    return "any"


def _arithmetic(left: Kind, op: ast.operator, right: Kind) -> Kind:
    match op:
        case ast.Add() if left == right == "str":
            return "str"
        case ast.Mod() if left == "str":
            return "str"
        case ast.Mult() if {left, right} == {"str", "int"}:
            return "str"
        case ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv() | ast.Mod():
            return "int" if left == right == "int" else "any"
    return "any"
