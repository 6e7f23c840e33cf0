"""Heads of prompts: the constant text and markers that the prompt of a model call begins with.

All prompts that a run can reach are looked at from where runs may start, called and included ones
with what they are included behind. Of arms counts what all of them have in common; the streams that
a loop carries count as gone on from. Whoever uses heads compares them with what a prompt turns out
to be: they are a guess that is nearly always right, not a promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Value
from sglc.compiler.ir.traits import (
    appends_text,
    changes_lineage,
    markup_of,
    role_step,
    starts_stream,
)
from sglc.compiler.ir.values import STREAM
from sglc.compiler.passes.base import Context
from sglc.compiler.plan.common import common_len
from sglc.compiler.plan.formatting import format_value
from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special, Text, alternating

MANY: Final = 2  # as good as any number above it
_MAX_VISITS: Final = 2_000  # of functions, each behind one head
_MAX_SEGMENTS: Final = 64  # of a head; what comes behind them is not looked at


@dataclass(frozen=True, slots=True)
class Head:
    """``segments`` from the start of a stream; with ``is_open`` they are all that there is.

    ``is_fresh``: no model call has gone on from the stream so far.
    """

    segments: tuple[Segment, ...] = ()
    is_open: bool = True
    is_fresh: bool = True

    def then(self, segment: Segment | None) -> Head:
        """Return the head of the version with one segment more; None for an unknown one."""
        if not self.is_open:
            return self
        if segment is None or len(self.segments) >= _MAX_SEGMENTS:
            return replace(self, is_open=False)
        return replace(self, segments=(*self.segments, segment))

    def asked(self) -> Head:
        """Return the head of the version that a model call gives."""
        return Head(self.segments, is_open=False, is_fresh=False)

    def merged(self) -> tuple[Segment, ...]:
        """Return the segments with texts one behind the other as one, and no empty ones."""
        found: list[Segment] = []
        for segment in self.segments:
            if isinstance(segment, Text) and found and isinstance(found[-1], Text):
                found[-1] = Text(found[-1].text + segment.text)
            elif segment != Text(""):
                found.append(segment)
        return tuple(found)


NOTHING: Final = Head((), is_open=False, is_fresh=False)


class Use(NamedTuple):
    """A model call, the head of its prompt, and how often a run may do it: 1 or ``MANY``."""

    function: str
    op: Op
    head: Head
    times: int


def uses(module: Module, context: Context) -> list[list[Use]]:
    """Return for each prompt where runs may start the model calls that such a run can reach.

    A call is there once for each head that its prompt may have; those that go on from another call
    are not, for they have its K/V.
    """
    asking = _asking(module)
    roots = [f for f in module.functions.values() if f.kind == "prompt" and f.name in asking]
    if context.roots is not None:
        roots = [function for function in roots if function.name in context.roots]
    found: list[list[Use]] = []
    num_visits = 0
    for function in roots:
        walk = _Walk(module, asking, _MAX_VISITS - num_visits)
        walk.enter(function.name, Head(), 1)
        found.append(walk.run())
        num_visits += len(walk.times)
    return found


def common(a: Sequence[Segment], b: Sequence[Segment]) -> tuple[Segment, ...]:
    """Return what two lists of merged segments have in common from their start."""
    found: list[Segment] = []
    for mine, other in zip(a, b, strict=False):
        if mine == other:
            found.append(mine)
            continue
        if isinstance(mine, Text) and isinstance(other, Text):
            length = common_len(mine.text, other.text)
            found += [Text(mine.text[:length])] * (length > 0)
        break
    return tuple(found)


def begins_with(segments: Sequence[Segment], start: Sequence[Segment]) -> bool:
    """Whether merged segments begin with others."""
    if not start:
        return True
    last = len(start) - 1
    if last >= len(segments) or tuple(segments[:last]) != tuple(start[:last]):
        return False
    mine, other = segments[last], start[last]
    if isinstance(mine, Text) and isinstance(other, Text):
        return mine.text.startswith(other.text)
    return mine == other


class _Walk:
    """Functions by the heads they are entered behind; each is walked again when it is met again."""

    def __init__(self, module: Module, asking: frozenset[str], max_visits: int) -> None:
        self.module = module
        self.asking = asking
        self.max_visits = max_visits
        self.todo: list[tuple[str, Head]] = []
        self.times: dict[tuple[str, Head], int] = {}
        self.found: dict[tuple[int, Head], Use] = {}

    def enter(self, name: str, head: Head, times: int) -> None:
        """A function may run behind a head, so many times more."""
        key = (name, head)
        known = self.times.get(key, 0)
        if name not in self.asking or known >= MANY:
            return
        if not known and len(self.times) >= self.max_visits:
            return
        self.times[key] = min(known + times, MANY)
        self.todo.append(key)

    def run(self) -> list[Use]:
        """Walk until nothing is new; return the calls met."""
        while self.todo:
            name, head = self.todo.pop()
            function = self.module.functions[name]
            _Body(self, function, head).region(function.body, self.times[name, head])
        return list(self.found.values())


class _Body:
    """One function behind one head."""

    def __init__(self, walk: _Walk, function: Function, head: Head) -> None:
        self.walk = walk
        self.function = function
        self.entry = function.entry_stream
        self.head = head
        self.heads: dict[Value, Head] = {}

    def of(self, operand: Operand) -> Head:
        return self.heads.get(operand, NOTHING) if isinstance(operand, Value) else NOTHING

    def region(self, region: Region, times: int) -> None:
        for op in region.ops:
            self.op(op, times)

    def op(self, op: Op, times: int) -> None:
        spec = op.spec
        streams = [value for value in op.results if value.type == STREAM]
        if op.regions:
            self.control(op, streams, times)
            return
        if starts_stream(op):
            self.heads[op.result] = self.head if op.result == self.entry else Head()
            return
        before = self.of(op.args[0]) if spec.reads_stream else Head()
        if spec.model and before.is_fresh:
            key = (id(op), before)
            known = self.walk.found.get(key)
            count = times if known is None else max(times, known.times)
            self.walk.found[key] = Use(self.function.name, op, before, count)
        elif spec.calls:
            self.walk.enter(op.symbol or "", before, times)
        if spec.writes_stream:
            asks = spec.model or op.symbol in self.walk.asking
            after = before.asked() if asks else before
            silent = asks or changes_lineage(op)
            for segment in () if silent else alternating(markup_of(op)) or (_appended(op),):
                after = after.then(segment)
            self.heads.update(dict.fromkeys(streams, after))

    def control(self, op: Op, streams: list[Value], times: int) -> None:
        spec = op.spec
        carried = [self.of(arg) for arg in op.args if _is_stream(arg)]
        for region in op.regions:
            params = [param for param in region.params if param.type == STREAM]
            for param, head in zip(params, carried, strict=False):
                self.heads[param] = head if spec.reads_stream else head.asked()
            self.region(region, MANY if _repeats(op, region) else times)
        for index, value in enumerate(op.results):
            if value in streams:
                self.heads[value] = self.result(op, index, carried, streams.index(value))

    def result(self, op: Op, index: int, carried: list[Head], number: int) -> Head:
        """The head of a stream that a control op gives: what all its regions give."""
        if op.spec.loop:
            return carried[number].asked() if number < len(carried) else NOTHING
        ends = [region.terminator for region in op.regions]
        given = [self.of(end.args[index]) for end in ends if index < len(end.args)]
        if not given or len(given) < len(ends):
            return NOTHING
        if all(head == given[0] for head in given):
            return given[0]
        found = given[0].merged()
        for head in given[1:]:
            found = common(found, head.merged())
        return Head(found, is_open=False, is_fresh=all(head.is_fresh for head in given))


def _appended(op: Op) -> Segment | None:
    """The segment that an op surely appends."""
    said = op.args[1] if len(op.args) > 1 else None
    if role_step(op):
        role = str(op.attrs["role"])
        return RoleBegin(role) if role_step(op) > 0 else RoleEnd(role)
    if not isinstance(said, Literal) or not op.spec.formats:
        return None
    text = format_value(said.value)
    return Text(text) if appends_text(op) else Special(text)


def _repeats(op: Op, region: Region) -> bool:
    """Whether a region may run more than once for one time of its op."""
    if op.spec.loop:
        return True
    chooses = op.spec.total or op.spec.region("case") is not None
    return not chooses and bool(op.args) and not region.case


def _is_stream(operand: Operand) -> bool:
    return isinstance(operand, Value) and operand.type == STREAM


def _asking(module: Module) -> frozenset[str]:
    """The functions that ask the model, or call one that does."""
    callers: dict[str, set[str]] = {}
    todo: list[str] = []
    for function, op in module.walk():
        if op.spec.model:
            todo.append(function.name)
        elif op.spec.calls and op.symbol is not None:
            callers.setdefault(op.symbol, set()).add(function.name)
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += callers.get(name, ())
    return frozenset(found)
