"""What the requests of a benchmark took, one by one and together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Outcome:
    """How one request went.

    ``first_s`` is the time until the first token, None where the reply came as a whole; ``gaps_s``
    has one entry for each token after the first; ``error`` says why the request failed.
    """

    num_input: int = 0
    num_output: int = 0
    latency_s: float = 0.0
    first_s: float | None = None
    gaps_s: list[float] = field(default_factory=list)
    error: str | None = None

    @property
    def per_token_s(self) -> float | None:
        """The mean time of a token after the first, None where there is none."""
        if self.first_s is None or self.num_output < 2:
            return None
        return (self.latency_s - self.first_s) / (self.num_output - 1)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which ``percent`` of ``values`` lie, between two on a line.

    Raises:
        ValueError: there are no values, or ``percent`` is not in [0, 100].
    """
    if not values:
        raise ValueError("there are no values to take a percentile of")
    if not 0 <= percent <= 100:
        raise ValueError(f"percent must be in [0, 100], not {percent}")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low, high = math.floor(place), math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def summary(outcomes: Sequence[Outcome], duration_s: float) -> dict[str, Any]:
    """Return counts, throughput and times by SGLang's names; a time that was not seen is None.

    Failed requests count as such alone.
    """
    done = [outcome for outcome in outcomes if outcome.error is None]
    num_input = sum(outcome.num_input for outcome in done)
    num_output = sum(outcome.num_output for outcome in done)
    found: dict[str, Any] = {
        "duration": duration_s,
        "completed": len(done),
        "failed": len(outcomes) - len(done),
        "total_input_tokens": num_input,
        "total_output_tokens": num_output,
        "request_throughput": len(done) / duration_s,
        "input_throughput": num_input / duration_s,
        "output_throughput": num_output / duration_s,
        "total_throughput": (num_input + num_output) / duration_s,
        "concurrency": sum(outcome.latency_s for outcome in done) / duration_s,
    }
    times = {
        "e2e_latency": [outcome.latency_s for outcome in done],
        "ttft": [outcome.first_s for outcome in done if outcome.first_s is not None],
        "tpot": [tpot for outcome in done if (tpot := outcome.per_token_s) is not None],
        "itl": [gap for outcome in done for gap in outcome.gaps_s],
    }
    for name, seconds in times.items():
        found |= _spread(name, seconds)
    return found


def _spread(name: str, seconds: Sequence[float]) -> dict[str, float | None]:
    ms = [1000 * each for each in seconds]
    return {
        f"mean_{name}_ms": statistics.fmean(ms) if ms else None,
        f"median_{name}_ms": statistics.median(ms) if ms else None,
        f"p99_{name}_ms": percentile(ms, 99) if ms else None,
    }
