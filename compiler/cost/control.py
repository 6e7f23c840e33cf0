"""Ops with regions on abstract values: which regions may run, how often, and what surely does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.cost.data_ops import bound_of, fresh
from sglc.compiler.cost.flows import Flow, maybe
from sglc.compiler.cost.interval import ANY, ONE, Interval
from sglc.compiler.cost.tally import Tally
from sglc.compiler.cost.values import (
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
    item_of,
    items_of,
    join_all,
    of_value_type,
    pure,
    size_of,
)
from sglc.compiler.cost.versions import Version
from sglc.compiler.ir.op import Op, Operand, Region, Value
from sglc.compiler.plan.data import equal, truth

if TYPE_CHECKING:
    from sglc.compiler.cost.frames import Frame

MAX_TURNS: Final = 32  # of a loop that are looked at one by one; those behind them as one
MAX_ITEMS: Final = 256


class Control:
    """Runs the regions of the ops of one frame."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.world = frame.world

    def run(self, op: Op) -> Flow:
        """Look at an op with regions."""
        flow: Flow = getattr(self, "_" + op.name, self._unknown)(op)
        return flow

    def leave(self, op: Op) -> Flow | None:
        """Look at an op that leaves the loop around it unless its operand is true."""
        return self._cond(op)

    def _arms(self, op: Op, regions: Sequence[Region], facts: Mapping[int, Any]) -> Flow:
        """One of several regions is taken."""
        if len(regions) == 1 and not op.attrs.get("spec"):
            return self.frame.region(regions[0], [])
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
                inner = self.frame.region(region, [])
            tallies.append(tally)
            paid.append(mine)
            flow.take(inner)
            if inner.values is not None:
                results.append(inner.values)
        world.tally.one_of(tallies)
        for tally in tallies if op.attrs.get("spec") else ():  # some begin before it is decided
            world.tally.include(maybe(tally))
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
        before = self.frame.env[value]
        self.frame.env[value] = known
        yield
        self.frame.env[value] = before

    def _if(self, op: Op) -> Flow:
        condition = self.frame.value(op.args[0])
        do, other = (next(r for r in op.regions if r.label == label) for label in ("do", "else"))
        found = _truth(condition)
        if found is not None and not op.attrs.get("spec"):
            return self.frame.region(do if found else other, [])
        return self._arms(op, [do, other], self._facts(op.args[0]))

    def _facts(self, condition: Operand) -> Mapping[int, Any]:
        """What ``len(x) <= n`` says of x in the first arm, ``len(x) > n`` in the second."""
        made = self.frame.made.get(condition) if isinstance(condition, Value) else None
        if made is None or made.name != "cmp":
            return {}
        left, right = made.args
        length = self.frame.made.get(left) if isinstance(left, Value) else None
        if length is None or length.attrs.get("fn") != "len":
            return {}
        text = length.args[0]
        most = bound_of(self.frame.value(right)).hi
        found = self.frame.value(text)
        if not isinstance(text, Value) or not isinstance(found, Text) or most == math.inf:
            return {}
        arm = {"<=": 0, "<": 0, ">": 1, ">=": 1}.get(str(made.attrs["op"]))
        if arm is None:
            return {}
        bound = max(most, 0) * 4
        return {arm: (text, Text(found.span.at_most(bound), found.max_tokens))}

    def _match(self, op: Op) -> Flow:
        value = self.frame.value(op.args[0])
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
            first = self.frame.region(body, [])
        self.world.tally.include(maybe(tally) if fails else tally)
        flow.take(first)
        results = [] if first.values is None else [first.values]
        if fails:
            with self.world.apart(sure=False) as tally:
                second = self.frame.region(otherwise, [])
            self.world.tally.include(maybe(tally))
            flow.take(second)
            results += [] if second.values is None else [second.values]
        if results:
            flow.values = [join_all(list(each)) for each in zip(*results, strict=True)]
        return flow

    def _for(self, op: Op) -> Flow:
        source = self.frame.value(op.args[0])
        carried = [self.frame.value(arg) for arg in op.args[1:]]
        has_index = bool(op.attrs.get("index"))

        def lead(turn: int, last: bool) -> list[Abstract]:
            items = items_of(source)
            item = fresh(item_of(source)) if items is None or last else items[turn]
            index: Abstract = Number(turn, math.inf) if last else Known(turn)
            return [item, index] if has_index else [item]

        return self._loop(op, size_of(source), carried, lead)

    def _while(self, op: Op) -> Flow:
        limit = bound_of(self.frame.value(op.args[0]))
        carried = [self.frame.value(arg) for arg in op.args[1:]]
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
                    inner = self.frame.region(region, [*lead(turn, True), *widened])
                self.world.tally.include(tally, Interval(0, most - turn))
                self._after_turn(inner, flow, ends)
                ends.append(widened)
                carried = widened
                break
            with world.apart(sure=is_certain) as tally:
                inner = self.frame.region(region, [*lead(turn, False), *carried])
            world.tally.include(tally if is_certain else maybe(tally))
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
        found = _truth(self.frame.value(op.args[0]))
        if found is True:
            return None
        flow = Flow(values=[] if found is None else None)
        flow.leave("cond", [], {})
        return flow

    def _fork(self, op: Op) -> Flow:
        start = self.frame.version(op.args[0])
        if len(op.args) == 1:
            fields: dict[str, Abstract] = {}
            for region in op.regions:
                fields[str(region.case[0])] = self._branch(region, start, [])
            return Flow(values=[Record(fields)])
        source = self.frame.value(op.args[1])
        region = op.regions[0]
        has_index = len(region.params) == 3
        most = self.world.calls.settings.max_branches

        def one(item: Abstract, index: Abstract) -> Abstract:
            with self._stoppable(op):
                return self._branch(region, start, [item, index] if has_index else [item])

        return Flow(values=[self._many(source, one, is_group=True, most=most)])

    @contextmanager
    def _stoppable(self, op: Op) -> Iterator[None]:
        """Count an element of an op that may end early: it may be stopped at any moment."""
        if "until" not in op.attrs:
            yield
            return
        with self.world.apart(sure=False) as tally:
            yield
        self.world.tally.include(maybe(tally))

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
        flow = self.frame.region(region, [Stream(start), *extra])
        if not flow.values:
            return Branch({}, start, start)
        end = flow.values[0]
        return Branch(dict(flow.names), start, end.version if isinstance(end, Stream) else start)

    def _map(self, op: Op) -> Flow:
        def one(item: Abstract, index: Abstract) -> Abstract:
            with self._stoppable(op):
                flow = self.frame.region(op.regions[0], [item])
            return flow.values[0] if flow.values else Top()

        most = self.world.calls.settings.max_turns
        return Flow(values=[self._many(self.frame.value(op.args[0]), one, most=most)])

    def _filter(self, op: Op) -> Flow:
        kept: list[tuple[Abstract, bool | None]] = []

        def one(item: Abstract, index: Abstract) -> Abstract:
            flow = self.frame.region(op.regions[0], [item])
            kept.append((item, _truth(flow.values[0]) if flow.values else None))
            return item

        source = self.frame.value(op.args[0])
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
                flow.take(self.frame.region(region, []))
            self.world.tally.include(maybe(tally))
        flow.values = [of_value_type(result.type) for result in op.results]
        return flow


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


def _widen(value: Abstract) -> Abstract:
    """What a value may have become after any number of turns."""
    if isinstance(value, Stream):
        version = Version(called=None).put(Text(ANY))
        return Stream(version)
    return Top()
