"""Functions on abstract values: what may run, and what of it surely does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sglc.compiler.cost.control import Control
from sglc.compiler.cost.data_ops import result_of
from sglc.compiler.cost.flows import Flow, World, maybe
from sglc.compiler.cost.interval import ONE
from sglc.compiler.cost.tally import Figures, Place, Tally
from sglc.compiler.cost.values import (
    NONE,
    Abstract,
    Branch,
    Items,
    Known,
    Record,
    Stream,
    Text,
    Top,
    as_text,
    items_of,
    join,
    join_all,
    of_type,
    of_value_type,
    pure,
)
from sglc.compiler.cost.versions import Merge, Version
from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Value
from sglc.compiler.plan.data import DATA_OPS
from sglc.compiler.plan.plan import Loc
from sglc.constraints.types import MISSING

_MAX_DEPTH: Final = 40


class Frame:
    """One call of a function on abstract arguments."""

    def __init__(
        self, world: World, function: Function, arguments: Mapping[str, Abstract], entry: Version
    ) -> None:
        self.world = world
        self.function = function
        self.entry = entry
        self.entry_value = function.entry_stream
        self.env: dict[Value, Abstract] = {
            param.value: arguments.get(param.name, NONE) for param in function.params
        }
        self.made: dict[Value, Op] = {}
        self.control = Control(self)

    def run(self) -> tuple[Version, dict[str, Abstract]]:
        """Return the stream and what is returned by name."""
        flow = self.region(self.function.body, [])
        leaves = flow.exits.get("return", [])
        if not leaves:  # it always fails
            return Version(), {"result": Top()}
        version = self.entry
        streams = [leave.values[0] for leave in leaves if leave.values]
        if streams:
            stream = join_all(streams)
            version = stream.version if isinstance(stream, Stream) else Version()
        return version, _join_names([leave.names for leave in leaves])

    # ---- regions

    def region(self, region: Region, params: Sequence[Abstract]) -> Flow:
        """Look at a region; what follows an op that may leave it is not sure."""
        world = self.world
        self._define(region.params, params)
        flow = Flow()
        outer, was_sure = world.tally, world.sure
        rests: list[Tally] = []
        try:
            for op in region.ops:
                world.fuel -= 1
                if op.spec.terminator:
                    self._end(op, flow)
                    return flow
                inner = self._op(op)
                if inner is None:
                    continue
                flow.take(inner)
                if inner.values is None:
                    return flow
                if inner.exits and world.tally is outer:
                    world.tally = Tally()
                    world.sure = False
                    rests.append(world.tally)
            return flow
        finally:
            world.tally, world.sure = outer, was_sure
            for rest in rests:
                outer.include(maybe(rest))

    def _end(self, op: Op, flow: Flow) -> None:
        values = [self.value(arg) for arg in op.args]
        names = {key: self.value(arg) for key, arg in op.kwargs}
        match op.name:
            case "yield":
                flow.values, flow.names = values, names
            case "fail":
                pass
            case _:
                flow.leave(op.name, values, names)

    def _op(self, op: Op) -> Flow | None:
        """Look at an op and bind its results; a flow if it has regions or may leave."""
        for result in op.results:
            self.made[result] = op
        if op.spec.regions:
            flow = self.control.run(op)
            if flow.values is not None:
                self._define(op.results, flow.values)
            return flow
        if "cond" in op.spec.exits:
            return self.control.leave(op)
        if op.name == "warm":
            version = self.version(op.args[0])
            self.world.calls.warm(place_of(op), version, self.world.tally)
        if not op.results:
            return None
        self._define(op.results, self._results(op))
        return None

    def _define(self, names: Sequence[Value], values: Sequence[Abstract]) -> None:
        """Bind values. A merge is cut into symbols here: before those that are made of it."""
        for name, value in zip(names, values, strict=False):
            self.env[name] = value
            version = value.version if isinstance(value, Stream) else None
            if isinstance(value, Branch):
                version = value.end
            if version is not None and isinstance(version.segment, Merge):
                self.world.calls.meter.walk(version)
                self.world.calls.trie.own_merge(version.segment)

    def value(self, operand: Operand) -> Abstract:
        """What is known of an operand."""
        match operand:
            case Value():
                return self.env.get(operand, Top())
            case Literal(value):
                return Known(value)
            case tuple():
                items = [self.value(item) for item in operand]
                if all(isinstance(item, Known) for item in items):
                    return Known([pure(item) for item in items])
                return Items(tuple(items))
        return NONE

    def version(self, operand: Operand) -> Version:
        """The stream that an operand is; one that is not known may hold any text."""
        value = self.value(operand)
        return value.version if isinstance(value, Stream) else Version().put(Text())

    # ---- ops without regions

    def _results(self, op: Op) -> Sequence[Abstract]:
        if op.name in DATA_OPS:
            args = [self.value(arg) for arg in op.args]
            kwargs = {key: self.value(arg) for key, arg in op.kwargs}
            return [result_of(op, args, kwargs)]
        if op.spec.model:
            return self._model(op)
        if op.spec.calls:
            return self._call(op)
        if op.spec.host:
            return self._tool(op)
        return self._stream_op(op)

    def _model(self, op: Op) -> Sequence[Abstract]:
        world, version = self.world, self.version(op.args[0])
        place, sure, tally = place_of(op), world.sure, world.tally
        if op.spec.site:
            kwargs = {key: self.value(arg) for key, arg in op.kwargs}
            after, value = world.calls.gen(op, place, version, kwargs, sure=sure, tally=tally)
            return [Stream(after), value]
        choices = self.value(op.args[1])
        after, winner, shares = world.calls.select(
            op, place, version, choices, sure=sure, tally=tally
        )
        return [Stream(after), winner, shares]

    def _tool(self, op: Op) -> Sequence[Abstract]:
        once = Figures(tools=ONE)
        self.world.tally.add(place_of(op), once, once)
        result = of_type(self.world.module.tools[op.symbol or ""].result)
        return [*([NONE] if op.has_effect else []), result]

    def _stream_op(self, op: Op) -> Sequence[Abstract]:
        from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Special

        match op.name:
            case "stream":
                return [Stream(self.entry if op.results[0] == self.entry_value else Version())]
            case "put" if op.attrs.get("special"):
                name = as_text(self.value(op.args[1]))
                version = self.version(op.args[0])
                said = Special(name.value) if isinstance(name, Known) else None
                return [Stream(version.put(name) if said is None else version.append(said))]
            case "markup":
                return [Stream(self._marked(self.version(op.args[0]), self.value(op.args[1])))]
            case "put" | "media":
                return [Stream(self.version(op.args[0]).put(self.value(op.args[1])))]
            case "child":
                return [Stream(self.version(op.args[0]))]
            case "role.begin":
                return [Stream(self.version(op.args[0]).append(RoleBegin(str(op.attrs["role"]))))]
            case "role.end":
                return [Stream(self.version(op.args[0]).append(RoleEnd(str(op.attrs["role"]))))]
            case "slice":
                return [self.version(op.args[1]).since(self.version(op.args[0]))]
            case "branch":
                fields = {key: self.value(arg) for key, arg in op.kwargs}
                return [Branch(fields, self.version(op.args[0]), self.version(op.args[1]))]
        if op.spec.writes_stream:  # in a way that is not known here
            after: Abstract = Stream(self.version(op.args[0]).put(Text()))
            return [after, *(of_value_type(result.type) for result in op.results[1:])]
        return [of_value_type(result.type) for result in op.results]

    def _marked(self, version: Version, items: Abstract) -> Version:
        """Append texts and special tokens in turn."""
        from sglc.compiler.plan.segments import Special

        found = items_of(items)
        if found is None:
            return version.put(Text())
        for number, item in enumerate(found):
            if number % 2 and isinstance(item, Known):
                version = version.append(Special(item.value))
            else:
                version = version.put(item)
        return version

    def _call(self, op: Op) -> Sequence[Abstract]:
        world = self.world
        callee = world.module.functions[op.symbol or ""]
        args = [self.value(arg) for arg in op.args[op.spec.writes_stream :] if not _is_symbol(arg)]
        kwargs = {key: self.value(arg) for key, arg in op.kwargs if key != "after"}
        effect = [NONE] if op.has_effect else []
        given: dict[str, Abstract] = {
            p.name: Known(p.default) for p in callee.params if p.default is not MISSING
        }
        given |= dict(zip((param.name for param in callee.params), args, strict=False)) | kwargs
        result_type = callee.result
        if callee.kind == "fn":
            value = self._evaluated(callee, given)
            if value is not None:
                return [*effect, value]
        too_deep = world.active.count(callee.name) > 1 or len(world.active) > _MAX_DEPTH
        if too_deep or (callee.kind == "fn" and world.fuel < 0):
            return [*effect, Top() if result_type is None else of_type(result_type)]
        entry = self.version(op.args[0]) if op.spec.writes_stream else Version()
        world.active.append(callee.name)
        version, names = Frame(world, callee, given, entry).run()
        world.active.pop()
        value = names.get("result", Top()) if result_type is not None else Record(names)
        if callee.kind == "fn":
            value = names.get("result", Top())
        stream = [Stream(version)] if op.spec.writes_stream else []
        return [*effect, *stream, value]

    def _evaluated(self, callee: Function, given: Mapping[str, Abstract]) -> Abstract | None:
        try:
            arguments = {name: pure(value) for name, value in given.items()}
            return Known(self.world.evaluate(self.world.module, callee.name, arguments))
        except LookupError:
            return None


def place_of(op: Op) -> Place:
    """Where in the source an op stands."""
    span = op.span
    if span is None or isinstance(span, Loc):
        return span
    return Loc(span.file.name, span.line, span.column)


def _is_symbol(operand: Operand) -> bool:
    return not isinstance(operand, Value | Literal | tuple)


def _join_names(names: Sequence[Mapping[str, Abstract]]) -> dict[str, Abstract]:
    found = dict(names[0])
    for other in names[1:]:
        for key in found.keys() | other.keys():
            found[key] = join(found.get(key, NONE), other.get(key, NONE))
    return found
