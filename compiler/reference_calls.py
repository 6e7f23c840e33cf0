"""What ops of the reference interpreter take and give, and how they go wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Op
from sglc.compiler.plan.arguments import filled
from sglc.compiler.plan.data import DataError
from sglc.constraints.types import MISSING


class Failure(Exception):
    """The program fails at ``op``: a check, an operation without a result, a tool."""

    def __init__(self, reason: str, op: Op | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.op = op


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; all but ``error`` is empty on an error.

    ``captures``: the named model outputs of the entry prompt, those of branches and calls aside, of
    several of one name the last; and what it returned by name.
    """

    value: Any = None
    captures: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    messages: list[dict[str, str]] = field(default_factory=list)
    error: Failure | None = None


class Leave(Exception):
    """A terminator other than ``yield``: it leaves regions until someone catches it."""

    def __init__(self, values: Sequence[Any], captures: Mapping[str, Any]) -> None:
        self.values = values
        self.captures = captures


class Break(Leave):
    pass


class Continue(Leave):
    pass


class Return(Leave):
    pass


class CondFalse(Exception):
    """A ``cond`` that does not hold: it leaves the loop."""


def bind(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments by name, defaults filled in."""
    names = [param.name for param in function.params]
    given = dict(zip(names, args, strict=False)) | dict(kwargs)
    for param in function.params:
        if param.default is not MISSING:
            given.setdefault(param.name, param.default)
    if given.keys() != set(names) or len(args) > len(names):
        raise TypeError(f"@{function.name} takes {', '.join(names)}, not {', '.join(given)}")
    return {param.name: filled(param.type, given[param.name]) for param in function.params}


def has_result(function: Function) -> bool:
    """Whether the value is ``result``, and not the record of what is returned by name."""
    return function.result is not None or function.kind == "fn"


def effect_of(op: Op) -> list[Any]:
    """Return the effect that a call gives first, if it takes part in the chain."""
    return [None] if op.has_effect else []


def items_of(value: Any) -> Sequence[Any]:
    """Return the elements of a list.

    Raises:
        DataError: the value is none.
    """
    if not isinstance(value, list | tuple):
        raise DataError("only a list has elements to go through")
    return value
