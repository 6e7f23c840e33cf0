"""A profile: what runs cost, by place in the source, with the engine's own counters beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sglc.compiler.plan.plan import Loc
from sglc.runtime.core.stats import NOTHING, StreamStats
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.records import PHASES, CallRecord, Phase, RunRecord


@dataclass(slots=True)
class Cost:
    """What calls cost, summed. ``calls`` are model calls, ``single_flight_hits`` those of them that
    took what an equal one got; ``critical_ns`` is their time on the critical paths of their runs.
    Calls that run side by side each have their own time, so the times may add up to more than the
    wall time. ``wasted_tokens`` were computed for arms that were not taken."""

    calls: int = 0
    single_flight_hits: int = 0
    tool_calls: int = 0
    stats: StreamStats = NOTHING
    spent_ns: dict[Phase, int] = field(default_factory=lambda: dict.fromkeys(PHASES, 0))
    critical_ns: int = 0
    wasted_tokens: int = 0

    def add_call(self, call: CallRecord) -> None:
        """Count a call; one that never got to the backend has cost time only."""
        self.calls += call.is_submitted and call.op not in ("tool", "warm")
        self.single_flight_hits += call.has_joined
        self.tool_calls += call.is_submitted and call.op == "tool"
        self.stats += call.stats
        if call.is_wasted:
            self.wasted_tokens += call.stats.computed_tokens
        for phase, spent_ns in call.spent_ns.items():
            self.spent_ns[phase] += spent_ns

    def add(self, other: Cost) -> None:
        """Count what something else cost, too."""
        self.calls += other.calls
        self.single_flight_hits += other.single_flight_hits
        self.tool_calls += other.tool_calls
        self.stats += other.stats
        self.critical_ns += other.critical_ns
        self.wasted_tokens += other.wasted_tokens
        for phase in PHASES:
            self.spent_ns[phase] += other.spent_ns[phase]

    def to_data(self) -> dict[str, Any]:
        """Return the cost as JSON; times in milliseconds."""
        return {
            "calls": self.calls,
            "single_flight_hits": self.single_flight_hits,
            "tool_calls": self.tool_calls,
            **asdict(self.stats),
            "wasted_tokens": self.wasted_tokens,
            **{f"{phase}_ms": ms(self.spent_ns[phase]) for phase in PHASES},
            "critical_ms": ms(self.critical_ns),
        }


@dataclass(frozen=True, slots=True)
class Profile:
    """The costs of the runs of a recorder, by place, in the order of files, lines and columns.

    ``wall_ns`` is the time from the first start to the last end. The critical path of a run is
    ``RunRecord.longest``; ``critical_ns`` sums their lengths. ``slowest`` is the run that took
    longest, ``counters`` what the backend itself, and the encoder, have counted meanwhile.
    ``speculated`` arms were begun before their decision, ``committed`` of those were taken.
    """

    places: Mapping[Loc | None, Cost]
    num_runs: int
    wall_ns: int
    critical_ns: int
    slowest: RunRecord | None
    counters: Mapping[str, int]
    speculated: int = 0
    committed: int = 0

    @classmethod
    def of(cls, recorder: Recorder) -> Profile:
        """Return the profile of the runs that have ended."""
        runs = [run for run in recorder.runs if run.end_ns >= 0]
        places: dict[Loc | None, Cost] = {}
        critical_ns = 0
        for run in runs:
            for call in run.calls:
                places.setdefault(call.loc, Cost()).add_call(call)
            if run.longest is not None:
                critical_ns += run.longest.length_ns
                for call in run.longest.calls():
                    places[call.loc].critical_ns += call.duration_ns
        wall_ns = max(r.end_ns for r in runs) - min(r.start_ns for r in runs) if runs else 0
        return cls(
            dict(sorted(places.items(), key=lambda item: _order(item[0]))),
            len(runs),
            wall_ns,
            critical_ns,
            max(runs, key=lambda run: run.duration_ns, default=None),
            recorder.counters(),
            sum(run.speculated for run in runs),
            sum(run.committed for run in runs),
        )

    @property
    def total(self) -> Cost:
        """The sum over all places."""
        return _sum(self.places.values())

    def lines(self, file: str) -> dict[int, Cost]:
        """Return the cost of each line of a file that has any."""
        lines: dict[int, Cost] = {}
        for loc, cost in self.places.items():
            if loc is not None and loc.file == file:
                lines.setdefault(loc.line, Cost()).add(cost)
        return lines

    def share(self, cost: Cost) -> float:
        """Return the part of the critical paths, from 0 to 1."""
        return cost.critical_ns / self.critical_ns if self.critical_ns else 0.0

    def to_data(self) -> dict[str, Any]:
        """Return the profile as JSON; times in milliseconds, shares from 0 to 1."""
        return {
            "runs": self.num_runs,
            "wall_ms": ms(self.wall_ns),
            "critical_ms": ms(self.critical_ns),
            "speculated": self.speculated,
            "committed": self.committed,
            "total": self.total.to_data(),
            "places": [
                {
                    "file": None if loc is None else loc.file,
                    "line": None if loc is None else loc.line,
                    "column": None if loc is None else loc.column,
                    **cost.to_data(),
                    "critical_share": self.share(cost),
                }
                for loc, cost in self.places.items()
            ],
            "slowest": None if self.slowest is None else _run_data(self.slowest),
            "engine": dict(self.counters),
        }


def ms(time_ns: int) -> float:
    """Nanoseconds as milliseconds."""
    return time_ns / 1_000_000


def _run_data(run: RunRecord) -> dict[str, Any]:
    calls = [] if run.longest is None else run.longest.calls()
    return {
        "instance": run.instance,
        "wall_ms": ms(run.duration_ns),
        "critical_ms": 0.0 if run.longest is None else ms(run.longest.length_ns),
        "critical_path": [
            {
                "loc": None if call.loc is None else str(call.loc),
                "op": call.op,
                "name": call.name,
                "path": call.path,
                "start_ms": ms(call.start_ns - run.start_ns),
                "ms": ms(call.duration_ns),
            }
            for call in calls
        ],
    }


def _sum(costs: Iterable[Cost]) -> Cost:
    total = Cost()
    for cost in costs:
        total.add(cost)
    return total


def _order(loc: Loc | None) -> tuple[str, int, int]:
    return ("", 0, 0) if loc is None else (loc.file, loc.line, loc.column)
