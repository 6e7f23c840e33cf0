"""Nodes that end a block or leave it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from sglc.compiler.plan.data import format_value, truth
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.errors import OpError
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.regions import Exit

if TYPE_CHECKING:
    from sglc.runtime.executor.machine import Machine, Starter


def start_yield(machine: Machine, frame: Frame, node: NodeCode) -> None:
    frame.region.yielded(machine, frame, Exit("yield", frame, node.args, node.kwargs))
    machine.end(frame, node)


def start_exit(machine: Machine, frame: Frame, node: NodeCode) -> None:
    machine.leave(frame, node.index, Exit(node.op, frame, node.args, node.kwargs))
    machine.end(frame, node)


def start_cond(machine: Machine, frame: Frame, node: NodeCode) -> None:
    if truth(frame.values[node.args[0]]):
        machine.done(frame, node)
    else:
        machine.leave(frame, node.index, Exit("cond", frame, ()))
        machine.end(frame, node)


def start_check(machine: Machine, frame: Frame, node: NodeCode) -> None:
    if not truth(frame.values[node.args[0]]):
        raise OpError("check", _message(frame, node, 1, "the check failed"))
    machine.done(frame, node)


def start_fail(machine: Machine, frame: Frame, node: NodeCode) -> None:
    raise OpError("fail", _message(frame, node, 0, "the program failed"))


def _message(frame: Frame, node: NodeCode, position: int, default: str) -> str:
    if len(node.args) <= position:
        return default
    return format_value(frame.values[node.args[position]])


EXITS: Final[Mapping[str, Starter]] = {
    "break": start_exit,
    "check": start_check,
    "cond": start_cond,
    "continue": start_exit,
    "fail": start_fail,
    "return": start_exit,
    "yield": start_yield,
}
