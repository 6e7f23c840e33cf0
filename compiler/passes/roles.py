"""Chat roles as the text and the special tokens that a model's template writes for them.

The borders of a message depend on the role ahead and on whether anything stands before it, so the
roles of a function are rendered where both are known at each of them, and none of them otherwise:
a message behind one that is rendered would not know it. Nobody may look at the messages of the
function, or at a slice of its stream with a border inside, for what is rendered is plain text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Value
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import (
    changes_lineage,
    has_content,
    makes_branch,
    role_step,
    starts_stream,
)
from sglc.compiler.ir.values import MESSAGES, STREAM, ValueType
from sglc.compiler.passes.base import Context, Markup
from sglc.compiler.passes.facts import Definitions, Facts
from sglc.compiler.passes.report import Saved, change

State = tuple[str | None, bool] | None
"""The role ahead, and whether the stream has begun; None is anything at all."""
_DATA: Final = frozenset({"str", "int", "number", "bool", "json", "none", "literals", "messages"})


def render_roles(function: Function, facts: Facts, context: Context, name: str) -> Function:
    """Return a function without roles, or as it is where that cannot be."""
    roles = [op for op in function.walk() if role_step(op)]
    if not roles or function.name in facts.included or context.shows(function):
        return function
    if not _is_unseen(function, Definitions(function)):
        return function
    markup = context.markup(facts.module)
    if markup is None:
        return function
    states = _States(function).found
    rendered: dict[int, Op] = {}
    for op in roles:
        parts = _parts(op, states, markup)
        if parts is None:
            return function
        items = tuple(map(Literal, parts))
        rendered[id(op)] = replace(op, name="markup", args=(op.args[0], items), attrs={})
    for op in roles:
        made = rendered[id(op)]
        context.report(change(name, function.name, [op], write_op(op), write_op(made), Saved()))
    return function.with_body(_replaced(function.body, rendered))


def _replaced(region: Region, made: dict[int, Op]) -> Region:
    ops = []
    for op in region.ops:
        new = made.get(id(op), op)
        if op.regions:
            new = op.with_(regions=tuple(_replaced(inner, made) for inner in op.regions))
        ops.append(new)
    return replace(region, ops=tuple(ops))


def _parts(op: Op, states: dict[Value, set[State]], markup: Markup) -> tuple[str, ...] | None:
    """What is written for a border; None if that is not known, or differs from run to run."""
    role = str(op.attrs["role"])
    if role_step(op) < 0:
        return markup.closing(role)
    stream = op.args[0]
    before = states.get(stream, {None}) if isinstance(stream, Value) else {None}
    found = {
        None if state is None else markup.opening(role, state[0], has_begun=state[1])
        for state in before
    }
    return found.pop() if len(found) == 1 else None


def _is_unseen(function: Function, made: Definitions) -> bool:
    """Whether nothing in the function tells a border of a message from text."""
    has_branches = False
    for op in function.walk():
        if op.spec.results == (MESSAGES,) or (op.spec.calls and op.spec.writes_stream):
            return False
        if op.spec.reads_stream and len(op.spec.args) == 2 and op.spec.args[1].kind == "stream":
            if _has_border(op.args[0], op.args[1], made):
                return False
            has_branches = has_branches or makes_branch(op)
        if op.spec.reads_stream and op.regions:
            has_branches = True
            if any(role_step(inner) for region in op.regions for inner in _walk(region)):
                return False
    return not (has_branches and any(map(_hands_out, function.walk())))


def _walk(region: Region) -> Iterable[Op]:
    for op in region.ops:
        yield op
        for inner in op.regions:
            yield from _walk(inner)


def _has_border(start: Operand, end: Operand, made: Definitions) -> bool:
    """Whether a border of a message may stand between two versions of a stream."""
    while end != start:
        op = made.ops.get(end) if isinstance(end, Value) else None
        if op is None or op.regions or role_step(op) or not op.spec.writes_stream:
            return True
        end = op.args[0]
    return False


def _hands_out(op: Op) -> bool:
    """Whether the op may give a branch, whose stream has messages, to somebody else."""
    if not (op.spec.calls or op.spec.host or op.spec.exits == frozenset({"function"})):
        return False
    given = [arg for arg in op.args if not (isinstance(arg, Value) and arg.type == STREAM)]
    given += [arg for _, arg in op.kwargs]
    return any(_may_be_branch(arg) for arg in given)


def _may_be_branch(operand: Operand) -> bool:
    if isinstance(operand, tuple):
        return any(map(_may_be_branch, operand))
    return isinstance(operand, Value) and not _is_data(operand.type)


def _is_data(type_: ValueType) -> bool:
    """Whether values of this type surely hold no branch."""
    if type_.name == "list":
        return bool(type_.args) and all(map(_is_data, type_.args))
    if type_.name == "record":
        return bool(type_.fields) and all(_is_data(field) for _, field in type_.fields)
    return type_.name in _DATA


class _States:
    """What may stand ahead of each version of the streams of a function."""

    def __init__(self, function: Function) -> None:
        self.found: dict[Value, set[State]] = {}
        self._is_changed = True
        while self._is_changed:
            self._is_changed = False
            self._region(function.body, None, None)

    def _add(self, value: Value, states: Iterable[State]) -> None:
        known = self.found.setdefault(value, set())
        count = len(known)
        known.update(states)
        self._is_changed |= len(known) > count

    def _of(self, operand: Operand) -> set[State]:
        return self.found.get(operand, set()) if isinstance(operand, Value) else set()

    def _region(self, region: Region, owner: Op | None, loop: Op | None) -> None:
        for op in region.ops:
            if op.spec.terminator:
                self._terminator(op, owner, loop)
            elif op.regions:
                self._control(op, loop)
            else:
                self._plain(op)

    def _plain(self, op: Op) -> None:
        for value in op.results:
            if value.type != STREAM:
                continue
            if starts_stream(op):
                self._add(value, [(None, False)])
            elif role_step(op):
                self._add(value, [(str(op.attrs["role"]), True)])
            elif changes_lineage(op):
                self._add(value, self._of(op.args[0]))
            elif op.spec.writes_stream:
                before = self._of(op.args[0])
                if not has_content(op):
                    self._add(value, before)
                self._add(value, [(state[0], True) for state in before if state is not None])
            else:
                self._add(value, [None])  # of a branch

    def _control(self, op: Op, loop: Op | None) -> None:
        for region in op.regions:
            if op.spec.loop:
                for param, arg in zip(_carried(op), op.args[1:], strict=True):
                    self._add_all(param, [arg])
            elif op.spec.reads_stream:
                self._add_all(region.params[0], [op.args[0]])
            self._region(region, op, op if op.spec.loop else loop)
        if op.spec.loop:
            for value, param, arg in zip(op.results, _carried(op), op.args[1:], strict=True):
                self._add_all(value, [param, arg])

    def _add_all(self, value: Value, operands: Iterable[Operand]) -> None:
        if value.type == STREAM:
            for operand in operands:
                self._add(value, self._of(operand))

    def _terminator(self, op: Op, owner: Op | None, loop: Op | None) -> None:
        target = loop if op.spec.exits == frozenset({"loop"}) else None if op.spec.exits else owner
        if target is None or target.spec.results is not None:
            return
        for value, arg in zip(target.results, op.args, strict=True):
            self._add_all(value, [arg])
        for param, arg in zip(_carried(target) if target.spec.loop else (), op.args, strict=False):
            self._add_all(param, [arg])


def _carried(loop: Op) -> Sequence[Value]:
    """The parameters of a loop's region that hold what the turn before has made."""
    params = loop.regions[0].params
    return params[len(params) - len(loop.results) :]
