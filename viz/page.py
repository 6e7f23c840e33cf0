"""The page: one file that holds the data of all views, the style and the script."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

from sglc.compiler.ir.text import write_op
from sglc.viz.atlas import Atlas, OpEntry, place_text
from sglc.viz.drawings import Drawings
from sglc.viz.machine_view import machine_views
from sglc.viz.places import Places
from sglc.viz.prefixes_view import prefixes_view
from sglc.viz.source_view import source_views
from sglc.viz.stages import Stage, stage_data
from sglc.viz.timeline_view import costs, timeline_view
from sglc.viz.trace import Trace
from sglc.viz.transcript_view import transcript_view
from sglc.viz.words import kind

SCRIPTS: Final = (
    "svg.js", "links.js", "lanes.js", "graph.js", "machines.js", "source.js", "passes.js",
    "timeline.js", "prefixes.js", "transcript.js", "panels.js", "main.js",
)  # fmt: skip
STYLES: Final = ("page.css", "views.css", "run.css")


def page_data(
    atlas: Atlas, name: str, stages: Sequence[Stage] = (), trace: Trace | None = None
) -> dict[str, Any]:
    """Return what the page shows of a program called ``name``, as JSON-able data.

    ``atlas`` is of the program as written; ``stages``: the first is the same program, the others
    what passes made of it; ``trace``: a run of it.
    """
    atlases = [atlas]
    shown = [function.name for function in atlas.functions]
    for stage in stages[1:]:
        names = [name for name in shown if name in stage.module.functions]
        atlases.append(Atlas(stage.module, names, atlases[-1]))
    drawings = Drawings(atlases)
    steps = [
        stage_data(stage, before, after)
        for stage, before, after in zip(stages, [None, *atlases], atlases, strict=False)
    ]
    return {
        "program": name,
        "files": source_views(atlas),
        "functions": drawings.functions(),
        "sheets": drawings.sheets,
        "machines": machine_views(atlases),
        "ops": [_op(entry, words) for entry, words in drawings.entries()],
        "stages": steps,
        "run": None if trace is None else _run(trace, atlases[-1]),
    }


def _run(trace: Trace, atlas: Atlas) -> dict[str, Any]:
    places = Places(atlas)
    about = trace.about
    words = [f"prompt {about.get('prompt')}", str(about.get("model")), f"seed {about.get('seed')}"]
    words += [str(about["passes"])] if "passes" in about else []
    return {
        "about": " · ".join(words),
        "costs": costs(trace, places),
        "timeline": timeline_view(trace, places),
        "prefixes": prefixes_view(trace, places),
        "transcript": transcript_view(trace, places, atlas.module),
    }


def _op(entry: OpEntry, words: tuple[str, str]) -> dict[str, Any]:
    title, detail = words
    return {
        "keys": entry.keys,
        "kind": kind(entry.op),
        "title": title,
        "detail": detail,
        "line": write_op(entry.op),
        "at": place_text(entry.op.span),
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


def _file(name: str) -> str:
    return resources.files("sglc.viz.assets").joinpath(name).read_text(encoding="utf-8")
