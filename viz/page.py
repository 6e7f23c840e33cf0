"""The page: one file that holds the data of all views, the style and the script."""

from __future__ import annotations

import html
import json
from importlib import resources
from typing import Any, Final

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.notation import write_type
from sglc.compiler.ir.text import write_op
from sglc.viz.atlas import Atlas, place_text
from sglc.viz.graph_view import graph_sheets
from sglc.viz.lanes_view import lanes_view
from sglc.viz.machine_view import machine_views
from sglc.viz.source_view import source_views

SCRIPTS: Final = ("svg.js", "lanes.js", "graph.js", "machines.js", "source.js", "main.js")
STYLES: Final = ("page.css", "views.css")


def page_data(atlas: Atlas, name: str) -> dict[str, Any]:
    """Return what the page shows of a program called ``name``, as JSON-able data."""
    return {
        "program": name,
        "files": source_views(atlas),
        "functions": [_function(function, atlas) for function in atlas.functions],
        "machines": machine_views(atlas),
        "ops": [
            {"key": atlas.key(op), "line": write_op(op), "at": place_text(op.span)}
            for op in atlas.numbers
        ],
    }


def render_page(data: dict[str, Any]) -> str:
    """Return the page: HTML that needs no other file."""
    # `<` may begin an end tag or a comment, inside of a script too; JSON has an escape for it.
    embedded = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        _file("page.html")
        .replace("{{title}}", html.escape(f"{data['program']} · sglc"))
        .replace("{{style}}", "".join(map(_file, STYLES)))
        .replace("{{script}}", "".join(map(_file, SCRIPTS)))
        .replace("{{data}}", embedded)  # last: nothing in it is taken for a place to fill
    )


def _function(function: Function, atlas: Atlas) -> dict[str, Any]:
    params = ", ".join(f"{p.name}: {write_type(p.type)}" for p in function.params)
    result = "" if function.result is None else f" -> {write_type(function.result)}"
    return {
        "name": function.name,
        "kind": function.kind,
        "head": f"{function.kind} {function.name}({params}){result}",
        "key": atlas.function_key(function),
        "lanes": lanes_view(function, atlas),
        "sheets": [
            {
                "title": sheet.title,
                "parent": sheet.parent,
                "width": round(sheet.width, 1),
                "height": round(sheet.height, 1),
                "boxes": sheet.boxes,
                "edges": sheet.edges,
            }
            for sheet in graph_sheets(function, atlas)
        ],
    }


def _file(name: str) -> str:
    return resources.files("sglc.viz.assets").joinpath(name).read_text(encoding="utf-8")
