"""Estimates: what runs of a program cost, before any of them.

The graph is run on abstract values: what is known is computed, what a model or a tool will say is a
text of so many bytes. Each figure is an interval that holds the actual one of every run that does
not fail, on an engine whose cache is empty at first. Where the cache may be full, nobody knows how
often tokens are computed again: what depends on that has no upper end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sglc.compiler.cost.calibration import UNCALIBRATED, Calibration
from sglc.compiler.cost.calls import Calls, Evaluate
from sglc.compiler.cost.decodes import Settings
from sglc.compiler.cost.flows import World
from sglc.compiler.cost.frames import Frame, place_of
from sglc.compiler.cost.interval import ZERO, Interval
from sglc.compiler.cost.symbols import Encoder, Meter
from sglc.compiler.cost.tally import Figures, Place, Tally
from sglc.compiler.cost.trie import Trie, Work
from sglc.compiler.cost.values import Known, of_type
from sglc.compiler.cost.versions import Version
from sglc.compiler.ir.graph import Module
from sglc.compiler.plan.segments import from_words
from sglc.constraints.types import MISSING

__all__ = ["Estimate", "Evaluate", "Settings", "estimate"]

_DEFAULT: Final = Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What ``num_runs`` runs cost, side by side on one engine.

    ``places``: by place in the source. ``whole``: in all; what several places share is in it once.
    ``slots``: the most slots of the KV cache in use at once, if nothing has to be evicted.
    ``steps``: forward passes. ``longest``: tokens of the longest stream, and the place where it
    ends. ``seconds``: by ``calibration``, tools included.
    """

    num_runs: int
    places: Mapping[Place, Figures]
    whole: Figures
    slots: Interval
    steps: Interval
    seconds: Interval
    longest: float
    longest_at: Place
    calibration: Calibration

    @property
    def tokens(self) -> Interval:
        """Tokens computed or sampled: what a budget is about."""
        return self.whole.prefilled.plus(self.whole.decoded).plus(self.whole.scored)

    def to_data(self) -> dict[str, Any]:
        """Return the estimate as JSON-able data; an interval is a list of two."""
        longest = None if self.longest == math.inf else self.longest
        return {
            "runs": self.num_runs,
            "places": [
                {"loc": None if place is None else str(place), **figures.to_data()}
                for place, figures in self.places.items()
            ],
            "total": {
                **self.whole.to_data(),
                "steps": self.steps.to_data(),
                "peak_slots": self.slots.to_data(),
                "seconds": self.seconds.to_data(),
            },
            "longest": {"tokens": longest, "loc": str(self.longest_at)},
            "calibration": self.calibration.to_data(),
        }


def estimate(
    module: Module,
    entry: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    encoder: Encoder | None = None,
    evaluate: Evaluate | None = None,
    settings: Settings = _DEFAULT,
    calibration: Calibration = UNCALIBRATED,
) -> Estimate:
    """Estimate one run per row of arguments. What a row does not say of a parameter without a
    default is any value of its type.

    Args:
        encoder: of the model; without it the tokens of texts are ranges.
        evaluate: runs functions of the program whose arguments are known.

    Raises:
        KeyError: there is no such function, or it has no such parameter.
    """
    function = module.functions[entry]
    meter = Meter(encoder)
    calls = Calls(module, meter, Trie(meter), settings)
    params = {param.name: param for param in function.params}
    total = Tally()
    for row in rows:
        given = {name: Known(value) for name, value in row.items() if params[name]}
        defaults = {
            name: of_type(param.type) if param.default is MISSING else Known(param.default)
            for name, param in params.items()
        }
        world = World(calls, evaluate or _evaluate_nothing)
        Frame(world, function, {**defaults, **given}, Version()).run()
        world.tally.whole = _limited(world.tally.whole, settings)
        total.include(world.tally)
    return _finished(total, calls, len(rows), calibration)


def _evaluate_nothing(module: Module, name: str, arguments: Mapping[str, Any]) -> Any:
    raise LookupError(name)


def _limited(figures: Figures, settings: Settings) -> Figures:
    """A run ends when it has used up its limits."""
    return replace(figures, calls=figures.calls.at_most(settings.max_calls))


