"""How the next token is chosen: the parameters of one decode.

One sampling step over a row of float32 logits means, in this order:

1. repetition penalty ``r`` on every token that occurs in the stream so far (prompt included):
   a positive logit is divided by ``r``, any other multiplied; then minus ``frequency_penalty``
   times the number of times this decode produced the token, minus ``presence_penalty`` if it did
   at all; then plus ``logit_bias``; then, while fewer than ``min_new_tokens`` tokens were
   produced, the end-of-sequence and stop ids are forbidden. Arithmetic is float64.
2. the constraint's mask forbids every token it does not allow.
3. ``temperature < 1e-6``: the largest logit, the lowest id among equals. Otherwise the float64
   softmax of ``(logits - max) / temperature``; the ``top_k`` most probable (ties: lower id
   first), renormalised; of those, sorted by probability (ties: lower id first), the smallest
   prefix whose cumulative probability reaches ``top_p``, renormalised; of those, the ones with a
   probability of at least ``min_p`` times the largest; renormalised.
4. the token is the first one in the order of ids whose cumulative probability exceeds
   ``uniform(key, n)``, where ``n`` is the number of tokens this decode has produced so far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

GREEDY_BELOW = 1e-6
FIELDS: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "repetition_penalty": "repetition_penalty",
    "min_tokens": "min_new_tokens",
}
"""The parameters by the names that programs have for them."""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """Parameters of one decode; the defaults are greedy.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = -1
    min_p: float = 0.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0
    min_new_tokens: int = 0
    logit_bias: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        _check("temperature", self.temperature, 0 <= self.temperature < math.inf, "at least 0")
        _check("top_p", self.top_p, 0 < self.top_p <= 1, "in (0, 1]")
        _check("top_k", self.top_k, self.top_k == -1 or self.top_k >= 1, "-1 or at least 1")
        _check("min_p", self.min_p, 0 <= self.min_p <= 1, "in [0, 1]")
        for name in ("frequency_penalty", "presence_penalty"):
            value: float = getattr(self, name)
            _check(name, value, -2 <= value <= 2, "in [-2, 2]")
        _check(
            "repetition_penalty", self.repetition_penalty, 0 < self.repetition_penalty <= 2,
            "in (0, 2]",
        )  # fmt: skip
        _check("min_new_tokens", self.min_new_tokens, self.min_new_tokens >= 0, "at least 0")
        ids = [token for token, _ in self.logit_bias]
        distinct = len(set(ids)) == len(ids) and all(token >= 0 for token in ids)
        _check("logit_bias", self.logit_bias, distinct, "pairs of distinct token ids and numbers")
        finite = all(-math.inf < bias < math.inf for _, bias in self.logit_bias)
        _check("logit_bias", self.logit_bias, finite, "finite")

    @property
    def is_greedy(self) -> bool:
        """Whether no random number is drawn."""
        return self.temperature < GREEDY_BELOW

    @property
    def has_penalties(self) -> bool:
        """Whether the choice depends on the tokens seen so far."""
        return (
            self.frequency_penalty != 0.0
            or self.presence_penalty != 0.0
            or self.repetition_penalty != 1.0
        )


def _check(name: str, value: object, ok: bool, wanted: str) -> None:
    if not ok:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
