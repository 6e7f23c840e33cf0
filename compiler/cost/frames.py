"""Functions on abstract values: what may run, and what of it surely does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sglc.compiler.cost.calls import Calls, Evaluate
from sglc.compiler.cost.data_ops import bound_of, fresh, result_of
from sglc.compiler.cost.interval import ANY, ONE, Interval
from sglc.compiler.cost.tally import Figures, Place, Tally
from sglc.compiler.cost.values import (
    NONE,
    Abstract,
    Branch,
    Items,
    Known,
    Many,
    Number,
    Record,
    Stream,
    Text,
    Top,
    as_text,
    item_of,
    items_of,
    join,
    join_all,
    of_type,
    of_value_type,
    pure,
    size_of,
)
from sglc.compiler.cost.versions import Merge, Version
from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Value
from sglc.compiler.plan.data import DATA_OPS, equal, truth
from sglc.compiler.plan.plan import Loc
from sglc.constraints.types import MISSING

MAX_TURNS: Final = 32  # of a loop that are looked at one by one; those behind them as one
MAX_ITEMS: Final = 256
MAX_OPS: Final = 100_000  # then loops are looked at as wholes
_MAX_DEPTH: Final = 40


@dataclass(slots=True)
class Flow:
    """How a region may end: with values, by exits, or never."""

    values: list[Abstract] | None = None
    names: dict[str, Abstract] = field(default_factory=dict)
    exits: dict[str, list[Leave]] = field(default_factory=dict)

    def leave(self, kind: str, values: list[Abstract], names: dict[str, Abstract]) -> None:
        """Add an exit."""
        self.exits.setdefault(kind, []).append(Leave(values, names))

    def take(self, other: Flow, *, but: Sequence[str] = ()) -> None:
        """Add the exits of another flow."""
        for kind, found in other.exits.items():
            if kind not in but:
                self.exits.setdefault(kind, []).extend(found)


@dataclass(frozen=True, slots=True)
class Leave:
    """The values of an exit."""

    values: list[Abstract]
    names: dict[str, Abstract]


class World:
    """What all frames of one run share. ``fuel``: ops left to be looked at one by one."""

    def __init__(self, calls: Calls, evaluate: Evaluate) -> None:
        self.calls = calls
        self.module = calls.module
        self.evaluate = evaluate
        self.fuel = MAX_OPS
        self.tally = Tally()
        self.sure = True
        self.active: list[str] = []

    @contextmanager
    def apart(self, *, sure: bool = True) -> Iterator[Tally]:
        """Count into a tally of its own; unless ``sure``, nothing in it surely happens."""
        outer, was_sure = self.tally, self.sure
        self.tally = Tally()
        self.sure = self.sure and sure
        try:
            yield self.tally
        finally:
            self.tally, self.sure = outer, was_sure


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
                outer.include(_maybe(rest))

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
            flow: Flow = getattr(self, "_" + op.name, self._unknown)(op)
            if flow.values is not None:
                self._define(op.results, flow.values)
            return flow
        if "cond" in op.spec.exits:
            return self._cond(op)
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
        """The stream that an operand is."""
        value = self.value(operand)
        return value.version if isinstance(value, Stream) else Version()

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
            case "put" | "media":
                return [Stream(self.version(op.args[0]).put(self.value(op.args[1])))]
            case "role.begin":
                return [Stream(self.version(op.args[0]).append(RoleBegin(str(op.attrs["role"]))))]
            case "role.end":
                return [Stream(self.version(op.args[0]).append(RoleEnd(str(op.attrs["role"]))))]
            case "slice":
                return [self.version(op.args[1]).since(self.version(op.args[0]))]
            case "branch":
                fields = {key: self.value(arg) for key, arg in op.kwargs}
                return [Branch(fields, self.version(op.args[0]), self.version(op.args[1]))]
        return [of_value_type(result.type) for result in op.results]

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

    # ---- ops with regions

    def _arms(self, op: Op, regions: Sequence[Region], facts: Mapping[int, Any]) -> Flow:
        """One of several regions is taken."""
        if len(regions) == 1 and not op.attrs.get("spec"):
            return self.region(regions[0], [])
        world, flow = self.world, Flow()
        tallies: list[Tally] = []
        paid = []
        results: list[list[Abstract]] = []
        for number, region in enumerate(regions):
            with (
                world.apart(sure=False) as tally,
                world.calls.trie.arm() as mine,
                self._knowing(facts.get(number)),
            ):
                inner = self.region(region, [])
            tallies.append(tally)
            paid.append(mine)
            flow.take(inner)
            if inner.values is not None:
                results.append(inner.values)
        world.tally.one_of(tallies)
        for tally in tallies if op.attrs.get("spec") else ():  # some begin before it is decided
            world.tally.include(_maybe(tally))
        world.calls.trie.paid_by_all(paid)
        if results:
            flow.values = [join_all(list(each)) for each in zip(*results, strict=True)]
        return flow

    @contextmanager
    def _knowing(self, fact: tuple[Value, Abstract] | None) -> Iterator[None]:
        """Know more of a value for a while."""
        if fact is None:
            yield
            return
        value, known = fact
        before = self.env[value]
        self.env[value] = known
        yield
        self.env[value] = before

    def _if(self, op: Op) -> Flow:
        condition = self.value(op.args[0])
        do, other = (next(r for r in op.regions if r.label == label) for label in ("do", "else"))
        found = _truth(condition)
        if found is not None and not op.attrs.get("spec"):
            return self.region(do if found else other, [])
        return self._arms(op, [do, other], self._facts(op.args[0]))

    def _facts(self, condition: Operand) -> Mapping[int, Any]:
        """What ``len(x) <= n`` says of x in the first arm, ``len(x) > n`` in the second."""
        made = self.made.get(condition) if isinstance(condition, Value) else None
        if made is None or made.name != "cmp":
            return {}
        left, right = made.args
        length = self.made.get(left) if isinstance(left, Value) else None
        if length is None or length.attrs.get("fn") != "len":
            return {}
        text = length.args[0]
        most = bound_of(self.value(right)).hi
        found = self.value(text)
        if not isinstance(text, Value) or not isinstance(found, Text) or most == math.inf:
            return {}
        arm = {"<=": 0, "<": 0, ">": 1, ">=": 1}.get(str(made.attrs["op"]))
        if arm is None:
            return {}
        bound = max(most, 0) * 4
        return {arm: (text, Text(found.span.at_most(bound), found.max_tokens))}

    def _match(self, op: Op) -> Flow:
        value = self.value(op.args[0])
        options = value.options if hasattr(value, "options") else None
        if isinstance(value, Known):
            options = (value.value,)
        if options is None or op.attrs.get("spec"):
            return self._arms(op, list(op.regions), {})
        taken: list[Region] = []
        for option in options:
            for region in op.regions:
                if region.label == "else" or any(equal(option, case) for case in region.case):
                    if not any(region is other for other in taken):
                        taken.append(region)
                    break
        return self._arms(op, taken, {}) if taken else Flow()

    def _try(self, op: Op) -> Flow:
        body, otherwise = op.regions
        flow = Flow()
        fails = any(_may_fail(inner) for inner in body.ops)
        with self.world.apart(sure=not fails) as tally:
            first = self.region(body, [])
        self.world.tally.include(_maybe(tally) if fails else tally)
        flow.take(first)
        results = [] if first.values is None else [first.values]
        if fails:
            with self.world.apart(sure=False) as tally:
                second = self.region(otherwise, [])
            self.world.tally.include(_maybe(tally))
            flow.take(second)
            results += [] if second.values is None else [second.values]
        if results:
            flow.values = [join_all(list(each)) for each in zip(*results, strict=True)]
        return flow

    def _for(self, op: Op) -> Flow:
        source = self.value(op.args[0])
        carried = [self.value(arg) for arg in op.args[1:]]
        has_index = bool(op.attrs.get("index"))

        def lead(turn: int, last: bool) -> list[Abstract]:
            items = items_of(source)
            item = fresh(item_of(source)) if items is None or last else items[turn]
            index: Abstract = Number(turn, math.inf) if last else Known(turn)
            return [item, index] if has_index else [item]

        return self._loop(op, size_of(source), carried, lead)

    def _while(self, op: Op) -> Flow:
        limit = bound_of(self.value(op.args[0]))
        carried = [self.value(arg) for arg in op.args[1:]]
        return self._loop(op, Interval(max(limit.lo, 0), max(limit.hi, 0)), carried, lambda *_: [])

    def _loop(self, op: Op, turns: Interval, carried: list[Abstract], lead: Any) -> Flow:
        """Turns one by one, as long as that is not too many; then all others as one."""
        world, region, flow = self.world, op.regions[0], Flow()
        most = min(turns.hi, world.calls.settings.max_turns)
        ends: list[list[Abstract]] = []
        sure = True
        turn = 0
        while turn < most:
            is_certain = sure and turn < turns.lo
            if not is_certain:
                ends.append(carried)
            is_last = turn >= MAX_TURNS or (turn > 0 and world.fuel < 0)
            if is_last and not (
                is_certain and turns.is_exact and turn < MAX_ITEMS and world.fuel > 0
            ):
                widened = [_widen(value) for value in carried]
                with world.apart(sure=False) as tally:
                    inner = self.region(region, [*lead(turn, True), *widened])
                self.world.tally.include(tally, Interval(0, most - turn))
                self._after_turn(inner, flow, ends)
                ends.append(widened)
                carried = widened
                break
            with world.apart(sure=is_certain) as tally:
                inner = self.region(region, [*lead(turn, False), *carried])
            world.tally.include(tally if is_certain else _maybe(tally))
            begun = carried
            nexts = self._after_turn(inner, flow, ends, begun)
            if not nexts:
                carried = []
                break
            carried = [join_all(list(each)) for each in zip(*nexts, strict=True)]
            if inner.exits.keys() - {"continue"}:
                sure = False
            turn += 1
        else:
            ends.append(carried)
        if ends:
            flow.values = [join_all(list(each)) for each in zip(*ends, strict=True)]
        return flow

    def _after_turn(
        self, inner: Flow, flow: Flow, ends: list[list[Abstract]],
        begun: list[Abstract] | None = None,
    ) -> list[list[Abstract]]:  # fmt: skip
        """Take the exits of a turn; return the values that the next one may begin with."""
        flow.take(inner, but=("break", "continue", "cond"))
        ends += [leave.values for leave in inner.exits.get("break", [])]
        if "cond" in inner.exits and begun is not None:
            ends.append(begun)
        nexts = [leave.values for leave in inner.exits.get("continue", [])]
        return nexts if inner.values is None else [inner.values, *nexts]

    def _cond(self, op: Op) -> Flow | None:
        found = _truth(self.value(op.args[0]))
        if found is True:
            return None
        flow = Flow(values=[] if found is None else None)
        flow.leave("cond", [], {})
        return flow

    def _fork(self, op: Op) -> Flow:
        start = self.version(op.args[0])
        if len(op.args) == 1:
            fields: dict[str, Abstract] = {}
            for region in op.regions:
                fields[str(region.case[0])] = self._branch(region, start, [])
            return Flow(values=[Record(fields)])
        source = self.value(op.args[1])
        region = op.regions[0]
        has_index = len(region.params) == 3
        most = self.world.calls.settings.max_branches

        def one(item: Abstract, index: Abstract) -> Abstract:
            return self._branch(region, start, [item, index] if has_index else [item])

        return Flow(values=[self._many(source, one, is_group=True, most=most)])

    def _many(self, source: Abstract, one: Any, *, is_group: bool = False, most: float) -> Abstract:
        """A region for every item: one by one, or where there are too many, as copies of one."""
        world, size = self.world, size_of(source)
        size = Interval(min(size.lo, most), min(size.hi, most))
        items = items_of(source)
        limit = MAX_ITEMS if world.fuel > 0 else 1
        if items is not None and len(items) <= limit:
            made = [one(item, Known(index)) for index, item in enumerate(items)]
            return Items(tuple(made), is_group)
        found: list[Abstract] = []
        count = int(min(size.hi, 2))
        for number in range(count):
            is_certain = number < size.lo
            rest = ONE if number < count - 1 else Interval(
                max(size.lo - number, 0), max(size.hi - number, 0)
            )  # fmt: skip
            with world.apart(sure=is_certain) as tally:
                found.append(one(fresh(item_of(source)), Number(0, max(size.hi - 1, 0))))
            world.tally.include(tally, rest if is_certain else rest.maybe())
        item = join_all(found) if found else Top()
        return Many(size, item, is_group)

    def _branch(self, region: Region, start: Version, extra: list[Abstract]) -> Abstract:
        flow = self.region(region, [Stream(start), *extra])
        if not flow.values:
            return Branch({}, start, start)
        end = flow.values[0]
        return Branch(dict(flow.names), start, end.version if isinstance(end, Stream) else start)

    def _map(self, op: Op) -> Flow:
        def one(item: Abstract, index: Abstract) -> Abstract:
            flow = self.region(op.regions[0], [item])
            return flow.values[0] if flow.values else Top()

        most = self.world.calls.settings.max_turns
        return Flow(values=[self._many(self.value(op.args[0]), one, most=most)])

    def _filter(self, op: Op) -> Flow:
        kept: list[tuple[Abstract, bool | None]] = []

        def one(item: Abstract, index: Abstract) -> Abstract:
            flow = self.region(op.regions[0], [item])
            kept.append((item, _truth(flow.values[0]) if flow.values else None))
            return item

        source = self.value(op.args[0])
        self._many(source, one, most=self.world.calls.settings.max_turns)
        items = items_of(source)
        if items is not None and len(items) == len(kept) and all(k is not None for _, k in kept):
            found = [item for item, keep in kept if keep]
            if all(isinstance(item, Known) for item in found):
                return Flow(values=[Known([pure(item) for item in found])])
            return Flow(values=[Items(tuple(found))])
        return Flow(values=[Many(size_of(source).maybe(), item_of(source))])

    def _unknown(self, op: Op) -> Flow:
        """An op that this module does not know: each region may run, once."""
        flow = Flow()
        for region in op.regions:
            with self.world.apart(sure=False) as tally:
                flow.take(self.region(region, []))
            self.world.tally.include(_maybe(tally))
        flow.values = [of_value_type(result.type) for result in op.results]
        return flow


def place_of(op: Op) -> Place:
    """Where in the source an op stands."""
    span = op.span
    if span is None or isinstance(span, Loc):
        return span
    return Loc(span.file.name, span.line, span.column)


def _is_symbol(operand: Operand) -> bool:
    return not isinstance(operand, Value | Literal | tuple)


def _truth(value: Abstract) -> bool | None:
    match value:
        case Known(known):
            return truth(known)
        case Branch():
            return True
        case Items(items):
            return bool(items)
    return None


def _may_fail(op: Op) -> bool:
    if op.spec.total and not op.regions:
        return False
    return not (op.spec.terminator and op.name != "fail") or any(
        _may_fail(inner) for region in op.regions for inner in region.ops
    )


def _maybe(tally: Tally) -> Tally:
    found = Tally()
    found.include(tally, Interval(0, 1))
    return found


def _widen(value: Abstract) -> Abstract:
    """What a value may have become after any number of turns."""
    if isinstance(value, Stream):
        version = Version(called=None).put(Text(ANY))
        return Stream(version)
    return Top()


def _join_names(names: Sequence[Mapping[str, Abstract]]) -> dict[str, Abstract]:
    found = dict(names[0])
    for other in names[1:]:
        for key in found.keys() | other.keys():
            found[key] = join(found.get(key, NONE), other.get(key, NONE))
    return found
