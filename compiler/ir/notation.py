"""The types of the language, written exactly, in the textual form of the graph.

``int(lo = 1, hi = 10)``, ``regex "a+"``, ``list[str](max = 4)``, ``{a: str = "x"}``, ``"a" | "b"``,
``line?``. Options that have their default are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import fields
from typing import Any

from sglc.compiler.ir.values import quote, quote_key
from sglc.constraints import types as t
from sglc.constraints.type_data import from_data, to_data


def write_type(type_: t.Type) -> str:
    """Return the notation of ``type_``; the reader gives back an equal type."""
    match type_:
        case t.Literal(value):
            return quote(value)
        case t.Union(options) if len(options) > 1:
            return " | ".join(map(_operand, options))
        case t.Union(options) if options:
            return f"union[{write_type(options[0])}]"
        case t.Record(members):
            return "{" + ", ".join(map(_field, members)) + "}"
        case t.Optional(inner):
            return _operand(inner) + "?"
    written = next((getattr(type_, key) for key in _TEXTS if hasattr(type_, key)), None)
    text = "" if written is None else f" {quote(written)}"
    inner_types = ", ".join(map(write_type, _args(type_)))
    given = [
        f"{f.name} = {write_data(getattr(type_, f.name))}"
        for f in fields(type_)
        if f.default is not NO_DEFAULT and getattr(type_, f.name) != f.default
    ]
    keywords = f"({', '.join(given)})" if given else ""
    return type_.kind + text + (f"[{inner_types}]" if inner_types else "") + keywords


_TEXTS = ("pattern", "text")  # the attribute that stands behind the name of a type


def _args(type_: t.Type) -> tuple[t.Type, ...]:
    """The types in brackets behind the name of a type."""
    match type_:
        case t.List(item=inner) | t.Sized(inner=inner):
            return (inner,)
        case t.Concat(parts) | t.Both(parts):
            return parts
        case t.Without(inner, texts):
            return (inner, *map(t.Literal, texts))
    return ()


def write_data(value: Any) -> str:
    """Return JSON-able data: scalars, lists, records."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Mapping):
        pairs = (f"{quote_key(str(key))}: {write_data(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(write_data, value)) + "]"
    return repr(value)


def make_type(
    name: str, pattern: str | None, args: list[t.Type], options: Mapping[str, Any]
) -> t.Type:
    """Return the type written as ``name "pattern"[args](options)``.

    Raises:
        ValueError: there is no such type, or it does not take these.
    """
    data: dict[str, Any] = {"type": name, **options}
    if pattern is not None:
        data["pattern" if name == "regex" else "text"] = pattern
    match name:
        case "union":
            return t.Union(tuple(args))
        case "concat":
            return t.Concat(tuple(args))
        case "both":
            return t.Both(tuple(args))
        case "without" if args:
            texts = tuple(arg.value for arg in args[1:] if isinstance(arg, t.Literal))
            return t.Without(args[0], texts)
    if args:
        data["inner" if name == "sized" else "item"] = to_data(args[0])
    return from_data(data)


def _operand(type_: t.Type) -> str:
    text = write_type(type_)
    return f"({text})" if isinstance(type_, t.Union) and len(type_.options) > 1 else text


def _field(field: t.Field) -> str:
    text = f"{quote_key(field.name)}: {write_type(field.type)}"
    return text if field.default is t.MISSING else f"{text} = {write_data(field.default)}"
