"""What was said in runs: their streams, version by version, with the place each text comes from.

A version is what it appends to an earlier one, so a text that several streams share is there once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sglc.compiler.plan.plan import Loc
from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special, Text
from sglc.runtime.executor.records import CallRecord, RunRecord
from sglc.runtime.executor.stream import Stream

MAX_CHARS: Final = 2_000_000  # of all runs; what is behind is left out, and its runs are counted
_KINDS: Final[dict[type[Segment], str]] = {
    Text: "text",
    Special: "special",
    RoleBegin: "begin",
    RoleEnd: "end",
}


def said_data(runs: Sequence[RunRecord], max_chars: int = MAX_CHARS) -> dict[str, Any]:
    """Return the streams of ``runs`` as JSON, for the first runs that have ``max_chars`` in all.

    ``places`` lists places of the source. A version is ``[parent, kind, text, place]``: the number
    of an earlier version or -1, ``text``, ``special``, ``begin`` or ``end`` of a role, and the
    number of a place or -1. Of each call, in the order of starts, the version it went on from and
    the one it made: -1 where there is none. ``final`` is the last version of the prompt that was
    run.
    """
    places: dict[Loc, int] = {}
    told: list[dict[str, Any]] = []
    chars = 0
    for run in runs:
        data, count = _run(run, places)
        chars += count
        if chars > max_chars:
            break
        told.append(data)
    return {
        "places": list(map(str, places)),
        "runs": told,
        "left_out": len(runs) - len(told),
    }


def _run(run: RunRecord, places: dict[Loc, int]) -> tuple[dict[str, Any], int]:
    """The versions that calls and the end of the run know; how many characters they are."""
    numbers: dict[Stream | None, int] = {None: -1}
    versions: list[list[Any]] = []
    chars = 0

    def number(last: Stream | None) -> int:
        nonlocal chars
        new: list[Stream] = []
        version = last
        while version is not None and version not in numbers:
            new.append(version)
            version = version.parent
        for version in reversed(new):
            parent = numbers[version.parent]
            if version.segment is None:  # an empty stream
                numbers[version] = parent
                continue
            place = run.origins.get(version)
            at = -1 if place is None else places.setdefault(place, len(places))
            text = _text(version.segment)
            chars += len(text)
            numbers[version] = len(versions)
            versions.append([parent, _KINDS[type(version.segment)], text, at])
        return numbers[last]

    calls = [[number(c.prompt), number(c.result)] for c in in_order(run)]
    final = number(run.final)
    return {"run": run.number, "final": final, "calls": calls, "versions": versions}, chars


def in_order(run: RunRecord) -> list[CallRecord]:
    """The calls of a run by their starts, as the trace numbers them."""
    return sorted(run.calls, key=lambda call: call.start_ns)


def _text(segment: Segment) -> str:
    match segment:
        case Text(text):
            return text
        case Special(name):
            return name
        case RoleBegin(role) | RoleEnd(role):
            return role
