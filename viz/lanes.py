"""Streams as lanes: where every version of a stream runs, found region by region.

A lane is a chain of versions. The last op that goes on from a version keeps its lane, earlier
ones and forks begin lanes below it; a lane whose last version nobody needs any more is free for
another chain, as a register is. Along the lane, an op stands behind everything it waits for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Final

from sglc.compiler.ir.graph import Function, free_values
from sglc.compiler.ir.op import Op, Region, Value
from sglc.viz import words
from sglc.viz.atlas import Atlas
from sglc.viz.hints import held_values, hint_words, is_speculative
from sglc.viz.strips import ROW_DOWN, ROW_UP, Feed, Item, Run, Strip

CHAR: Final = 6.1  # the width of a character of the page's 10 px monospace font
TURN: Final = 30.0  # what a line needs to change lanes
GAP: Final = 14.0
PAD: Final = 14.0
FRAME_HEAD: Final = 22.0
LINE_CHARS: Final = 34  # of a line of text above a lane


def lay_out(function: Function, atlas: Atlas) -> Strip:
    """Return the lanes of a function."""
    return _Lanes("", function.body, {}, atlas, held_values(function.body.ops)).strip


class _Lanes:
    def __init__(
        self,
        label: str,
        region: Region,
        entries: Mapping[Value, Value],
        atlas: Atlas,
        held: Set[Value],
    ) -> None:
        """``entries``: stream parameters of the region -> the values they are outside."""
        self.atlas = atlas
        self.held = held
        self.entries = entries
        self.strip = Strip(label)
        self.at: dict[Value, tuple[int, float]] = {}  # where a version ends
        self.ready: dict[Value, float] = {}  # where another value is known
        self.rows: dict[Value, int] = {}  # the lane of the fork that a branch, or a part, is of
        self.ends: list[float] = []  # by row, the end of what stands there
        self.heads: list[Value | None] = []  # by row, its last version
        self.roles: dict[Value, tuple[Op, int, float]] = {}
        self.later = Counter(v for op in region.ops for v in _continued(op))
        for value in entries:
            self._enter(value)
        for op in region.ops:
            self._op(op)
        self.strip.width = max([*self.ends, 0.0])

    def _op(self, op: Op) -> None:
        if op.spec.regions:
            self._frame(op)
        elif op.spec.writes_stream:
            self._append(op)
        elif op.name == "stream":
            row = self._row(0, 0.0)
            self._put(Item("start", 0, 16, ops=[op]), row, None)
            self._reach(op.result, row)
        elif op.spec.terminator:
            self._end(op)
        elif op.spec.host or (op.spec.calls and self._asks_model(op)):
            name = f"{op.name} {op.symbol}"
            x, row = self._known(op), self._row(0, self._known(op))
            item = Item("host" if op.spec.host else "call", x, x, ops=[op], lines=[name])
            item.x1 = x + 26 + len(name) * CHAR
            self._put(item, row, None, apart=True)
            self._learn(op, item.x1)
        elif op.spec.hint:
            self._hint(op)
        else:
            self._learn(op, self._known(op))
            for value in op.results:
                if words.is_stream(value.type):  # a stream taken out of a branch or a group
                    x = self.ready[value] + TURN
                    row = self._row(0, x)
                    begins = (self.rows.get(value, row), x - TURN)
                    self.strip.runs.append(Run(row, x, x + 4, begins, dashed=True))
                    x += 4
                    self.ends[row] = x
                    self._reach(value, row)

    def _hint(self, op: Op) -> None:
        """A mark on the line, unless the line goes on from there already."""
        (source,) = op.inputs()
        row, end = self._locate(source)
        if self.heads[row] == source and end == self.ends[row]:
            width = 14 + len(op.name) * CHAR
            self._put(Item("hint", end, end + width, ops=[op], lines=[op.name]), row, None)
            self.at[source] = (row, self.ends[row])

    def _append(self, op: Op) -> None:
        source = op.args[0]
        assert isinstance(source, Value)
        num_runs = len(self.strip.runs)
        row, x, begins = self._go_on(source, self._known(op))
        last = self.strip.items[row][-1] if self.strip.items[row] else None
        text = words.piece(op) if op.name == "put" else ""
        if op.name == "put" and begins is None and last and self._joins(last, source, x, text):
            last.ops.append(op)
            last.lines[0] += text
            end = last.x0 + _text_width(last.lines[0])
            self._extend(row, max(end, last.x1))
            last.x1 = self.ends[row]
        else:
            item = _station(op, x, self.atlas, text)
            self._put(item, row, begins)
        for run in self.strip.runs[num_runs:]:
            run.held = source in self.held or bool(op.attrs.get("hold"))
        if op.name == "role.begin":
            self.roles[op.result] = (op, row, x)
        opened = self.roles.get(source)
        if op.name == "role.end":
            if opened:
                self._band(opened, op, row)
        elif opened:
            self.roles[op.results[0]] = opened
        self._reach(op.results[0], row)
        for value in op.results[1:]:
            self.ready[value] = self.ends[row]

    def _joins(self, last: Item, source: Value, x: float, text: str) -> bool:
        same = last.kind == "text" and last.ops[-1].results[0] == source
        short = same and len(last.lines[0]) + len(text) <= 4 * LINE_CHARS
        return short and x <= last.x1 + 0.5

    def _band(self, opened: tuple[Op, int, float], closing: Op, row: int) -> None:
        op, first, x0 = opened
        if first != row:
            return
        inside = [i for i in self.strip.items[row] if i.x1 > x0 and i.kind != "band"]
        up = max((item.up for item in inside), default=ROW_UP) + 16
        down = max((item.down for item in inside), default=ROW_DOWN) + 2
        label = str(op.attrs["role"])
        band = Item("band", x0, self.ends[row], up, down, [op, closing], label=label)
        self.strip.items[row].append(band)

    def _frame(self, op: Op) -> None:
        strips = [self._inner(op, region) for region in op.regions]
        fork = op.name == "fork"
        streams = [v for v in dict.fromkeys(free_values(op)) if words.is_stream(v.type)]
        if all(strip.is_bare for strip in strips) and not streams:
            self._learn(op, self._known(op))
            return
        begins: tuple[int, float] | None = None
        x = self._known(op)
        if streams and not fork:
            row, x, begins = self._go_on(streams[0], x)
        elif streams:
            source_row, end = self._locate(streams[0])
            x = max(x, end) + TURN
            row, begins = self._row(source_row + 1, x), (source_row, end)
        else:
            row = self._row(0, x)
        for other in streams[1:] if not fork else streams:
            self._used(other)
        x += GAP
        item = _framed(op, strips, x, self.atlas)
        for strip in strips:
            for feed in strip.feeds:
                self._locate(feed.source)
        self._put(item, row, begins, apart=not streams)
        if any(words.is_stream(value.type) for value in op.results):
            self._extend(row, item.x1 + GAP)
        self._learn(op, item.x1, row)
        first = True
        for value in op.results:
            if not words.is_stream(value.type):
                continue
            if not first:
                row = self._row(row + 1, item.x1)
                self.strip.runs.append(Run(row, item.x1, item.x1 + GAP))
                self.ends[row] = item.x1 + GAP
            item.exits_to = row if first else item.exits_to
            first = False
            self._reach(value, row)

    def _inner(self, op: Op, region: Region) -> Strip:
        given = op.args[1:] if op.spec.loop else op.args[:1]
        inner = region.params[-len(given) :] if op.spec.loop and given else region.params
        entries = {
            param: outer
            for param, outer in zip(inner, given, strict=False)
            if words.is_stream(param.type) and isinstance(outer, Value)
        }
        label = "" if len(op.regions) == 1 and op.name != "fork" else _label(region)
        strip = _Lanes(label, region, entries, self.atlas, self.held).strip
        strip.is_speculative = is_speculative(op, region)
        return strip

    def _end(self, op: Op) -> None:
        streams = [v for v in op.inputs() if words.is_stream(v.type)]
        if op.name == "yield":
            found = [self._locate(v) for v in streams]
            self.strip.exits += found[:1]
        elif streams:
            row, x = self._locate(streams[0])
            x = max(x, self._known(op))
            self._put(
                Item("end", x, x + 20 + len(op.name) * CHAR, ops=[op], lines=[op.name]), row, None
            )
        for value in streams:
            self._used(value)

    def _go_on(self, source: Value, known: float) -> tuple[int, float, tuple[int, float] | None]:
        """Where the op that goes on from ``source`` stands: row, place, the turn into the row."""
        row, end = self._locate(source)
        self._used(source)
        if self.heads[row] == source and not self.later[source]:
            return row, max(end, known, self.ends[row]), None
        x = max(end, known) + TURN
        below = self._row(row + 1, end)
        return below, x, (row, end)

    def _locate(self, value: Value) -> tuple[int, float]:
        """Where a version ends; one from outside of the region enters it now."""
        if value not in self.at:
            self._enter(value)
        return self.at[value]

    def _enter(self, value: Value) -> None:
        row = self._row(0, 0.0)
        self.strip.feeds.append(Feed(row, self.entries.get(value, value)))
        self.strip.runs.append(Run(row, 0, 4))
        self.ends[row] = 4
        self._reach(value, row)

    def _row(self, least: int, x: float) -> int:
        """The first lane from ``least`` on that is free from ``x`` on, else a new one."""
        for row in range(least, len(self.ends)):
            head = self.heads[row]
            if self.ends[row] <= x and (head is None or not self.later[head]):
                self.heads[row] = None
                return row
        for _ in range(max(least + 1, len(self.ends) + 1) - len(self.ends)):
            self.ends.append(0.0)
            self.heads.append(None)
            self.strip.items.append([])
        return len(self.ends) - 1

    def _put(
        self, item: Item, row: int, begins: tuple[int, float] | None, *, apart: bool = False
    ) -> None:
        """Put an item on a lane; ``apart``: no stream leads to it."""
        self.strip.items[row].append(item)
        if not apart:
            x0 = item.x0 if begins else min(self.ends[row], item.x0)
            self.strip.runs.append(Run(row, x0, item.x0 if item.strips else item.x1, begins))
        self.ends[row] = max(self.ends[row], item.x1)

    def _extend(self, row: int, x: float) -> None:
        if x > self.ends[row]:
            self.strip.runs.append(Run(row, self.ends[row], x))
            self.ends[row] = x

    def _reach(self, value: Value, row: int) -> None:
        self.at[value] = (row, self.ends[row])
        self.ready[value] = self.ends[row]
        self.heads[row] = value

    def _used(self, value: Value) -> None:
        self.later[value] -= 1

    def _known(self, op: Op) -> float:
        """Where everything is known that the op reads."""
        return max((self.ready.get(value, 0.0) for value in free_values(op)), default=0.0)

    def _learn(self, op: Op, x: float, row: int | None = None) -> None:
        self.ready |= dict.fromkeys(op.results, x)
        rows = [self.rows[v] for v in free_values(op) if v in self.rows]
        if row is None and rows:
            row = rows[0]
        if row is not None:
            self.rows |= dict.fromkeys(op.results, row)

    def _asks_model(self, op: Op) -> bool:
        callee = self.atlas.function_of(op.symbol)
        return callee is not None and callee.kind == "prompt"


def _continued(op: Op) -> Sequence[Value]:
    """The versions that an op goes on from: their lanes are not free before it."""
    if op.spec.regions:
        return [v for v in dict.fromkeys(free_values(op)) if words.is_stream(v.type)]
    if op.spec.writes_stream:
        return [v for v in op.args[:1] if isinstance(v, Value)]
    return [v for v in op.inputs() if words.is_stream(v.type)] if op.spec.terminator else []


def _station(op: Op, x: float, atlas: Atlas, text: str) -> Item:
    if op.name == "put":
        return Item("text", x, x + _text_width(text), ops=[op], lines=[text])
    if op.name.startswith("role."):
        return Item("role", x, x + 12, ops=[op])
    if not op.spec.model:
        name = f"include {op.symbol}" if op.symbol else op.name
        return Item("call", x, x + 30 + len(name) * CHAR, ops=[op], lines=[name])
    typed = words.constraint(op, atlas.module)
    name = str(op.attrs.get("name", "")) or op.name
    lines = [name, typed[1] if typed else words.choices(op) or "any text", words.bounds(op)]
    lines.append(" · ".join(hint_words(op)))
    lines = [words.clip(line, LINE_CHARS) for line in lines if line]
    width = 20 + max(map(len, lines)) * CHAR
    return Item("model", x, x + width, ROW_UP - 8, 22 + 13 * len(lines), ops=[op], lines=lines)


def _framed(op: Op, strips: list[Strip], x: float, atlas: Atlas) -> Item:
    label = words.clip(words.head(op, atlas.makers(op)), 2 * LINE_CHARS)
    width = max(strip.width + 2 * TURN for strip in strips)
    width = max(width, len(label) * 7.0 + 2 * PAD, *(len(s.label) * CHAR + PAD for s in strips))
    top = FRAME_HEAD + label_height(strips[0])
    first = strips[0].up(0) if strips[0].num_rows else ROW_UP
    height = sum(label_height(strip) + max(strip.height, 24.0) + PAD / 2 for strip in strips)
    up = top + first
    down = FRAME_HEAD + height - up + PAD
    return Item("frame", x, x + width, up, down, [op], label=label, strips=strips)


def label_height(strip: Strip) -> float:
    """The room above the first lane of a region for its label."""
    return 16.0 if strip.label else 2.0


def _label(region: Region) -> str:
    case = " | ".join(words.show(item) for item in region.case)
    params = ", ".join(v.name for v in region.params if not words.is_stream(v.type))
    text = f"{region.label} {case}".strip()
    return words.clip(f"{text} ({params})" if params else text, LINE_CHARS)


def _text_width(text: str) -> float:
    """A text stands in two lines above the lane."""
    shown = min(len(text), 2 * LINE_CHARS)
    return max(24.0, min(LINE_CHARS, shown if shown <= 16 else max(16, shown / 2 + 3)) * CHAR + 8)
