"""Arguments of a function: checked against its parameters before anything is run.

A value that comes from JSON or from a command line has no type of its own; these functions say
whether it fits a parameter, fill in the defaults and report every mistake at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sglc.compiler.plan.plan import Function, Parameter
from sglc.constraints import types as t


class ArgumentError(ValueError):
    """The arguments do not fit the parameters; ``problems`` has one line for each mistake."""

    def __init__(self, function: str, problems: list[str]) -> None:
        super().__init__(f"{function}: " + "; ".join(problems))
        self.function = function
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.function, [*self.problems])


def bind_arguments(
    function: Function, arguments: Mapping[str, Any], *, are_checked: bool = False
) -> dict[str, Any]:
    """Return the value of every parameter by name, defaults filled in.

    ``are_checked``: values were found to be of their types before, and are not looked at again.

    Raises:
        ArgumentError: a parameter is missing, unknown, or given a value of another type.
    """
    problems: list[str] = []
    bound: dict[str, Any] = {}
    names = [parameter.name for parameter in function.params]
    for name in arguments:
        if name not in names:
            has = f"it has {', '.join(names)}" if names else "it has none"
            problems.append(f"no parameter `{name}` ({has})")
    for parameter in function.params:
        if parameter.name in arguments:
            value = arguments[parameter.name]
            reason = None if are_checked else mismatch(parameter.type, value)
            if reason is not None:
                problems.append(f"`{parameter.name}` {reason}")
            bound[parameter.name] = filled(parameter.type, value)
        elif parameter.has_default:
            bound[parameter.name] = parameter.default
        else:
            problems.append(f"`{parameter.name}` ({parameter.type}) is missing")
    if problems:
        raise ArgumentError(function.name, problems)
    return bound


def filled(type_: t.Type, value: Any) -> Any:
    """Return a value with tuples as lists, and records with the defaults of fields they lack.

    Nothing else changes; whether the value is of the type is not checked.
    """
    match type_:
        case t.Optional(inner=inner) if value is not None:
            return filled(inner, value)
        case t.List(item=item) if isinstance(value, list | tuple):
            return [filled(item, each) for each in value]
        case t.Record(fields=fields) if isinstance(value, Mapping):
            types = {field.name: field.type for field in fields}
            given = {k: filled(types[k], v) if k in types else v for k, v in value.items()}
            lacking = {f.name: f.default for f in fields if f.default is not t.MISSING}
            return lacking | given
        case t.Union(options=options) if isinstance(value, list | tuple | Mapping):
            option = next((each for each in options if mismatch(each, value) is None), t.AnyType())
            return filled(option, value)
        case t.AnyType() | t.Json():
            return _plain(value)
    return value


def parse_argument(parameter: Parameter, text: str) -> Any:
    """Read a command-line word as a value of the parameter's type; lists and records are JSON.

    Raises:
        ValueError: the text is no such value; the message tells what is.
    """
    value = _read(parameter.type, text)
    reason = mismatch(parameter.type, value)
    if reason is not None:
        raise ValueError(reason)
    return value


def mismatch(type_: t.Type, value: Any) -> str | None:
    """Return why ``value`` is not of ``type_`` in words that follow the name, or None if it is."""
    reason = _mismatch(type_, value)
    return None if reason is None else f"must be {type_}: {reason}"


def _read(type_: t.Type, text: str) -> Any:
    match type_:
        case t.Optional(inner=inner):
            return None if text == "none" else _read(inner, text)
        case t.Int():
            return _number(int, text)
        case t.Number():
            return _number(float, text)
        case t.Bool():
            if text not in {"true", "false"}:
                raise ValueError(f"must be true or false, not {text!r}")
            return text == "true"
        case t.List() | t.Record() | t.Json():
            try:
                return json.loads(text)
            except json.JSONDecodeError as error:
                raise ValueError(f"must be {type_} written as JSON: {error}") from None
        case t.Union(options=options):
            for option in options:
                try:
                    value = _read(option, text)
                except ValueError:
                    continue
                if _mismatch(option, value) is None:
                    return value
            return text
    return text


def _number(kind: type[int] | type[float], text: str) -> int | float:
    try:
        value = kind(text)
    except ValueError:
        word = "an integer" if kind is int else "a number"
        raise ValueError(f"must be {word}, not {text!r}") from None
    return int(value) if kind is float and value == int(value) and "." not in text else value


def _mismatch(type_: t.Type, value: Any) -> str | None:
    match type_:
        case t.AnyType() | t.OneOf():
            return None
        case t.NoneType():
            return None if value is None else f"not {_name(value)}"
        case t.Optional(inner=inner):
            return None if value is None else _mismatch(inner, value)
        case t.Bool():
            return None if isinstance(value, bool) else f"not {_name(value)}"
        case t.Int(lo=lo, hi=hi):
            if isinstance(value, bool) or not isinstance(value, int):
                return f"not {_name(value)}"
            below, above = lo is not None and value < lo, hi is not None and value > hi
            return f"{value} is out of range" if below or above else None
        case t.Number():
            if isinstance(value, bool) or not isinstance(value, int | float):
                return f"not {_name(value)}"
            return None if abs(value) < float("inf") else "not a finite number"
        case t.Union(options=options):
            if any(_mismatch(option, value) is None for option in options):
                return None
            return (
                f"not {json.dumps(value, ensure_ascii=False)}"
                if isinstance(value, str)
                else (f"not {_name(value)}")
            )
        case t.List(item=item, min=low, max=high):
            return _list_mismatch(item, low, high, value)
        case t.Record():
            return _record_mismatch(type_, value)
        case t.Json():
            return _json_mismatch(value)
        case t.Image() | t.Video():
            return None if isinstance(value, str | bytes) else f"not {_name(value)}"
    return _text_mismatch(type_, value)


def _text_mismatch(type_: t.Type, value: Any) -> str | None:
    if not isinstance(value, str):
        return f"not {_name(value)}"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "half a surrogate pair is not text"
    if isinstance(type_, t.Str) and type_ == t.Str():
        return None
    from sglc.constraints.language import parse

    try:
        parse(type_, value)
    except ValueError as error:
        return str(error)
    return None


def _list_mismatch(item: t.Type, low: int, high: int | None, value: Any) -> str | None:
    if not isinstance(value, list | tuple):
        return f"not {_name(value)}"
    if len(value) < low or (high is not None and len(value) > high):
        return f"{len(value)} items"
    for index, element in enumerate(value):
        reason = _mismatch(item, element)
        if reason is not None:
            return f"item {index}: {reason}"
    return None


def _record_mismatch(type_: t.Record, value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"not {_name(value)}"
    for field in type_.fields:
        if field.name not in value:
            if field.default is t.MISSING:
                return f"field `{field.name}` is missing"
            continue
        reason = _mismatch(field.type, value[field.name])
        if reason is not None:
            return f"field `{field.name}`: {reason}"
    known = {field.name for field in type_.fields}
    extra = [str(name) for name in value if name not in known]
    return f"unknown field `{extra[0]}`" if extra else None


def _json_mismatch(value: Any) -> str | None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        return str(error)
    return None


def _name(value: Any) -> str:
    names = {str: "a text", bool: "a truth value", int: "an integer", float: "a number"}
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "a record"
    return names.get(type(value), type(value).__name__)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value
