"""K/V liveness: what is kept of streams that nothing goes on from.

What a model op writes on a private version (``privacy.py``) is of no use to anybody once its chain
of calls has ended: ``insert = false`` lets the cache do without it, so that it takes no room from
what may be met again. The prompt before the first of these calls is cached as ever.

A version that the next call was to go on from may turn out not to be needed, in an arm that does
without it or behind the last turn of a loop: ``release %v`` lets its stream go there, rather than
when the run ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import ClassVar, Final, NamedTuple

from sglc.compiler.ir.graph import Function, Module, free_values
from sglc.compiler.ir.op import Op, Operand, Region, Value
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import releases, warms
from sglc.compiler.ir.values import STREAM
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.continuation import Continuations
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.handing import handed_on
from sglc.compiler.passes.privacy import Privacy
from sglc.compiler.passes.report import Change, Saved, change

Versions = frozenset[Value]


class _Loop(NamedTuple):
    """The loop around: which of its carried values are needed, and what else is behind a turn."""

    carried: Sequence[bool] = ()
    after: Versions = Versions()


_NOTHING: Final = Versions()
_NO_LOOP: Final = _Loop()


@dataclass(frozen=True)
class KeyValues(Pass):
    """Keep no K/V that nothing goes on from."""

    name: ClassVar[str] = "kv"

    def run(self, module: Module, context: Context) -> Module:
        facts = Facts(module)
        continuations = Continuations(module, facts)
        made = {
            name: _Keeping(function, facts, continuations, context).function()
            for name, function in module.functions.items()
        }
        return replace(module, functions=made)


class _Keeping:
    """The work on one function, from its end to its begin.

    ``held`` are the versions that may have a stream of the backend kept for them, ``origins`` where
    a version comes from: versions of one origin may have the same.
    """

    def __init__(
        self, function: Function, facts: Facts, continuations: Continuations, context: Context
    ) -> None:
        self.source = function
        self.privacy = Privacy(function, facts, continuations)
        self.continuations = continuations
        self.context = context
        self.held: set[Value] = set()
        self.origins: dict[Value, Value] = {}
        self.released = {v for op in function.walk() if releases(op) for v in op.inputs()}
        self.goes_on = function.name in facts.included  # in the prompts that include it
        self.records: list[Change] = []
        self.find_held(function.body)

    def function(self) -> Function:
        body, _ = self.region(self.source.body, (), _NOTHING, _NO_LOOP)
        for record in reversed(self.records):
            self.context.report(record)
        if not self.records:
            return self.source
        return self.source.with_body(body)

    def report(self, op: Op, after: str) -> None:
        record = change(KeyValues.name, self.source.name, [op], write_op(op), after, Saved())
        self.records.append(record)

    # ---- forward: which versions may be held

    def find_held(self, region: Region) -> None:
        for op in region.ops:
            if op.regions:
                self.enter(op)
                for inner in op.regions:
                    self.find_held(inner)
                self.leave(op)
            elif op.spec.writes_stream:
                self.write(op)
            elif warms(op):
                self.held.update(op.inputs())

    def write(self, op: Op) -> None:
        for made in op.results:
            if made.type == STREAM:
                before = op.args[0]
                is_asked = op.spec.model or op.spec.calls
                self.origins[made] = made if is_asked else self.origin(before, made)
                if op.spec.calls or (op.attrs.get("hold") if is_asked else before in self.held):
                    self.held.add(made)

    def origin(self, version: Operand, default: Value) -> Value:
        return self.origins.get(version, version) if isinstance(version, Value) else default

    def enter(self, op: Op) -> None:
        if op.spec.reads_stream:
            for region in op.regions:
                self.origins[region.params[0]] = self.origin(op.args[0], region.params[0])
                if op.args[0] in self.held:
                    self.held.add(region.params[0])
        elif op.spec.loop:
            self.held.update(p for p in op.regions[0].params if p.type == STREAM)

    def leave(self, op: Op) -> None:
        if op.spec.results is None:
            for index, value in enumerate(op.results):
                if value.type == STREAM and self.held.intersection(handed_on(op, index)):
                    self.held.add(value)

    # ---- backward: which versions the model still goes on from

    def region(
        self, region: Region, yields: Sequence[bool], after: Versions, loop: _Loop
    ) -> tuple[Region, Versions]:
        """Write a region; return it, and the versions needed where it begins.

        ``yields`` says of each place of its ``yield`` whether what is handed on there is needed,
        ``after`` which versions from around are needed behind the region.
        """
        needed = self.end(region.terminator, yields, after, loop)
        made = [region.terminator]
        released = _released(region)
        for op in reversed(region.ops[:-1]):
            if op.regions:
                op, needed, gone = self.control(op, needed, loop)
                made += [_release(op, value) for value in gone if value not in released]
            else:
                op, needed = self.plain(op, needed)
            made.append(op)
        made.reverse()
        return replace(region, ops=tuple(made)), needed

    def end(self, op: Op, yields: Sequence[bool], after: Versions, loop: _Loop) -> Versions:
        if op.spec.exits == frozenset({"loop"}):
            return loop.after | _streams(compress(op.args, loop.carried))
        if op.spec.exits:  # of the function, or because something fails
            return frozenset(filter(self.leads_on, _streams(op.args))) if self.goes_on else _NOTHING
        return after | _streams(compress(op.args, yields))

    def leads_on(self, version: Value) -> bool:
        return self.continuations.leads_on(self.source, version)

    def plain(self, op: Op, needed: Versions) -> tuple[Op, Versions]:
        before = needed.difference(op.results)
        is_asked = op.spec.model or (op.spec.calls and op.spec.writes_stream)
        if is_asked or (op.spec.writes_stream and len(before) < len(needed)):
            before |= _streams(op.args[:1])
        if "insert" in op.attrs:
            return op, before
        if op.spec.model and self.is_dropped(op):
            self.report(op, "what it writes does not go into the cache")
            op = op.with_(attrs={**op.attrs, "insert": False})
        elif warms(op) and all(map(self.privacy.is_private, op.inputs())):
            self.report(op, "as the call whose stream it goes on in")
            op = op.with_(attrs={**op.attrs, "insert": False})
        return op, before

    def is_dropped(self, op: Op) -> bool:
        """Whether nobody finds in the cache what an op writes; who goes on has its stream."""
        has_stream = bool(op.attrs.get("hold")) or not self.continuations.goes_on(op)
        return has_stream and self.privacy.is_private(op.results[0])

    def control(self, op: Op, needed: Versions, loop: _Loop) -> tuple[Op, Versions, list[Value]]:
        """Write a control op; the versions are released behind it."""
        after = needed.difference(op.results)
        if op.spec.loop:
            return self.loop(op, needed, after)
        if op.spec.results is not None:  # regions that all run, for a fork or a map
            found = [self.region(inner, (), after, _NO_LOOP) for inner in op.regions]
            before = after.union(*(live for _, live in found))
            params = {param for inner in op.regions for param in inner.params}
            if not params.isdisjoint(before):
                before |= _streams(op.args[:1])
            made = op.with_(regions=tuple(inner for inner, _ in found))
            return made, before - params, []
        yields = [value in needed for value in op.results]
        found = [self.region(inner, yields, after, loop) for inner in op.regions]
        before = _NOTHING.union(*(live for _, live in found))
        regions = [self.let_go(op, inner, before - live, live) for inner, live in found]
        return op.with_(regions=tuple(regions)), before | after, []

    def let_go(self, op: Op, region: Region, gone: Versions, kept: Versions) -> Region:
        """Release in an arm what other arms go on from."""
        in_use = {self.origins.get(version, version) for version in kept}
        released = _released(region)
        made = []
        for version in sorted(gone & self.held, key=lambda value: value.name):
            origin = self.origins.get(version, version)
            if origin not in in_use and version not in released:
                in_use.add(origin)
                made.append(_release(op, version))
                self.report(op, write_op(made[-1]))
        return replace(region, ops=(*made, *region.ops)) if made else region

    def loop(self, op: Op, needed: Versions, after: Versions) -> tuple[Op, Versions, list[Value]]:
        (body,) = op.regions
        params = body.params[len(body.params) - len(op.results) :]
        goes_on = [param.type == STREAM and self.leads_on(param) for param in params]
        carried = [on or value in needed for on, value in zip(goes_on, op.results, strict=True)]
        again = frozenset(v for v in free_values(body) if v.type == STREAM and self.leads_on(v))
        region, live = self.region(body, carried, after | again, _Loop(carried, after | again))
        before = (live | after | _streams(compress(op.args[1:], carried))).difference(body.params)
        made = op.with_(regions=(region,))
        gone = [
            value
            for value, on in zip(op.results, goes_on, strict=True)
            if on and value not in needed and value in self.held
        ]
        for value in gone:
            if value not in self.released:
                self.report(op, write_op(_release(op, value)))
        return made, before, gone


def _release(op: Op, version: Value) -> Op:
    return Op(name="release", args=(version,), span=op.span, origins=op.origins)


def _released(region: Region) -> set[Value]:
    return {value for op in region.ops if releases(op) for value in op.inputs()}


def _streams(operands: Iterable[Operand]) -> Versions:
    return frozenset(op for op in operands if isinstance(op, Value) and op.type == STREAM)