def _finished(total: Tally, calls: Calls, num_runs: int, calibration: Calibration) -> Estimate:
    least = calls.trie.least()
    pinned = _pinned(calls).times(Interval(0, num_runs))
    whole = _with_pinned(_with_least(total.whole, least.prefilled, least.work), pinned)
    places = {
        place: _with_pinned(
            _with_least(
                _within(figures, whole),
                least.prefilled_at.get(place, 0),
                least.work_at.get(place, Work()),
            ),
            pinned,
        )
        for place, figures in total.by_line().items()
    }
    most = whole.prefilled.hi + whole.decoded.hi + whole.scored.hi
    kept = least.prefilled - sum(
        least.prefilled_at.get(each, 0) for each in _freed_at(calls.module)
    )
    slots = Interval(min(kept, most), most)
    num_slots = calls.settings.num_slots
    if num_slots is not None and most > num_slots:
        slots = slots.at_most(num_slots)
        whole = _without_cache(whole)
        places = {place: _without_cache(figures) for place, figures in places.items()}
    steps = Interval(min(calls.fewest_steps, whole.steps.hi), whole.steps.hi)
    length, op = calls.longest
    return Estimate(
        num_runs=num_runs,
        places=places,
        whole=replace(whole, steps=steps),
        slots=slots,
        steps=steps,
        seconds=_seconds(whole, steps, calibration),
        longest=length,
        longest_at=None if op is None else place_of(op),
        calibration=calibration,
    )


def _with_least(figures: Figures, least: float, work: Work) -> Figures:
    """Raise the lower ends to what the trie says is surely done."""
    prefilled = Interval(min(least, figures.prefilled.hi), figures.prefilled.hi)
    most = max(figures.cached.hi - prefilled.lo, 0)
    fewest = 0 if prefilled.hi == math.inf else max(figures.cached.lo - prefilled.hi, 0)
    return replace(
        figures,
        prompt=_raised(figures.prompt, work.prompt),
        cached=Interval(min(fewest, most), most),
        prefilled=prefilled,
        decoded=_raised(figures.decoded, work.decoded),
        scored=_raised(figures.scored, work.scored),
    )


def _pinned(calls: Calls) -> Interval:
    """Tokens of the beginnings that the executor looks up once more, to keep them in the cache."""
    total = ZERO
    for words in calls.module.hints.get("prefixes") or ():  # type: ignore[union-attr]  # a list
        version = Version()
        for segment in from_words(words):  # type: ignore[arg-type]  # of texts
            version = version.append(segment)
        total = total.plus(calls.meter.walk(version).span)
    return total


def _freed_at(module: Module) -> set[Place]:
    """The places of calls whose K/V may be freed when they end, before other calls begin."""
    return {place_of(op) for _, op in module.walk() if op.attrs.get("insert") is False}


def _without_cache(figures: Figures) -> Figures:
    """What is computed may be given up, and computed again."""
    if figures.prompt == ZERO:
        return figures
    return replace(
        figures,
        cached=Interval(0, math.inf),
        prefilled=Interval(figures.prefilled.lo, math.inf),
        scored=Interval(figures.scored.lo, math.inf) if figures.scored != ZERO else ZERO,
        steps=Interval(figures.steps.lo, math.inf),
    )


def _with_pinned(figures: Figures, pinned: Interval) -> Figures:
    """Whoever asks first for a beginning is charged with it."""
    if pinned == ZERO or figures.calls == ZERO:
        return figures
    return replace(figures, prompt=figures.prompt.plus(pinned), cached=figures.cached.plus(pinned))


def _raised(interval: Interval, by: float) -> Interval:
    return Interval(min(interval.lo + by, interval.hi), interval.hi)


def _within(figures: Figures, whole: Figures) -> Figures:
    """No place computes more than all of them."""
    return replace(figures, prefilled=figures.prefilled.at_most(whole.prefilled.hi))


def _seconds(whole: Figures, steps: Interval, calibration: Calibration) -> Interval:
    """At best all that can runs at once; at worst one thing after the other."""
    c = calibration
    low = high = 0.0
    if whole.prefilled.lo:
        low += c.prefill(whole.prefilled.lo)
    low += steps.lo * c.step_s + whole.decoded.lo * c.step_stream_s
    high += whole.calls.hi * (c.prefill_s + c.call_s)
    high += (whole.prefilled.hi + whole.scored.hi) * c.prefill_token_s
    high += whole.decoded.hi * c.step(1) if whole.decoded != ZERO else 0.0
    high += whole.tools.hi * c.tool_s if whole.tools != ZERO else 0.0
    return Interval(low, max(low, high))
