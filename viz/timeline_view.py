"""The timeline of a trace as shapes with coordinates: calls in lanes, the engine beneath.

Time runs from left to right. A call is a bar of its phases; below it a thinner bar divides its
tokens. Calls of the critical path are underlined, and a line leads from each to the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from sglc.viz.places import Places
from sglc.viz.trace import TOKENS, Call, Run, Sample, Trace

LEFT: Final = 96.0  # for the names of lanes
LEAST: Final = 900.0
MOST: Final = 8000.0
CALL_WIDTH: Final = 70.0  # of a call of average length, as far as there is room
LANE: Final = 34.0
HEAD: Final = 22.0
CHART: Final = 56.0
COLUMNS: Final = 700  # of a chart
MAX_CALLS: Final = 2500
SERIES: Final = {
    "batch": ("decode", "prefill"),
    "waiting": ("streams",),
    "KV slots": ("held", "cached"),
}


def timeline_view(trace: Trace, places: Places) -> dict[str, Any]:
    """Return the drawing: runs with their calls, charts of the engine, and a note."""
    runs, note = _drawn(trace.runs)
    end = max((run.end for run in trace.runs), default=0.0) or 1.0
    longest = max((_lane_len(run) for run in runs), default=1)
    width = min(MOST, max(LEAST, CALL_WIDTH * longest))
    scale = width / end
    y = HEAD
    drawn: list[dict[str, Any]] = []
    for run in runs:
        shape = _run(run, y, scale, places)
        drawn.append(shape)
        y += shape["h"] + 8
    charts = []
    for name, series in SERIES.items():
        samples = trace.counters.get(name, [])
        if any(sample.values.get(key) for sample in samples for key in series):
            charts.append(_chart(name, series, samples, y + 14, scale, end))
            y += CHART + 22
    return {
        "width": round(LEFT + width + 12, 1),
        "height": round(y + 8, 1),
        "left": LEFT,
        "ticks": _ticks(end, scale),
        "runs": drawn,
        "charts": charts,
        "note": note,
    }


def _drawn(runs: Sequence[Run]) -> tuple[list[Run], str]:
    """The slowest run and the first ones, as many calls as are drawn; in words, what is not."""
    slowest = max(runs, key=lambda run: run.end - run.begin, default=None)
    left = MAX_CALLS - (len(slowest.calls) if slowest else 0)
    found = []
    for run in runs:
        if run is not slowest:
            left -= len(run.calls)
        if run is slowest or left >= 0:
            found.append(run)
    notes = []
    if len(found) < len(runs):
        notes.append(f"{len(runs) - len(found)} more runs are not drawn")
    if slowest and len(slowest.calls) > MAX_CALLS:
        notes.append(f"{len(slowest.calls) - MAX_CALLS} more calls of the run are not drawn")
        found = [replace(slowest, calls=slowest.calls[:MAX_CALLS])]
    return found, "; ".join(notes)


def _lane_len(run: Run) -> int:
    return max(Counter(call.lane for call in run.calls).values(), default=1)


def _run(run: Run, y: float, scale: float, places: Places) -> dict[str, Any]:
    lanes = {lane: row for row, lane in enumerate(sorted({call.lane for call in run.calls}))}
    calls = [_call(call, y + HEAD + LANE * lanes[call.lane], scale, places) for call in run.calls]
    critical = [shape for call, shape in zip(run.calls, calls, strict=True) if call.is_critical]
    path = [[[a["x"] + a["w"], a["y"] + 25], [b["x"], b["y"] + 25]] for a, b in pairwise(critical)]
    ms = (run.end - run.begin) / 1000
    return {
        "label": f"run {run.instance} · {ms:.1f} ms",
        "x": _round(LEFT + run.begin * scale),
        "w": _round((run.end - run.begin) * scale),
        "y": _round(y),
        "h": HEAD + LANE * len(lanes),
        "host": [
            [_round(LEFT + begin * scale), _round((end - begin) * scale)]
            for begin, end in _alone(run)
        ],
        "calls": calls,
        "path": path,
    }


def _alone(run: Run) -> list[tuple[float, float]]:
    """The times in which no call of the run is open: the host computes."""
    found, at = [], run.begin
    for call in sorted(run.calls, key=lambda call: call.begin):
        if call.begin > at:
            found.append((at, call.begin))
        at = max(at, call.end)
    return [*found, (at, run.end)] if run.end > at else found


def _call(call: Call, y: float, scale: float, places: Places) -> dict[str, Any]:
    x, width = LEFT + call.begin * scale, (call.end - call.begin) * scale
    name = f"{call.op} {call.name}".strip()
    spent: dict[str, float] = {}
    for phase in call.phases:
        spent[phase.name] = spent.get(phase.name, 0.0) + phase.end - phase.begin
    times = [f"{phase} {time / 1000:.1f} ms" for phase, time in spent.items()]
    tokens = [f"{call.tokens[key]} {key}" for key in TOKENS if call.tokens[key]]
    words = ", ".join([*times, *([" + ".join(tokens) + " tokens"] if tokens else [])])
    if call.has_joined:
        words += "; an equal call did the work"
    if call.is_wasted:
        words += "; for an arm that was not taken"
    return {
        "name": name,
        "keys": places.keys(call.place, call.op),
        "x": _round(x),
        "y": _round(y),
        "w": max(1.0, _round(width)),
        "critical": call.is_critical,
        "wasted": call.is_wasted,
        "phases": [
            [p.name, _round(LEFT + p.begin * scale), max(0.5, _round((p.end - p.begin) * scale))]
            for p in call.phases
        ],
        "bar": _bar(call.tokens, x, max(1.0, width)),
        "words": f"{(call.end - call.begin) / 1000:.1f} ms: {words}",
        "at": ":".join((call.place or "").rsplit(":", 2)[1:]),
    }


def costs(trace: Trace, places: Places) -> dict[str, str]:
    """By key of a place, what its calls came to over all runs, in words."""
    sums: dict[str, Counter[str]] = {}
    for run in trace.runs:
        for call in run.calls:
            keys = places.keys(call.place, call.op)
            if keys:
                total = sums.setdefault(keys[0], Counter())
                total.update(call.tokens)
                total["calls"] += 1
                total["us"] += round(call.end - call.begin)
    return {key: _sum_words(total) for key, total in sums.items()}


def _sum_words(total: Mapping[str, int]) -> str:
    calls = "1 call" if total["calls"] == 1 else f"{total['calls']} calls"
    words = [calls, f"{total['us'] / 1000:.1f} ms"]
    if total["prompt"]:
        words.append(f"{total['prompt']} prompt tokens")
    words += [f"{total[key]} {key}" for key in TOKENS if total[key]]
    return " · ".join(words)


def _bar(tokens: Mapping[str, int], x: float, width: float) -> list[list[Any]]:
    """The width of a call divided among its tokens: kind, place, width, count."""
    total = sum(tokens[key] for key in TOKENS)
    found: list[list[Any]] = []
    for key in TOKENS:
        if tokens[key]:
            part = width * tokens[key] / total
            found.append([key, _round(x), _round(part), tokens[key]])
            x += part
    return found


def _chart(
    name: str,
    series: Sequence[str],
    samples: Sequence[Sample],
    y: float,
    scale: float,
    end: float,
) -> dict[str, Any]:
    """Areas upon each other, each the largest of its column of time."""
    columns = _columns(samples, series, end)
    most = max(max((sum(column) for column in columns), default=0), 1)
    step = end * scale / len(columns)
    areas = []
    for index, key in enumerate(series):
        tops = [sum(column[: index + 1]) for column in columns]
        points: list[list[float]] = []
        for number, top in enumerate(tops):
            at = _round(y + CHART * (1 - top / most))
            x = _round(LEFT + step * number)
            if number and tops[number - 1] == top:
                points[-1] = [_round(x + step), at]
            else:
                points += [[x, at], [_round(x + step), at]]
        areas.append({"name": key, "points": points})
    return {"name": name, "y": _round(y), "h": CHART, "most": most, "areas": areas[::-1]}


def _columns(samples: Sequence[Sample], series: Sequence[str], end: float) -> list[tuple[int, ...]]:
    """What the counters were in each column: those of the sample with the largest sum."""
    count = COLUMNS
    found: list[tuple[int, ...]] = []
    zero = (0,) * len(series)
    last, at = zero, 0
    for number in range(count):
        best = last
        while at < len(samples) and samples[at].at < end * (number + 1) / count:
            last = tuple(samples[at].values.get(key, 0) for key in series)
            best = max(best, last, key=sum)
            at += 1
        found.append(best)
    return found


def _ticks(end: float, scale: float) -> list[list[Any]]:
    """Round times about 100 px apart: place and words."""
    about = 100 / scale
    step = next(
        (m * 10.0**e for e in range(-1, 12) for m in (1, 2, 5) if m * 10.0**e >= about), end
    )
    return [
        [_round(LEFT + step * number * scale), f"{step * number / 1000:g} ms"]
        for number in range(int(end / step) + 1)
    ]


def _round(value: float) -> float:
    return round(value, 1)
