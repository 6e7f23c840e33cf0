"""Motion: what can be done earlier is.

What is the same in every turn of a loop is done once before it (``hoisting.py``). And where a
stream waits for the result of a tool, of a call or of another stream, the text that it has already
is computed meanwhile: ``warm %v`` on its last version that does not wait. A text that is put
together of what is known and what is not is split before that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Operand, Region, Value
from sglc.compiler.ir.spec import is_total
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import appends_text, joined_texts, warms
from sglc.compiler.ir.values import STR, STREAM
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.hoisting import Hoisting
from sglc.compiler.passes.report import Saved, change
from sglc.compiler.passes.waiting import Known, Waiting, known_chars

MIN_CHARS: Final = 16  # text that is not longer is computed later, with what it waits for
MAX_CHARS: Final = 1_000_000


@dataclass(frozen=True)
class Motion(Pass):
    """Do what can be done earlier. ``min_chars``: text that is longer is computed ahead."""

    name: ClassVar[str] = "motion"
    min_chars: int = MIN_CHARS

    def __post_init__(self) -> None:
        if not 0 <= self.min_chars <= MAX_CHARS:
            raise ValueError(f"min_chars is from 0 to {MAX_CHARS}, not {self.min_chars}")

    def run(self, module: Module, context: Context) -> Module:
        facts = Facts(module)
        made = {}
        for name, function in module.functions.items():
            moved = Hoisting(self.name, function, facts, context).function()
            made[name] = _Ahead(moved, facts, context, self.min_chars).function()
        return replace(module, functions=made)


class _Ahead:
    """Warms the versions of streams that wait, in one function."""

    def __init__(self, function: Function, facts: Facts, context: Context, min_chars: int) -> None:
        self.source = function
        self.context = context
        self.min_chars = min_chars
        self.waiting = Waiting(function, facts, min_chars)
        self.facts = facts
        ops = list(function.walk())
        self.made = {value: op for op in ops for value in op.results}
        self.names = {value.name for value in function.definitions()}
        self.warm = {op.args[0] for op in ops if warms(op)}
        self.before: dict[int, list[Op]] = {}
        self.instead: dict[int, Op] = {}
        for op in ops:
            self.look_at(op)

    def function(self) -> Function:
        if not self.before:
            return self.source
        return self.source.with_body(self.region(self.source.body))

    def region(self, region: Region) -> Region:
        made: list[Op] = []
        for op in region.ops:
            made += self.before.get(id(op), ())
            op = self.instead.get(id(op), op)
            regions = tuple(map(self.region, op.regions))
            made.append(op.with_(regions=regions) if regions else op)
        return replace(region, ops=tuple(made))

    def look_at(self, op: Op) -> None:
        """Find out whether a stream that ``op`` goes on from waits here for its other operands."""
        if op.spec.loop:
            others: tuple[Operand, ...] = op.args[:1]
            streams = op.args[1:]
        elif op.spec.reads_stream and (op.spec.writes_stream or op.regions):
            others = (*op.args[1:], *(arg for _, arg in op.kwargs))
            streams = op.args[:1]
        else:
            return
        if not self.is_led_on(op):
            return
        floor = self.waiting.floors[id(op)]
        late = self.waiting.when(others, floor)
        for stream in streams:
            if isinstance(stream, Value) and stream.type == STREAM:
                ready = self.waiting.when((stream,), floor)
                if late.waits_behind(ready):
                    self.warm_or_split(op, stream, ready)

    def is_led_on(self, op: Op) -> bool:
        """Whether the model goes on from what ``op`` makes of its streams."""
        made = {*op.results, *(param for region in op.regions for param in region.params)}
        asks = self.facts.is_slow(op) and not op.regions
        return asks or not self.waiting.led_on.isdisjoint(made)

    def warm_or_split(self, op: Op, stream: Value, ready: Known) -> None:
        lead, rest = self.parts(op, ready)
        chars = self.waiting.chars.get(stream, 0)
        if lead is not None and chars + known_chars(lead) > self.min_chars:
            self.split(op, lead, rest)
        elif chars > self.min_chars:
            self.add(op, stream)

    def add(self, op: Op, stream: Value) -> None:
        """Warm ``stream`` before ``op``; the stream of a branch where it is forked."""
        while stream in self.waiting.forked:
            op = self.waiting.forked[stream]
            if not isinstance(op.args[0], Value):
                return
            stream = op.args[0]
        if stream in self.warm or stream in self.waiting.asked:
            return  # somebody computes it anyway
        self.warm.add(stream)
        made = Op(name="warm", args=(stream,), span=op.span, origins=op.origins)
        self.before.setdefault(id(op), []).append(made)
        after = f"{write_op(made)}: {self.waiting.chars[stream]} characters at least"
        self.report(op, after)

    def report(self, op: Op, after: str) -> None:
        self.context.report(
            change(Motion.name, self.source.name, [op], write_op(op), after, Saved())
        )

    # ---- texts that are put together

    def parts(self, op: Op, ready: Known) -> tuple[Operand | None, tuple[Operand, ...]]:
        """What is known of the text that ``op`` appends when its stream is there, and the rest."""
        text = op.args[1] if appends_text(op) else None
        made = self.made.get(text) if isinstance(text, Value) else None
        texts = joined_texts(made) if made is not None and is_total(made) else ()
        first, *rest = texts or (None,)
        if first is None or not rest or self.waiting.when((first,)).waits_behind(ready):
            return None, ()
        return first, tuple(rest)

    def split(self, op: Op, lead: Operand, rest: tuple[Operand, ...]) -> None:
        """Append what is known for itself, and warm that."""
        first = Value(self.fresh(op.result.name), STREAM)
        made = [op.with_(results=(first,), args=(op.args[0], lead))]
        text = rest[0]
        if len(rest) > 1:
            joined = Value(self.fresh(f"{op.result.name}.rest"), STR)
            text = joined
            made.append(Op(name="concat", results=(joined,), args=rest, span=op.span))
        warm = Op(name="warm", args=(first,), span=op.span, origins=op.origins)
        self.warm.add(first)
        self.before.setdefault(id(op), []).extend([*made, warm])
        self.instead[id(op)] = op.with_(args=(first, text))
        self.report(op, f"{write_op(made[0])}; {write_op(warm)}")

    def fresh(self, hint: str) -> str:
        number = 1
        while f"{hint}.{number}" in self.names:
            number += 1
        self.names.add(f"{hint}.{number}")
        return f"{hint}.{number}"
