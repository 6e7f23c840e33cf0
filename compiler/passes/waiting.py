"""What a stream waits for: how far along each value is known, and what text stands ready.

The level of a value is the number of slow ops (the model, tools, calls that use them) on the
longest chains behind it; its last ops are those that these chains end with. If a text has a higher
level than the version of the stream it goes onto, or other last ops, it comes from something that
this version does not wait for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Value, values_in
from sglc.compiler.ir.traits import appends_text, markup_of, role_step, starts_stream
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.handing import handed_on

ROLE_CHARS: Final = 4  # what the markers of a role come to, at least
ASSUMED_CHARS: Final = 16  # of a text that only the run knows
_MAX_LAST: Final = 16  # of more last ops those of the highest numbers are kept


class Known(NamedTuple):
    """When a value is known: behind so many slow ops, the last of them these (by number)."""

    level: int = 0
    last: frozenset[int] = frozenset()

    def after(self, other: Known) -> Known:
        """When this and the other are known."""
        if self.level != other.level:
            return max(self, other, key=lambda known: known.level)
        if other.last <= self.last:
            return self
        both = self.last | other.last
        return Known(self.level, frozenset(sorted(both)[-_MAX_LAST:]))

    def waits_behind(self, other: Known) -> bool:
        """Whether this waits for something that the other does not wait for."""
        return self.level > other.level or (
            self.level == other.level and not self.last <= other.last
        )


_AT_ONCE: Final = Known()


class Waiting:
    """``known``: when values are; ``chars``: text of a version since the model last saw its stream,
    or since more than ``min_chars`` of it stood there while something was waited for.

    ``led_on``: the streams that a model op goes on from, now or later. ``asked``: those that one
    goes on from at once. ``floors``: when the region of an op is entered.
    """

    def __init__(self, function: Function, facts: Facts, min_chars: int) -> None:
        self.facts = facts
        self.min_chars = min_chars
        self.known: dict[Value, Known] = {}
        self.num_slow = 0
        self.chars: dict[Value, int] = {}
        self.floors: dict[int, Known] = {}
        self.asked: set[Value] = set()
        self.led_on: set[Value] = set()
        self.forked: dict[Value, Op] = {}
        self._before: dict[Value, list[Value]] = {}  # of a stream, those it goes on from
        self._region(function.body, _AT_ONCE)
        todo = list(self.asked)
        while todo:
            stream = todo.pop()
            if stream not in self.led_on:
                self.led_on.add(stream)
                todo += self._before.get(stream, ())

    def when(self, operands: Iterable[Operand], floor: Known = _AT_ONCE) -> Known:
        """When all of the operands are known, in a region that is entered at ``floor``."""
        for operand in operands:
            for value in values_in(operand):
                floor = floor.after(self.known.get(value, _AT_ONCE))
        return floor

    def _region(self, region: Region, floor: Known) -> None:
        for op in region.ops:
            self.floors[id(op)] = floor
            if op.regions:
                self._control(op, floor)
            else:
                self._plain(op, floor)

    def _plain(self, op: Op, floor: Known) -> None:
        known = self.when(op.operands(), floor)
        if self.facts.is_slow(op):
            self.num_slow += 1
            known = Known(known.level + 1, frozenset((self.num_slow,)))
        self.known.update(dict.fromkeys(op.results, known))
        stream = op.args[0] if op.spec.reads_stream and op.args else None
        if not isinstance(stream, Value):
            if starts_stream(op):
                self.chars[op.result] = 0
            return
        if self.facts.is_slow(op):
            self.asked.add(stream)
        for after in op.results if op.spec.writes_stream else ():
            if after.type == stream.type:
                self._before.setdefault(after, []).append(stream)
                self.chars[after] = 0 if self.facts.is_slow(op) else self._after(op, stream)

    def _after(self, op: Op, stream: Value) -> int:
        before = self.chars.get(stream, 0)
        added = ROLE_CHARS * abs(role_step(op)) + sum(map(len, markup_of(op)))
        if appends_text(op):
            added = known_chars(op.args[1])
            late = self.when(op.args[1:]).waits_behind(self.when((stream,)))
            if before > self.min_chars and late:
                return added  # what stands before is computed while this is waited for
        return before + added

    def _control(self, op: Op, floor: Known) -> None:
        decides = op.args[1:] if op.spec.reads_stream else op.args[:1]
        entered = self.when(decides, floor)
        for region in op.regions:
            self._enter(op, region, entered)
            self._region(region, entered)
        self._join(op, entered)

    def _enter(self, op: Op, region: Region, entered: Known) -> None:
        self.known.update(dict.fromkeys(region.params, entered))
        if op.spec.reads_stream:
            stream = region.params[0]
            self._go_on(stream, op.args[:1])
            self.forked[stream] = op
            if isinstance(op.args[0], Value):
                self.chars[stream] = self.chars.get(op.args[0], 0)
        elif op.spec.loop:
            lead = len(region.params) - len(op.results)
            for index, param in enumerate(region.params[lead:]):
                self._go_on(param, (op.args[1 + index],))

    def _go_on(self, value: Value, given: Iterable[Operand]) -> None:
        """``value`` is one of those given, as soon as that is there."""
        operands = tuple(given)
        self.known[value] = self.when(operands, self.known.get(value, _AT_ONCE))
        if value.type.name == "stream":
            found = [stream for operand in operands for stream in values_in(operand)]
            self._before.setdefault(value, []).extend(found)

    def _join(self, op: Op, entered: Known) -> None:
        if op.spec.results is not None:
            given = [arg for region in op.regions for arg in region.terminator.operands()]
            self.known.update(dict.fromkeys(op.results, self.when(given, entered)))
            return
        for index, value in enumerate(op.results):
            given = handed_on(op, index)
            self.known[value] = entered
            if op.spec.loop:
                self._go_on(op.regions[0].params[index - len(op.results)], given)
            self._go_on(value, given)
            chars = [self.chars.get(arg, 0) for arg in given if isinstance(arg, Value)]
            self.chars[value] = 0 if op.spec.loop else min(chars, default=0)


def known_chars(text: Operand) -> int:
    """How long a text is: exactly if it is constant, else what is assumed of a text."""
    if isinstance(text, Literal):
        return len(text.value) if isinstance(text.value, str) else 1
    is_text = isinstance(text, Value) and text.type.name == "str"
    return ASSUMED_CHARS if is_text else 1
