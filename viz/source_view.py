"""The source text cut where places begin and end, so that every piece knows its places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sglc.compiler.source import SourceFile
from sglc.viz.atlas import Atlas, SourcePlace


def source_views(atlas: Atlas) -> list[dict[str, Any]]:
    """Return every file as lines of pieces ``[text, keys]``, keys of the smallest place first."""
    return [
        {"name": file.name, "lines": _lines(file, [p for p in atlas.places if p.file == number])}
        for number, file in enumerate(atlas.files)
    ]


def _lines(file: SourceFile, places: Iterable[SourcePlace]) -> list[list[Any]]:
    starts: dict[int, list[SourcePlace]] = {}
    ends: dict[int, list[SourcePlace]] = {}
    for place in places:
        if place.start < place.end:
            starts.setdefault(place.start, []).append(place)
            ends.setdefault(place.end, []).append(place)
    cuts = sorted({0, len(file.text), *starts, *ends})
    lines: list[list[Any]] = [[]]
    active: dict[SourcePlace, None] = {}
    for begin, end in zip(cuts, [*cuts[1:], len(file.text)], strict=True):
        for place in ends.get(begin, ()):
            active.pop(place, None)
        active.update(dict.fromkeys(starts.get(begin, ())))
        keys = [p.key for p in sorted(active, key=lambda p: (p.end - p.start, p.start))]
        for number, part in enumerate(file.text[begin:end].split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append([part.removesuffix("\r"), keys])
    return lines
