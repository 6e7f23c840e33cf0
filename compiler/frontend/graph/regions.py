"""Regions of a function and what the names mean in them.

A region hands back every name it writes, so that after an ``if`` or a loop a name is again one
value. ``Scope`` holds the current operand of every name; the stream, the last effect and the
probabilities of a select are names of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sglc.compiler.frontend.graph.emitter import Emitter, type_of
from sglc.compiler.frontend.graph.scan import EFFECT, LIST, PROBS, STREAM
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Value
from sglc.compiler.ir.values import EFFECT as EFFECT_TYPE
from sglc.compiler.ir.values import NONE, ValueType, join
from sglc.compiler.ir.values import STREAM as STREAM_TYPE
from sglc.compiler.plan.plan import Scalar
from sglc.compiler.source import Span

NOTHING = Literal(None)
Body = Callable[[], Sequence[Operand]]


@dataclass(frozen=True, slots=True)
class Arm:
    """One region of an op whose regions are alternatives. ``body`` writes it and returns what it
    yields in front of the written names."""

    label: str
    body: Body
    case: tuple[Scalar, ...] = ()


@dataclass
class Scope:
    """The names of one function while it is written."""

    emitter: Emitter
    names: dict[str, Operand] = field(default_factory=dict)
    loops: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def stream(self) -> Operand:
        return self.names[STREAM]

    def alternatives(
        self,
        op: str,
        args: Iterable[object],
        arms: Sequence[Arm],
        written: Sequence[str],
        *,
        extra: Sequence[tuple[str, ValueType]] = (),
        span: Span | None = None,
    ) -> tuple[Value, ...]:
        """Emit ``op`` with one region per arm and return the ``extra`` results.

        Every arm starts from the names as they are; afterwards each written name is what the arm
        that ran made of it. An arm that leaves (returns, breaks) yields nothing; when all do, the
        open region is closed too.
        """
        before = dict(self.names)
        regions: list[tuple[Arm, list[Op], Sequence[Operand] | None]] = []
        for arm in arms:
            self.names = dict(before)
            ops, yielded = self._write(arm.body)
            if yielded is not None:
                yielded = [*yielded, *(self.names.get(name, NOTHING) for name in written)]
            regions.append((arm, ops, yielded))
        self.names = before
        rows = [row for _, _, row in regions if row is not None]
        types = [_joined(row[i] for row in rows) for i in range(len(extra) + len(written))]
        hints = [hint for hint, _ in extra] + [_hint(name) for name in written]
        for i, (_, declared) in enumerate(extra):
            types[i] = declared if rows else types[i]
        for i, name in enumerate(written, start=len(extra)):
            types[i] = _SPECIAL.get(name, types[i])
        emitter = self.emitter
        results = emitter.emit(
            op,
            *args,
            results=list(zip(hints, types, strict=True)) if rows else [],
            regions=[
                Region(label=arm.label, case=arm.case, ops=_ended(ops, row, span))
                for arm, ops, row in regions
            ],
            span=span,
        )
        if not rows:
            emitter.emit("fail", "unreachable", span=span)
            return tuple(Value("unreachable", type_) for _, type_ in extra)
        for name, result in zip(written, results[len(extra) :], strict=True):
            self.names[name] = result
        return results[: len(extra)]

    def loop(
        self,
        op: str,
        args: Sequence[object],
        written: Sequence[str],
        body: Body,
        *,
        turn: Sequence[tuple[str, ValueType]] = (),
        attrs: dict[str, bool] | None = None,
        span: Span | None = None,
    ) -> None:
        """Emit a loop that carries the written names. ``turn`` are the names each turn sets anew.

        The type of a carried name is only known when the body is: it is written again until the
        types no longer grow.
        """
        before = dict(self.names)
        initial = [before.get(name, NOTHING) for name in written]
        types = [
            _SPECIAL.get(name, type_of(start)) for name, start in zip(written, initial, strict=True)
        ]
        mark = self.emitter.mark()
        while True:
            self.emitter.rewind(mark)
            params = [self.emitter.value(_hint(name), type_) for name, type_ in turn]
            carried = [
                self.emitter.value(_hint(name), type_)
                for name, type_ in zip(written, types, strict=True)
            ]
            self.names = dict(before)
            self.names |= zip((name for name, _ in turn), params, strict=True)
            self.names |= zip(written, carried, strict=True)
            self.loops.append(tuple(written))
            seen: list[list[ValueType]] = []
            ops, yielded = self._write(body, leaving=seen)
            self.loops.pop()
            row = None
            if yielded is not None:
                row = [self.names.get(name, NOTHING) for name in written]
                seen.append([type_of(operand) for operand in row])
            grown = [_grow(type_, [r[i] for r in seen]) for i, type_ in enumerate(types)]
            if grown == types:
                break
            types = grown
        self.names = before
        region = Region(label="body", params=(*params, *carried), ops=_ended(ops, row, span))
        results = self.emitter.emit(
            op,
            *args,
            *initial,
            results=[(_hint(name), type_) for name, type_ in zip(written, types, strict=True)],
            regions=[region],
            attrs=attrs or {},
            span=span,
        )
        self.names |= zip(written, results, strict=True)

    def region(
        self,
        label: str,
        params: Sequence[Value],
        body: Body,
        *,
        kwargs: Callable[[], dict[str, Operand]] | None = None,
        span: Span | None = None,
    ) -> Region:
        """Write a region whose names stay inside it; it yields what ``body`` returns."""
        before, loops = dict(self.names), self.loops
        self.loops = []
        outer, self.emitter.ops = self.emitter.ops, []
        values = body()
        if not self.emitter.is_closed:
            self.emitter.emit("yield", *values, kwargs=kwargs() if kwargs else {}, span=span)
        ops, self.emitter.ops = self.emitter.ops, outer
        self.names, self.loops = before, loops
        return Region(label=label, params=tuple(params), ops=tuple(ops))

    def leave(self, op: str, span: Span) -> None:
        """Emit ``break`` or ``continue`` with what the innermost loop carries."""
        self.emitter.emit(op, *(self.names.get(n, NOTHING) for n in self.loops[-1]), span=span)

    def _write(
        self, body: Body, leaving: list[list[ValueType]] | None = None
    ) -> tuple[list[Op], Sequence[Operand] | None]:
        """Write ops into a list of their own; None instead of what is yielded when they leave."""
        outer, self.emitter.ops = self.emitter.ops, []
        yielded: Sequence[Operand] | None = body()
        if self.emitter.is_closed:
            yielded = None
        ops, self.emitter.ops = self.emitter.ops, outer
        if leaving is not None:
            leaving.extend([type_of(arg) for arg in op.args] for op in _leavers(ops))
        return ops, yielded


_SPECIAL = {STREAM: STREAM_TYPE, EFFECT: EFFECT_TYPE}


def _leavers(ops: Iterable[Op]) -> Iterable[Op]:
    """The breaks and continues of this loop, not those of loops inside it."""
    for op in ops:
        if op.name in ("break", "continue"):
            yield op
        elif op.name not in ("for", "while"):
            for region in op.regions:
                yield from _leavers(region.ops)


def _ended(ops: list[Op], row: Sequence[Operand] | None, span: Span | None) -> tuple[Op, ...]:
    if row is None:
        return tuple(ops)
    return (*ops, Op(name="yield", args=tuple(row), span=span))


def _hint(name: str) -> str:
    """The value name that a name of the program suggests."""
    if name == STREAM:
        return "s"
    if name == EFFECT:
        return "e"
    if name.startswith(LIST):
        return "list"
    return name.removeprefix(PROBS) + "_probs" if name.startswith(PROBS) else name


def _joined(operands: Iterable[Operand]) -> ValueType:
    result: ValueType | None = None
    for operand in operands:
        type_ = type_of(operand)
        result = type_ if result is None else join(result, type_)
    return result or NONE


def _grow(type_: ValueType, others: Iterable[ValueType]) -> ValueType:
    if type_ in (STREAM_TYPE, EFFECT_TYPE):
        return type_
    for other in others:
        type_ = join(type_, other)
    return type_
