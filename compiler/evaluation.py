"""Functions run at compile time: the reference interpreter with a limit, for constant folding."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sglc.compiler.interpreter import OutOfSteps, interpret
from sglc.compiler.ir.graph import Module
from sglc.compiler.passes.base import NotConstant
from sglc.compiler.plan.segments import Segment

MAX_STEPS: Final = 10_000


class NoModel:
    """Stands for the model where only functions of the language are evaluated."""

    vocab_size = 0
    token_bytes: Sequence[bytes] = ()
    eos_ids: Collection[int] = ()

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        return []

    def encode_healed(self, segments: Sequence[Segment]) -> tuple[list[int], bytes]:
        return [], b""

    def text(self, segments: Sequence[Segment]) -> str:
        return ""

    def logits(self, ids: Sequence[int]) -> Sequence[float]:
        raise AssertionError("a function asks no model")


def evaluate_function(module: Module, name: str, arguments: Mapping[str, Any]) -> Any:
    """Return what a function that asks no model and calls no tool gives.

    Raises:
        NotConstant: it fails, or takes more than ``MAX_STEPS`` ops.
    """
    try:
        outcome = interpret(module, name, arguments, NoModel(), max_steps=MAX_STEPS)
    except OutOfSteps:
        raise NotConstant(f"@{name} takes too long") from None
    if outcome.error is not None:
        raise NotConstant(f"@{name}: {outcome.error}")
    return outcome.value
