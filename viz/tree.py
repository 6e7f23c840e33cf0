"""The graph as a tree for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.notation import write_type
from sglc.compiler.ir.op import Op, Region
from sglc.viz import words
from sglc.viz.atlas import Atlas, place_text
from sglc.viz.hints import hint_words

MAX_WIDTH: Final = 90
_COLOURS: Final = {
    "model": "1;35",
    "call": "35",
    "host": "33",
    "control": "1;36",
    "end": "36",
    "stream": "32",
    "hint": "2;33",
    "data": "0",
    "faint": "2",
    "head": "1",
}


def tree_text(atlas: Atlas, *, color: bool = False) -> str:
    """Return one tree per function: an op per line with its place, regions beneath their op."""
    tree = _Tree(atlas, color)
    return "\n".join("".join(line + "\n" for line in tree.function(f)) for f in atlas.functions)


class _Tree:
    def __init__(self, atlas: Atlas, color: bool) -> None:
        self.atlas = atlas
        self.color = color

    def function(self, function: Function) -> Iterator[str]:
        params = ", ".join(f"{p.name}: {write_type(p.type)}" for p in function.params)
        head = f"{function.kind} {function.name}({params})"
        yield self.line("", head, "head", "", place_text(function.span))
        yield from self.region(function.body, "")

    def region(self, region: Region, indent: str) -> Iterator[str]:
        for index, op in enumerate(region.ops):
            last = index == len(region.ops) - 1
            yield from self.op(op, indent, "└─ " if last else "├─ ", "   " if last else "│  ")

    def op(self, op: Op, indent: str, branch: str, below: str) -> Iterator[str]:
        kind = words.kind(op)
        title = words.head(op, self.atlas.makers(op)) if op.regions else words.title(op)
        place = place_text(op.span)
        yield self.line(indent + branch, title, kind, self.detail(op), place)
        indent += below
        if len(op.regions) == 1 and not op.regions[0].case:
            yield from self.region(op.regions[0], indent)
            return
        for index, region in enumerate(op.regions):
            last = index == len(op.regions) - 1
            case = " | ".join(words.show(item) for item in region.case)
            label = f"{region.label} {case}".strip()
            yield self.line(indent + ("└─ " if last else "├─ "), label, "control", "", "")
            yield from self.region(region, indent + ("   " if last else "│  "))

    def detail(self, op: Op) -> str:
        if not op.spec.model:
            return ""
        typed = words.constraint(op, self.atlas.module)
        parts = [typed[1] if typed else words.choices(op), words.bounds(op), *hint_words(op)]
        return " · ".join(part for part in parts if part)

    def line(self, lead: str, text: str, kind: str, detail: str, place: str) -> str:
        room = max(20, MAX_WIDTH - len(lead) - len(place) - 2)
        text = words.clip(text, room)
        detail = words.clip(detail, room - len(text) - 2) if len(text) + 8 < room else ""
        pad = " " * (room - len(text) - (len(detail) + 2 if detail else 0)) if place else ""
        parts = [self.paint(lead, "faint"), self.paint(text, kind)]
        parts += ["  ", self.paint(detail, "faint")] if detail else []
        return "".join([*parts, pad, "  " if place else "", self.paint(place, "faint")])

    def paint(self, text: str, kind: str) -> str:
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if self.color and text else text
