"""Types of expressions as types of values in the graph."""

from __future__ import annotations

from sglc.compiler.frontend.static_types import BranchType, GroupType, StreamType
from sglc.compiler.ir.values import ANY, BRANCH, GROUP, STR, STREAM, ValueType, from_type, list_of
from sglc.constraints import types as t


def item_type(sequence: ValueType) -> ValueType:
    """Return the type of one element of a list, group or text."""
    if sequence.name in ("list", "group") and sequence.args:
        return BRANCH if sequence.name == "group" else sequence.args[0]
    return {"group": BRANCH, "str": STR}.get(sequence.name, ANY)


def value_type(type_: t.Type) -> ValueType:
    """Return the type of a value in the graph."""
    match type_:
        case StreamType():
            return STREAM
        case BranchType():
            return BRANCH
        case GroupType():
            return GROUP
        case t.List(item=BranchType()):
            return list_of(BRANCH)
    return from_type(type_)
