"""What each pass is worth: a program without passes, with all, and with all but one.

All of them run in turns on one engine, with the same rows and the same seed, from an empty cache;
what they give is compared while they are timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from sglc.compiler.ir.graph import Module
    from sglc.compiler.passes.pipeline import Pipeline
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.executor.run import Result
    from sglc.runtime.local import LocalHost

NO_PASSES: Final = "-O0"
COUNTERS: Final = {
    "queued": "queue_entries",
    "prefilled": "prefilled_tokens",
    "decoded": "decoded_tokens",
    "forced": "forced_tokens",
    "scored": "scored_tokens",
    "steps": "forward_passes",
    "slots": "peak_slots",
}


@dataclass(slots=True)
class Variant:
    """A pipeline and what came of it. ``without``: the pass that is left out, if one is.

    ``counts`` are those of one round; ``seconds`` of each round. ``differs``: None where what it
    gives was not compared, for ``reason``.
    """

    name: str
    plan: Plan
    without: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    differs: bool | None = False
    reason: str = ""

    def ratios(self, base: Variant) -> list[float]:
        """Its time against that of ``base``, by round."""
        return [mine / other for mine, other in zip(self.seconds, base.seconds, strict=True)]


def pipelines(base: Pipeline) -> Iterable[tuple[str, str | None, Pipeline]]:
    """Yield no passes, all of ``base``, and all but each of them."""
    from sglc.compiler.passes.pipeline import level

    yield NO_PASSES, None, level(0)
    yield "all", None, base
    for name in dict.fromkeys(each.name for each in base.passes + base.last):
        left = replace(
            base,
            passes=tuple(each for each in base.passes if each.name != name),
            last=tuple(each for each in base.last if each.name != name),
        )
        yield f"without {name}", name, left


def changes_tokens() -> frozenset[str]:
    """The passes that keep the text and its distribution, but not every token."""
    from sglc.compiler.passes.pipeline import level

    names = [{each.name for each in (*p.passes, *p.last)} for p in (level(1), level(2))]
    return frozenset(names[1] - names[0])


def draws(module: Module) -> bool:
    """Whether a program draws random numbers: other tokens are then other texts."""
    from sglc.compiler.ir.traits import draws as draws_op

    return any(draws_op(op) for _, op in module.walk())


def run_rounds(
    host: LocalHost,
    variants: Sequence[Variant],
    rows: Sequence[Mapping[str, Any]],
    *,
    seed: int,
    rounds: int,
    sampled: bool,
) -> list[str]:
    """Time every variant in every round, after one that counts for nothing; return what failed.

    Each is compared with ``all``, and ``all`` with the program without passes.
    """
    losing = changes_tokens()
    has_losing = any(variant.without in losing for variant in variants)
    base = next(variant for variant in variants if variant.name == "all")
    for number in range(rounds + 1):
        found = {}
        first = number % len(variants)
        order = [*variants[first:], *variants[:first]]
        for variant in order:
            found[variant.name], seconds = _run(host, variant, rows, seed)
            if number:
                variant.seconds.append(seconds)
        failures = [text for texts in found[NO_PASSES] for text in texts[1]]
        if failures:
            return failures
        for variant in variants:
            against = base if variant is not base else variants[0]
            is_losing = variant.without in losing if variant is not base else has_losing
            if variant.name == NO_PASSES:
                continue
            if sampled and is_losing:
                variant.differs = None
                variant.reason = "samples, and other tokens are other texts"
            elif found[variant.name] != found[against.name]:
                variant.differs = True
    return []


def _run(
    host: LocalHost, variant: Variant, rows: Sequence[Mapping[str, Any]], seed: int
) -> tuple[list[tuple[Any, list[str]]], float]:
    """Run all rows from an empty cache; return what each gave, and the seconds it took."""
    host.scheduler.reset()
    results: dict[int, Result] = {}
    start = time.perf_counter()
    if len(rows) == 1:
        results[0] = host.run(variant.plan, rows[0], seed=seed)
    else:
        results.update(host.run_batch(variant.plan, list(enumerate(rows)), seed=seed))
    seconds = time.perf_counter() - start
    counted = host.scheduler.stats()
    calls = sum(cost.calls for result in results.values() for cost in result.stats.values())
    variant.counts = {"calls": calls, **{k: counted[name] for k, name in COUNTERS.items()}}
    return [_seen(variant.plan, results[i]) for i in range(len(rows))], seconds


def _seen(plan: Plan, result: Result) -> tuple[Any, list[str]]:
    """What a caller sees of a run, and why it failed."""
    if result.error is not None:
        return None, [str(result.error)]
    if plan.functions[plan.entry].result is not None:
        return result.value, []
    return (result.captures, result.text, result.messages), []


def to_data(variants: Sequence[Variant]) -> list[dict[str, Any]]:
    """Return the variants as JSON-able data."""
    base = next(variant for variant in variants if variant.name == "all")
    return [
        {
            "name": variant.name,
            "without": variant.without,
            **variant.counts,
            "seconds": variant.seconds,
            "ratio": _spread(variant.ratios(base)),
            "equal": None if variant.differs is None else not variant.differs,
            "reason": variant.reason,
        }
        for variant in variants
    ]


def _spread(ratios: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def print_variants(variants: Sequence[Variant], stream: TextIO) -> None:
    """Print counters and times; a column that is empty everywhere is left out."""
    base = next(variant for variant in variants if variant.name == "all")
    names = [name for name in base.counts if any(v.counts[name] for v in variants)]
    rows = [["", *names, "ms", "time (spread)", ""]]
    for variant in variants:
        spread = _spread(variant.ratios(base))
        ratio = f"{spread['median']:.2f} ({spread['min']:.2f} to {spread['max']:.2f})"
        told = (
            "DIFFERS" if variant.differs else variant.reason and f"not compared: {variant.reason}"
        )
        counts = [str(variant.counts[name]) for name in names]
        best = f"{min(variant.seconds) * 1e3:.1f}"
        rows.append([variant.name, *counts, best, ratio, told])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        cells[0], cells[-1] = row[0].ljust(widths[0]), row[-1]
        print("  ".join(cells).rstrip(), file=stream)
