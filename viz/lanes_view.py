"""The lanes of a function as shapes with coordinates: lines, stations, bands, frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sglc.compiler.ir.graph import Function
from sglc.viz.atlas import Atlas
from sglc.viz.lanes import FRAME_HEAD, LINE_CHARS, PAD, TURN, label_height, lay_out
from sglc.viz.strips import Item, Strip
from sglc.viz.words import clip

NUM_COLOURS: Final = 6
Shape = dict[str, Any]


def lanes_view(function: Function, atlas: Atlas) -> dict[str, Any]:
    """Return the size of the drawing and its shapes, back to front."""
    strip = lay_out(function, atlas)
    painter = _Painter(atlas)
    painter.strip(strip, PAD, PAD, {})
    order = {"frame": 0, "strip": 1, "band": 2, "line": 3}
    shapes = sorted(painter.shapes, key=lambda shape: order.get(shape["kind"], 4))
    return {"width": strip.width + 2 * PAD, "height": strip.height + 2 * PAD, "shapes": shapes}


class _Colours:
    """The colours of lanes: another one begins where another chain of versions begins."""

    def __init__(self) -> None:
        self._begins: dict[int, list[tuple[float, int]]] = {}

    def has(self, row: int) -> bool:
        return row in self._begins

    def begin(self, row: int, x: float, colour: int) -> None:
        self._begins.setdefault(row, []).append((x, colour))

    def at(self, row: int, x: float) -> int:
        """The colour of a lane at ``x``: that of the last chain that begins before."""
        begun = self._begins.get(row, [(0.0, 0)])
        return next((c for x0, c in reversed(begun) if x0 <= x + 0.5), begun[0][1])


class _Painter:
    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.shapes: list[Shape] = []
        self.num_chains = 0

    def colour(self) -> int:
        """A colour for another chain of versions."""
        self.num_chains += 1
        return (self.num_chains - 1) % NUM_COLOURS

    def strip(self, strip: Strip, x: float, y: float, given: Mapping[int, int]) -> _Colours:
        """Draw a region with its upper left corner at (x, y); ``given``: colours of entries."""
        lines = [y + line for line in strip.baselines()]
        colours = _Colours()
        for row, colour in given.items():
            colours.begin(row, 0.0, colour)
        for run in strip.runs:
            if run.begins or not colours.has(run.row):
                colours.begin(run.row, run.x0, self.colour())
            points = [(x + run.x0, lines[run.row]), (x + run.x1, lines[run.row])]
            if run.begins:
                row, start = run.begins
                points = [(x + start, lines[row]), *points]
            if points[0] != points[-1]:
                self._line(points, colours.at(run.row, run.x0), run.dashed, run.held)
        for row, items in enumerate(strip.items):
            for item in items:
                self._item(item, x, lines[row], colours.at(row, item.x0))
        return colours

    def _item(self, item: Item, x: float, y: float, colour: int) -> None:
        shape = self._shape(item, x + item.x0, y) | {"w": item.x1 - item.x0, "colour": colour}
        match item.kind:
            case "role":
                return
            case "frame":
                shape |= {"y": y - item.up, "h": item.up + item.down - 4}
                shape["loop"] = item.ops[0].spec.loop
            case "band":
                shape |= {"y": y - item.up, "h": item.up + item.down}
            case "text":
                shape |= {"lines": _two_lines(item.lines[0]), "text": item.lines[0]}
            case _:
                shape["lines"] = item.lines
        self.shapes.append(_rounded(shape))
        if item.strips:
            self._inside(item, x, y, colour)

    def _shape(self, item: Item, x: float, y: float) -> Shape:
        return {
            "kind": item.kind,
            "ids": [self.atlas.numbers[op] for op in item.ops],
            "order": self.atlas.order[item.ops[0]],
            "keys": list(dict.fromkeys(key for op in item.ops for key in self.atlas.keys(op))),
            "x": x,
            "y": y,
            "label": item.label,
        }

    def _inside(self, item: Item, x: float, y: float, colour: int) -> None:
        """Draw the regions of a frame on the line at height ``y``."""
        op, top = item.ops[0], y - item.up
        inner_y = top + FRAME_HEAD
        left, right = x + item.x0, x + item.x1
        for strip in item.strips:
            inner_y += label_height(strip)
            inside_height = max(strip.height, 24.0)
            if strip.label:
                label = {"kind": "strip", "x": left + 5, "y": inner_y - 14, "label": strip.label}
                size: Shape = {
                    "w": right - left - 10,
                    "h": inside_height + 14,
                    "keys": [],
                    "ids": [],
                }
                size["early"] = strip.is_speculative
                self.shapes.append(_rounded({**label, **size}))
            inside = left + TURN
            fork = op.name == "fork"
            entries = {f.row: self.colour() if fork else colour for f in strip.feeds[:1]}
            colours = self.strip(strip, inside, inner_y, entries)
            lines = [inner_y + line for line in strip.baselines()]
            for feed in strip.feeds:
                bend = [(left, y), (inside, lines[feed.row])]
                self._line(bend, colours.at(feed.row, 0.0), False)
            for row, end in strip.exits:
                if item.exits_to is None:
                    self._cap(inside + end, lines[row], colours.at(row, end))
                else:
                    path = [(inside + end, lines[row]), (right - TURN, lines[row]), (right, y)]
                    self._line(path, colours.at(row, end), False)
            inner_y += inside_height + PAD / 2

    def _line(
        self, points: list[tuple[float, float]], colour: int, dashed: bool, held: bool = False
    ) -> None:
        path = [[round(px, 1), round(py, 1)] for px, py in points]
        style = {"colour": colour, "dashed": dashed, "held": held}
        self.shapes.append({"kind": "line", "points": path, **style})

    def _cap(self, x: float, y: float, colour: int) -> None:
        self.shapes.append(_rounded({"kind": "cap", "x": x, "y": y, "colour": colour}))


def _two_lines(text: str) -> list[str]:
    """The text on one or two lines, as a reader of a map can take it in."""
    text = text.replace("\n", "↵")
    if len(text) <= 16:
        return [text]
    half = max(16, -(-len(text) // 2) + 2)
    width = min(LINE_CHARS, half)
    cut = text.rfind(" ", width // 2, width + 1)
    first = text[: cut + 1] if cut > 0 else text[:width]
    return [first, clip(text[len(first) :], width)]


def _rounded(shape: Shape) -> Shape:
    return {k: round(v, 1) if isinstance(v, float) else v for k, v in shape.items()}
