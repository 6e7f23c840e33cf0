"""The drawings of all stages of a program: each one that is the same in two stages is kept once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.notation import write_type
from sglc.viz.atlas import Atlas, OpEntry
from sglc.viz.graph_view import graph_sheets, op_words
from sglc.viz.lanes_view import lanes_view


class Drawings:
    """What is drawn of the functions that ``atlases`` show, one atlas for each stage.

    ``sheets`` are the drawings of graphs of all functions and stages.
    """

    def __init__(self, atlases: Sequence[Atlas]) -> None:
        self._atlases = atlases
        self.sheets: list[dict[str, Any]] = []
        self._known: dict[str, int] = {}

    def functions(self) -> list[dict[str, Any]]:
        """Return every function with its ``versions``, and by stage which of them it ``shows``.

        That is None where the stage does not have the function any more, or not yet.
        """
        names = dict.fromkeys(f.name for atlas in self._atlases for f in atlas.functions)
        return [self._versions(name) for name in names]

    def entries(self) -> Iterator[tuple[OpEntry, tuple[str, str]]]:
        """Yield the ops of all stages by number, each with the words of its box."""
        words: dict[int, tuple[str, str]] = {}
        for atlas in self._atlases:
            for op, number in atlas.numbers.items():
                if number not in words:
                    words[number] = op_words(op, atlas)
        entries = self._atlases[-1].entries
        return ((entry, words[number]) for number, entry in enumerate(entries))

    def _versions(self, name: str) -> dict[str, Any]:
        versions: list[dict[str, Any]] = []
        made: dict[Any, int] = {}
        shows: list[int | None] = []
        for atlas in self._atlases:
            function = atlas.function_of(name)
            if function is None:
                shows.append(None)
                continue
            # The same ops in the same nesting, and numbers stand for what is written on them.
            content = (_head(function), _shape(function, atlas))
            if content not in made:
                made[content] = len(versions)
                versions.append(self._draw(function, atlas))
            shows.append(made[content])
        return {"name": name, "versions": versions, "shows": shows}

    def _draw(self, function: Function, atlas: Atlas) -> dict[str, Any]:
        sheets = [
            {
                "title": sheet.title,
                "parent": sheet.parent,
                "width": round(sheet.width, 1),
                "height": round(sheet.height, 1),
                "boxes": sheet.boxes,
                "edges": sheet.edges,
                "hulls": sheet.hulls,
            }
            for sheet in graph_sheets(function, atlas)
        ]
        return {
            "kind": function.kind,
            "head": _head(function),
            "key": atlas.function_key(function),
            "lanes": lanes_view(function, atlas),
            "sheets": [self._keep(sheet) for sheet in sheets],
        }

    def _keep(self, sheet: dict[str, Any]) -> int:
        number = self._known.setdefault(json.dumps(sheet), len(self.sheets))
        if number == len(self.sheets):
            self.sheets.append(sheet)
        return number


def _head(function: Function) -> str:
    params = ", ".join(f"{p.name}: {write_type(p.type)}" for p in function.params)
    result = "" if function.result is None else f" -> {write_type(function.result)}"
    return f"{function.kind} {function.name}({params}){result}"


def _shape(function: Function, atlas: Atlas) -> Any:
    """The numbers of the ops, nested as the regions are, with what is written on these."""

    def shape(region: Any) -> Any:
        ops = tuple((atlas.numbers[op], *map(shape, op.regions)) for op in region.ops)
        return region.label, region.case, region.params, ops

    return shape(function.body)
