"""The graph of a function: ops as boxes, regions as nested boxes, values as edges.

A region reads its parameters and what it captures from pins on its upper border, so every edge
stays inside of one region. Regions of large functions are drawn on sheets of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sglc.compiler.ir.graph import Function, free_values
from sglc.compiler.ir.op import Op, Region, Value, walk
from sglc.compiler.ir.values import EFFECT
from sglc.viz import words
from sglc.viz.atlas import Atlas
from sglc.viz.hints import groups, held_values, hint_words, is_speculative
from sglc.viz.layered import Drawing, draw

CHAR: Final = 6.7  # the width of a character of the page's 11 px monospace font
BOX_HEIGHT: Final = 36.0
PIN_HEIGHT: Final = 20.0
HEAD: Final = 24.0  # the title of a box with regions
LABEL: Final = 20.0  # the label of a region
PAD: Final = 12.0
HULL: Final = 6.0  # between the frame of a group and its boxes
STREAM_WEIGHT: Final = 8.0  # streams run straight, other values bend
MAX_TITLE: Final = 34
MAX_DETAIL: Final = 56
MAX_OPS_NESTED: Final = 150  # functions with more ops have sheets for their regions


@dataclass
class Sheet:
    """One drawing. ``boxes`` lists outer boxes first; all coordinates are those of the sheet."""

    title: str
    parent: int | None
    width: float = 0
    height: float = 0
    boxes: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)
    hulls: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class _Box:
    """Something to be drawn: an op or a pin. ``inner``: its regions, each laid out."""

    width: float
    height: float
    data: dict[str, Any]
    inner: list[tuple[float, float, _Area]] = field(default_factory=list)


@dataclass
class _Area:
    """A laid out region or function body."""

    label: str
    boxes: list[_Box]
    edges: list[tuple[int, int, str, str]]  # from, to, class, value
    drawing: Drawing
    hulls: list[tuple[str, tuple[float, float, float, float]]]  # title, place and size
    is_speculative: bool = False


def graph_sheets(function: Function, atlas: Atlas) -> list[Sheet]:
    """Return the drawings of a function; the first one shows its body."""
    return _Sheets(function, atlas).sheets


def op_words(op: Op, atlas: Atlas) -> tuple[str, str]:
    """Return the title of an op's box and the line below it."""
    title = words.head(op, atlas.makers(op)) if op.regions else words.title(op)
    return words.clip(title, MAX_TITLE), words.clip(_detail(op, atlas), MAX_DETAIL)


def _detail(op: Op, atlas: Atlas) -> str:
    if op.spec.model:
        typed = words.constraint(op, atlas.module)
        parts = [typed[1] if typed else words.choices(op), words.bounds(op), *hint_words(op)]
        return " · ".join(part for part in parts if part)
    return " · ".join(part for part in (words.results(op), words.size(op)) if part)


