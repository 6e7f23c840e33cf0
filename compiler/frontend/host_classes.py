"""Classes of Python files as types: what their source says, where that is all there is to say.

Objects of these classes are records in a program; the executor makes them of records, and records
of them. A class that the source does not tell all about is the host's own: nothing is checked.
"""

from __future__ import annotations

import ast as python
from collections.abc import Callable
from typing import Any, Final

from sglc.constraints import types as t

TypeOf = Callable[[python.expr], t.Type]

_ANY: Final = t.AnyType()
_ENUMS: Final = frozenset({"Enum", "StrEnum"})
_FACTORIES: Final[dict[str, Any]] = {"list": [], "dict": {}, "tuple": [], "set": []}


def class_type(node: python.ClassDef, type_of: TypeOf) -> t.Type:
    """Return the type of a class's objects; ``type_of`` gives those of its annotations."""
    bases = [python.unparse(base).rpartition(".")[2] for base in node.bases]
    if node.keywords:
        return _ANY
    if _ENUMS.intersection(bases) and set(bases) <= {*_ENUMS, "str"}:
        return _enum(node)
    is_dataclass = not bases and any(_name(each) == "dataclass" for each in node.decorator_list)
    if bases not in (["TypedDict"], ["NamedTuple"], ["BaseModel"]) and not is_dataclass:
        return _ANY
    fields = []
    for item in node.body:
        match item:
            case python.AnnAssign(target=python.Name(id=name)) if name.startswith("_"):
                if is_dataclass and name != "_":
                    return _ANY  # a field, but no name of the language
            case python.AnnAssign(target=python.Name(id=name), annotation=hint, value=value):
                if python.unparse(hint).partition("[")[0].rpartition(".")[2] in (
                    "ClassVar",
                    "InitVar",
                ):
                    return _ANY
                default = _default(value)
                if default is None:
                    return _ANY
                fields.append(t.Field(name, type_of(hint), default[0]))
            case python.Assign() if bases == ["BaseModel"]:
                return _ANY  # its configuration may name the fields in another way
    return t.Record(tuple(fields))


def _enum(node: python.ClassDef) -> t.Type:
    values = []
    for item in node.body:
        match item:
            case python.Assign(value=python.Constant(value=str() as text)):
                values.append(text)
            case python.Assign():
                return _ANY
    options = tuple(t.Literal(text) for text in dict.fromkeys(values))
    return t.Union(options) if len(options) > 1 else options[0] if options else _ANY


def _default(value: python.expr | None) -> tuple[Any] | None:
    """The default of a field, MISSING if it has none; None if the source does not tell."""
    if value is None:
        return (t.MISSING,)
    if isinstance(value, python.Call):
        return _called(value)
    try:
        return (_plain(python.literal_eval(value)),)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _called(call: python.Call) -> tuple[Any] | None:
    """The default that ``field(…)`` or ``Field(…)`` gives."""
    if _name(call) not in ("field", "Field"):
        return None
    found: tuple[Any] = (t.MISSING,)
    for argument in call.args[:1]:
        if not (isinstance(argument, python.Constant) and argument.value is Ellipsis):
            return _default(argument)
    for keyword in call.keywords:
        match keyword:
            case python.keyword(arg="default"):
                return _default(keyword.value)
            case python.keyword(arg="default_factory", value=python.Name(id=name)):
                if name not in _FACTORIES:
                    return None
                found = (_FACTORIES[name],)
            case python.keyword(arg="alias" | "validation_alias" | "metadata" | "init" | None):
                return None
            case python.keyword(arg="default_factory"):
                return None
    return found


def _name(node: python.expr) -> str:
    """What a decorator or a call is called, without its module."""
    called = node.func if isinstance(node, python.Call) else node
    return python.unparse(called).rpartition(".")[2]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | set) else value
