"""What passes report: one record for every change, as data and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sglc.compiler.ir.op import Op, walk
from sglc.compiler.ir.traits import places


class Saved(NamedTuple):
    """What a change saves each time its place is run, as far as that is known at compile time.

    ``ops`` are nodes of the plan and ``calls`` calls of the model, both exact but for what stands
    in loops, which counts once. ``max_tokens`` is the most tokens that those calls could have
    decoded, and so the most decode steps; None where an option says it at run time only. ``steps``
    are decode steps of the calls that stay, with a token for each byte; ``queue_entries`` is how
    often less a stream is queued; ``prefill`` the most tokens that are not prefilled again, None
    where it is not known. ``stopped`` is the most calls, of a model, a tool or
    what asks these, that are stopped before their end.
    """

    ops: int = 0
    calls: int = 0
    max_tokens: int | None = 0
    steps: int = 0
    queue_entries: int = 0
    prefill: int | None = 0
    stopped: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one pass. ``places`` are where in the source it comes from, as text."""

    pass_name: str
    function: str
    places: tuple[str, ...]
    before: str
    after: str
    saved: Saved

    def to_data(self) -> dict[str, Any]:
        """Return the record as JSON-able data."""
        return {
            "pass": self.pass_name,
            "function": self.function,
            "places": list(self.places),
            "before": self.before,
            "after": self.after,
            "saved": self.saved._asdict(),
        }

    def __str__(self) -> str:
        place = self.places[0] if self.places else f"@{self.function}"
        gains = [_count(self.saved.calls, "call")] if self.saved.calls else []
        if self.saved.calls and self.saved.max_tokens:
            gains.append(f"up to {self.saved.max_tokens} tokens")
        if self.saved.queue_entries:
            gains.append(f"{self.saved.queue_entries} in the queue")
        if self.saved.prefill:
            gains.append(f"up to {self.saved.prefill} prefilled tokens")
        gain = f"  ({', '.join(gains)} less)" if gains else ""
        if self.saved.stopped:
            gain += f"  (up to {_count(self.saved.stopped, 'call')} stopped)"
        return f"{place}: {self.pass_name}: {self.before} -> {self.after}{gain}"


def change(
    pass_name: str, function: str, ops: Sequence[Op], before: str, after: str, saved: Saved
) -> Change:
    """Return a record about ``ops``, the ones that were there before."""
    found = dict.fromkeys(str(place) for op in ops for place in places(op))
    return Change(pass_name, function, tuple(found), before, after, saved)


def cost(ops: Sequence[Op]) -> Saved:
    """Return what is saved when ``ops`` and all inside them are gone."""
    every = list(walk(ops))
    calls = [op for op in every if op.spec.model]
    limits = [op.attrs.get("max_tokens", 0) for op in calls if op.kwarg("max_tokens") is None]
    known = [limit for limit in limits if isinstance(limit, int)]
    total = sum(known) if len(known) == len(calls) else None
    return Saved(len(every), len(calls), total)


def summary(changes: Sequence[Change]) -> str:
    """Return the records as lines, and how many each pass made."""
    if not changes:
        return "no pass changed anything\n"
    counts = Counter(record.pass_name for record in changes)
    calls = sum(record.saved.calls for record in changes)
    totals = ", ".join(f"{name} {count}" for name, count in counts.items())
    total = f"{_count(len(changes), 'change')} ({totals})"
    less = f"; {_count(calls, 'model call')} less" if calls else ""
    lines = [*map(str, changes), total + less]
    return "".join(line + "\n" for line in lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
