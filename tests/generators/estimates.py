"""Runs beside their estimates: what the engine counts must lie within the intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from generators.hash_model import MAX_CONTEXT, TOKENIZER, scheduler

from sglc.compiler.cost.estimate import Estimate, Settings, estimate
from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import NotConstant
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

Rows = Sequence[Mapping[str, Any]]
NUM_SLOTS = 50_000


def evaluate(module: Module, name: str, arguments: Mapping[str, Any]) -> Any:
    try:
        return evaluate_function(module, name, arguments)
    except NotConstant as error:
        raise LookupError(name) from error


def estimated(module: Module, entry: str, rows: Rows, *, has_tokenizer: bool = True) -> Estimate:
    return estimate(
        module,
        entry,
        rows,
        encoder=PromptEncoder(TOKENIZER, CHATML) if has_tokenizer else None,
        evaluate=evaluate,
        settings=Settings(max_context=MAX_CONTEXT),
    )


class Actual:
    """What runs of a module on the hash model have counted: in all, and by place."""

    def __init__(
        self,
        module: Module,
        entry: str,
        rows: Rows,
        tools: Mapping[str, Callable[..., Any]],
        seed: int = 3,
    ) -> None:
        backend = scheduler(NUM_SLOTS)
        encoder = PromptEncoder(TOKENIZER, CHATML)
        executor = Executor(backend, encoder, tools=ToolRegistry(dict(tools)))
        plan = lower_module(module, entry)
        runs = [executor.submit(plan, row, seed=seed, instance=i) for i, row in enumerate(rows)]
        executor.run_until_idle()
        executor.close()
        self.results: list[Result] = [run.result() for run in runs]
        counted = backend.stats()
        self.places: dict[Any, dict[str, int]] = {}
        for result in self.results:
            for place, stats in result.stats.items():
                here = self.places.setdefault(place, {})
                for name, value in _figures(stats).items():
                    here[name] = here.get(name, 0) + value
        self.whole = {
            "calls": sum(here["calls"] for here in self.places.values()),
            "prompt": sum(here["prompt"] for here in self.places.values()),
            "cached": sum(here["cached"] for here in self.places.values()),
            "prefilled": counted["prefilled_tokens"],
            "decoded": counted["decoded_tokens"],
            "forced": counted["forced_tokens"],
            "scored": counted["scored_tokens"],
            "steps": counted["forward_passes"],
        }
        self.slots = counted["peak_slots"]

    @property
    def failed(self) -> bool:
        return any(result.error is not None for result in self.results)


def _figures(stats: Any) -> dict[str, int]:
    return {
        "calls": stats.calls,
        "prompt": stats.prompt_tokens,
        "cached": stats.cached_tokens,
        "prefilled": stats.prefilled_tokens,
        "decoded": stats.decoded_tokens,
        "forced": stats.forced_tokens,
        "scored": stats.scored_tokens,
    }


def expect_covered(found: Estimate, actual: Actual) -> None:
    """Every figure lies in its interval; of runs that failed, below its upper end."""
    low = not actual.failed
    for name, value in actual.whole.items():
        interval = getattr(found.whole, name)
        assert interval.hi >= value, f"{name}: {value} is above {interval}"
        assert not low or interval.lo <= value, f"{name}: {value} is below {interval}"
    assert found.slots.hi >= actual.slots, f"slots: {actual.slots} is above {found.slots}"
    assert not low or found.slots.lo <= actual.slots, f"slots: {actual.slots} below {found.slots}"
    for place, figures in actual.places.items():
        for name, value in figures.items():
            assert place in found.places or not value, f"{place}: not in the estimate"
            interval = getattr(found.places[place], name)
            assert interval.hi >= value, f"{place} {name}: {value} is above {interval}"
            assert not low or interval.lo <= value, f"{place} {name}: {value} is below {interval}"
