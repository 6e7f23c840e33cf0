"""What is counted, per place in the source and in all: sums, alternatives, repetitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sglc.compiler.cost.interval import ONE, ZERO, Interval
from sglc.compiler.plan.plan import Loc


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts of calls; the names are those of the engine's counters.

    ``prompt``: tokens given, of which ``cached`` are in the KV cache and ``prefilled`` computed,
    with those that constraints force; ``decoded``: sampled tokens, ``forced`` written without
    asking, ``scored`` those of choices; ``steps``: forward passes, each counted for every call that
    needs it; ``tools``: calls of tools.
    """

    calls: Interval = ZERO
    prompt: Interval = ZERO
    cached: Interval = ZERO
    prefilled: Interval = ZERO
    decoded: Interval = ZERO
    forced: Interval = ZERO
    scored: Interval = ZERO
    steps: Interval = ZERO
    tools: Interval = ZERO

    def plus(self, other: Figures) -> Figures:
        """Both, one after the other."""
        return Figures(**{n: getattr(self, n).plus(getattr(other, n)) for n in NAMES})

    def hull(self, other: Figures) -> Figures:
        """One of the two."""
        return Figures(**{n: getattr(self, n).hull(getattr(other, n)) for n in NAMES})

    def times(self, count: Interval) -> Figures:
        """As often as ``count`` says."""
        return Figures(**{n: getattr(self, n).times(count) for n in NAMES})

    def to_data(self) -> dict[str, Any]:
        """Return the intervals by name."""
        return {n: getattr(self, n).to_data() for n in NAMES}


NAMES = tuple(item.name for item in fields(Figures))
NOTHING = Figures()
Place = Loc | None


@dataclass(slots=True)
class Tally:
    """Figures by place, and of all of them together.

    The whole is not the sum of the places: a prefix that two of them share is computed by one, and
    which one is not known.
    """

    places: dict[Place, Figures] = field(default_factory=dict)
    whole: Figures = NOTHING

    def add(self, place: Place, figures: Figures, whole: Figures) -> None:
        """Count a call."""
        self.places[place] = self.places.get(place, NOTHING).plus(figures)
        self.whole = self.whole.plus(whole)

    def include(self, other: Tally, count: Interval = ONE) -> None:
        """Count all of another tally, as often as ``count`` says."""
        for place, figures in other.places.items():
            more = figures if count == ONE else figures.times(count)
            self.places[place] = self.places.get(place, NOTHING).plus(more)
        self.whole = self.whole.plus(other.whole if count == ONE else other.whole.times(count))

    def one_of(self, others: Iterator[Tally] | list[Tally]) -> None:
        """Count one of several tallies, nobody knows which."""
        tallies = list(others)
        if not tallies:
            return
        whole = tallies[0].whole
        for other in tallies[1:]:
            whole = whole.hull(other.whole)
        merged: dict[Place, Figures] = {}
        for place in {p: None for t in tallies for p in t.places}:
            found = [t.places.get(place, NOTHING) for t in tallies]
            figures = found[0]
            for other_figures in found[1:]:
                figures = figures.hull(other_figures)
            merged[place] = figures
        self.include(Tally(merged, whole))

    def by_line(self) -> Mapping[Place, Figures]:
        """The places in the order of the source."""

        def order(place: Place) -> tuple[bool, str, int, int]:
            if place is None:
                return True, "", 0, 0
            return False, place.file, place.line, place.column

        return {place: self.places[place] for place in sorted(self.places, key=order)}
