"""The static types of IR values: what a type of the language comes to once a value exists.

A ``ValueType`` forgets everything that only matters while a model writes (patterns, bounds) and
adds what programs never name: streams, branches, groups, effect tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sglc.constraints import types as t

NAMES = frozenset({
    "str", "int", "number", "bool", "json", "any", "none", "image", "video", "stream", "branch",
    "group", "list", "record", "literals", "messages", "effect",
})  # fmt: skip
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class ValueType:
    """A type by ``name``; only ``list``, ``group``, ``branch`` take ``args``.

    ``fields`` belong to ``record``, ``literals`` to ``literals``. ``optional`` admits none.
    A ``group`` or ``branch`` may name the record of its captures as its argument.
    """

    name: str
    args: tuple[ValueType, ...] = ()
    fields: tuple[tuple[str, ValueType], ...] = ()
    literals: tuple[str, ...] = ()
    optional: bool = False

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise ValueError(f"unknown value type {self.name!r}")
        if self.name == "literals" and not self.literals:
            raise ValueError("a type of literals needs at least one")

    def as_optional(self) -> ValueType:
        """Return this type with none added."""
        return (
            self if self.optional or self.name in ("none", "any") else replace(self, optional=True)
        )

    def __str__(self) -> str:
        mark = "?" if self.optional else ""
        if self.name == "record":
            inner = ", ".join(f"{quote_key(key)}: {value}" for key, value in self.fields)
            return "{" + inner + "}" + mark
        if self.name == "literals":
            text = " | ".join(map(quote, self.literals))
            return f"({text})?" if mark else text
        args = f"[{', '.join(map(str, self.args))}]" if self.args else ""
        return self.name + args + mark


STR = ValueType("str")
INT = ValueType("int")
NUMBER = ValueType("number")
BOOL = ValueType("bool")
JSON = ValueType("json")
ANY = ValueType("any")
NONE = ValueType("none")
IMAGE = ValueType("image")
VIDEO = ValueType("video")
STREAM = ValueType("stream")
BRANCH = ValueType("branch")
GROUP = ValueType("group")
LIST = ValueType("list")
MESSAGES = ValueType("messages")
EFFECT = ValueType("effect")

_SCALARS: dict[type[t.Type], ValueType] = {
    t.Str: STR,
    t.Line: STR,
    t.Word: STR,
    t.Regex: STR,
    t.OneOf: STR,
    t.Grammar: STR,
    t.Concat: STR,
    t.Int: INT,
    t.Number: NUMBER,
    t.Bool: BOOL,
    t.Json: JSON,
    t.Schema: JSON,
    t.Image: IMAGE,
    t.Video: VIDEO,
    t.NoneType: NONE,
}


def quote(text: str) -> str:
    """``text`` in double quotes, on one line, with JSON's escapes for what cannot be seen."""
    return (
        '"' + "".join(c if c.isprintable() and c not in '"\\' else _escape(c) for c in text) + '"'
    )


def quote_key(key: str) -> str:
    """A field name or keyword: bare when it is an identifier."""
    return key if _PLAIN_KEY.fullmatch(key) else quote(key)


def list_of(item: ValueType) -> ValueType:
    return ValueType("list", (item,))


def record_of(**fields: ValueType) -> ValueType:
    return ValueType("record", fields=tuple(fields.items()))


def literals_of(*texts: str) -> ValueType:
    return ValueType("literals", literals=texts)


def from_type(type_: t.Type) -> ValueType:
    """Return the type of the values that ``type_`` parses to."""
    match type_:
        case t.Literal(value):
            return literals_of(value)
        case t.List(item=item):
            return list_of(from_type(item))
        case t.Record(fields):
            return ValueType("record", fields=tuple((f.name, from_type(f.type)) for f in fields))
        case t.Optional(inner):
            return from_type(inner).as_optional()
        case t.Union(options):
            return join_all(map(from_type, options))
        case t.Both((inner, *_)) | t.Without(inner=inner) | t.Sized(inner=inner):
            return from_type(inner)
    if type_.kind in ("stream", "branch", "group"):  # types of the checks that no model writes
        return ValueType(type_.kind)
    return _SCALARS.get(type(type_), ANY)


def join_all(types: Iterable[ValueType]) -> ValueType:
    """Return the smallest type that holds the values of all ``types``, else ``any``."""
    result: ValueType | None = None
    for type_ in types:
        result = type_ if result is None else join(result, type_)
    return result or ANY


def join(a: ValueType, b: ValueType) -> ValueType:
    """Return the smallest type that holds the values of both."""
    if a == b:
        return a
    if a.name == "none" or b.name == "none":
        return (b if a.name == "none" else a).as_optional()
    optional = a.optional or b.optional
    a, b = replace(a, optional=False), replace(b, optional=False)
    if a.name == b.name == "literals":
        joined = literals_of(*dict.fromkeys(a.literals + b.literals))
    elif assignable(a, b):
        joined = a
    elif assignable(b, a):
        joined = b
    else:
        return ANY
    return joined.as_optional() if optional else joined


def assignable(target: ValueType, source: ValueType) -> bool:
    """Whether a value of type ``source`` may stand where ``target`` is declared.

    ``any`` and ``json`` are dynamic: they go both ways, except that they hold no stream, branch
    or effect unless the other side is ``any``.
    """
    if "any" in (target.name, source.name):
        return True
    if source.name == "none":
        return target.optional or target.name in ("none", "json")
    if source.optional and not target.optional and target.name != "json":
        return False
    match target.name, source.name:
        case ("json", other) | (other, "json"):
            return other not in ("stream", "branch", "group", "effect", "image", "video")
        case ("str", "literals") | ("number", "int") | ("list", "messages"):
            return True
        case "list", "group":
            return not target.args or target.args[0].name in ("any", "branch")
        case "literals", "literals":
            return set(source.literals) <= set(target.literals)
        case "record", "record":
            wanted, given = dict(target.fields), dict(source.fields)
            return wanted.keys() == given.keys() and all(
                assignable(wanted[key], given[key]) for key in wanted
            )
    if target.name != source.name:
        return False
    return not target.args or not source.args or assignable(target.args[0], source.args[0])


def overlaps(target: ValueType, source: ValueType) -> bool:
    """Whether a value of type ``source`` may turn out to be one of ``target``.

    Where a program has tested a value (``if x != none:``) it uses it as what the test has shown,
    and its type still says what it was.
    """
    if assignable(target.as_optional(), source) or assignable(source.as_optional(), target):
        return True
    match target.name, source.name:
        case "literals", "literals":
            return bool(set(source.literals) & set(target.literals))
        case "list", "list":
            return overlaps(target.args[0], source.args[0])
        case "record", "record":
            wanted, given = dict(target.fields), dict(source.fields)
            return wanted.keys() == given.keys() and all(
                overlaps(wanted[key], given[key]) for key in wanted
            )
    return False


def _escape(char: str) -> str:
    text = json.dumps(char)[1:-1]
    return text if text.startswith("\\") else f"\\u{ord(char):04x}"
