"""The prefix tree of a trace as rows: what prompts share, what was reused and might have been."""

from __future__ import annotations

from typing import Any, Final

from sglc.viz.places import Places
from sglc.viz.trace import Trace

MAX_ROWS: Final = 1500
MAX_KEYS: Final = 60  # of a row; the rows near the root belong to everything anyway


def prefixes_view(trace: Trace, places: Places) -> dict[str, Any]:
    """Return the rows, parents before children, and the sums over all nodes."""
    calls = {(run.number, call.number): call for run in trace.runs for call in run.calls}
    keys: list[dict[str, None]] = [{} for _ in trace.nodes]
    depths: list[int] = []
    for node in trace.nodes:
        depths.append(0 if node.parent < 0 else depths[node.parent] + 1)
    for number in reversed(range(len(trace.nodes))):
        node = trace.nodes[number]
        for end in node.calls:
            found = places.keys(calls[end].place, calls[end].op)
            keys[number] |= dict.fromkeys(found)
        if node.parent >= 0 and len(keys[node.parent]) < MAX_KEYS:
            keys[node.parent] |= keys[number]
    rows = [
        {
            "depth": depth,
            "text": node.text,
            "tokens": node.tokens,
            "asked": node.asked,
            "all": node.tokens * node.asked,
            "expected": node.expected,
            "reused": node.reused,
            "written": node.is_written,
            "ends": len(node.calls),
            "keys": list(own),
        }
        for node, depth, own in zip(trace.nodes, depths, keys, strict=True)
    ]
    prompts = [node for node in trace.nodes if node.asked]
    notes = []
    if len(rows) > MAX_ROWS:
        notes.append(f"{len(rows) - MAX_ROWS} more nodes are not shown")
    if trace.calls_left_out:
        notes.append(f"the trace left {trace.calls_left_out} calls out")
    return {
        "rows": rows[:MAX_ROWS],
        "note": "; ".join(notes),
        "tokens": sum(node.tokens for node in prompts),
        "all": sum(node.tokens * node.asked for node in prompts),
        "expected": sum(node.expected for node in prompts),
        "reused": sum(node.reused for node in prompts),
    }