class _Sheets:
    def __init__(self, function: Function, atlas: Atlas) -> None:
        self.atlas = atlas
        self.split = sum(1 for _ in function.walk()) > MAX_OPS_NESTED
        self.sheets = [Sheet(function.name, None)]
        self.held = held_values(function.body.ops)
        params = [p.value for p in function.params]
        self._fill(0, self._area("", params, function.body))

    def _area(self, label: str, params: Sequence[Value], region: Region, sheet: int = 0) -> _Area:
        captured = [v for v in free_values(region) if v not in params]
        boxes = [_pin(value, "param") for value in params]
        boxes += [_pin(value, "captured") for value in captured]
        made = {value: index for index, value in enumerate((*params, *captured))}
        edges: list[tuple[int, int, str, str]] = []
        places: dict[Op, int] = {}
        for op in region.ops:
            at = places[op] = len(boxes)
            boxes.append(self._op(op, sheet))
            read: Iterable[Value] = free_values(op)
            edges += [(made[v], at, self._edge_class(v), str(v)) for v in read]
            made |= dict.fromkeys(op.results, at)
        pairs = [(a, b) for a, b, _, _ in edges]
        sizes = [(box.width, box.height) for box in boxes]
        values = [value for _, _, _, value in edges]
        weights = [STREAM_WEIGHT if "stream" in kind else 1.0 for _, _, kind, _ in edges]
        drawing = draw(sizes, pairs, bundles=values, weights=weights)
        together = [
            ("group " + name.rpartition(".")[2], [places[op] for op in members])
            for name, members in groups(region.ops).items()
        ]
        return _Area(label, boxes, edges, drawing, _hulls(together, boxes, drawing))

    def _edge_class(self, value: Value) -> str:
        if words.is_stream(value.type):
            return "stream held" if value in self.held else "stream"
        return "effect" if value.type == EFFECT else "data"

    def _op(self, op: Op, sheet: int) -> _Box:
        title, detail = op_words(op, self.atlas)
        width = max(64.0, max(len(title), len(detail)) * CHAR + 2 * PAD)
        data: dict[str, Any] = {"id": self.atlas.numbers[op]}
        box = _Box(width, BOX_HEIGHT, data)
        if op.regions and self.split:
            data["sheets"] = [self._new_sheet(op, region, sheet) for region in op.regions]
            count = sum(1 for region in op.regions for _ in walk(region.ops))
            data["detail"] = f"{count} ops inside, open to see them"
            box.width = max(width, len(data["detail"]) * CHAR + 2 * PAD)
        elif op.regions:
            self._nest(box, op, sheet)
        return box

    def _nest(self, box: _Box, op: Op, sheet: int) -> None:
        x = PAD
        for region in op.regions:
            area = self._area(_label(region), region.params, region, sheet)
            area.is_speculative = is_speculative(op, region)
            box.inner.append((x, HEAD + LABEL, area))
            x += max(area.drawing.width, len(area.label) * CHAR) + 2 * PAD
            box.height = max(box.height, HEAD + LABEL + area.drawing.height + 2 * PAD)
        box.width = max(box.width, x)

    def _new_sheet(self, op: Op, region: Region, parent: int) -> int:
        number = len(self.sheets)
        title = f"{words.head(op, self.atlas.makers(op))}: {_label(region)}"
        self.sheets.append(Sheet(title, parent))
        self._fill(number, self._area("", region.params, region, number))
        return number

    def _fill(self, number: int, area: _Area) -> None:
        sheet = self.sheets[number]
        self._emit(sheet, area, 0.0, 0.0, None)
        sheet.width, sheet.height = area.drawing.width, area.drawing.height

    def _emit(self, sheet: Sheet, area: _Area, x: float, y: float, parent: int | None) -> None:
        places: list[int] = []
        for box, (left, top) in zip(area.boxes, area.drawing.corners, strict=True):
            places.append(len(sheet.boxes))
            shape = {"x": x + left, "y": y + top, "w": box.width, "h": box.height}
            sheet.boxes.append({**box.data, **_rounded(shape), "in": parent})
            for inner_x, inner_y, inner in box.inner:
                frame = {
                    "x": x + left + inner_x - PAD / 2,
                    "y": y + top + inner_y - LABEL + 4,
                    "w": max(inner.drawing.width, len(inner.label) * CHAR) + PAD,
                    "h": inner.drawing.height + LABEL + PAD,
                }
                kind = "region early" if inner.is_speculative else "region"
                region = {"kind": kind, "title": inner.label, **_rounded(frame)}
                sheet.boxes.append({**region, "in": places[-1]})
                at = len(sheet.boxes) - 1
                self._emit(sheet, inner, x + left + inner_x, y + top + inner_y + 2, at)
        for (a, b, kind, value), route in zip(area.edges, area.drawing.routes, strict=True):
            points = [[round(x + px, 1), round(y + py, 1)] for px, py in route]
            ends = {"from": places[a], "to": places[b]}
            sheet.edges.append({**ends, "kind": kind, "value": value, "points": points})
        for title, (left, top, width, height) in area.hulls:
            frame = {"x": x + left, "y": y + top, "w": width, "h": height}
            sheet.hulls.append({"title": title, **_rounded(frame)})


def _pin(value: Value, kind: str) -> _Box:
    title = words.clip(str(value), MAX_TITLE)
    return _Box(len(title) * CHAR + 16, PIN_HEIGHT, {"kind": kind, "title": title})


def _label(region: Region) -> str:
    case = " | ".join(words.show(item) for item in region.case)
    return words.clip(f"{region.label} {case}".strip(), MAX_TITLE)


def _hulls(
    together: Sequence[tuple[str, list[int]]], boxes: Sequence[_Box], drawing: Drawing
) -> list[tuple[str, tuple[float, float, float, float]]]:
    """The frames around boxes that belong together, unless another box would be in it."""
    found = []
    for title, members in together:
        sides = [_sides(boxes[i], drawing.corners[i]) for i in members]
        lefts, tops, rights, bottoms = zip(*sides, strict=True)
        left, top = min(lefts) - HULL, min(tops) - HULL
        right, bottom = max(rights) + HULL, max(bottoms) + HULL
        others = [
            _sides(box, drawing.corners[i]) for i, box in enumerate(boxes) if i not in members
        ]
        if all(x1 <= left or x0 >= right or y1 <= top or y0 >= bottom for x0, y0, x1, y1 in others):
            found.append((title, (left, top, right - left, bottom - top)))
    return found


def _sides(box: _Box, corner: tuple[float, float]) -> tuple[float, float, float, float]:
    return corner[0], corner[1], corner[0] + box.width, corner[1] + box.height


def _rounded(shape: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in shape.items()}
