"""One sampling step in plain Python: the meaning that ``core/sampling.py`` states, spelled out.

The oracle of the vectorised sampler, and what a reference interpreter samples with.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from sglc.runtime.core.sampling import SamplingParams


def sample_reference(
    logits: Sequence[float],
    params: SamplingParams,
    u: float,
    *,
    allowed: Sequence[bool] | None = None,
    seen: Collection[int] = (),
    produced: Sequence[int] = (),
    end_ids: Collection[int] = (),
) -> int:
    """Choose a token id.

    Args:
        logits: one row, [V].
        params: how to choose.
        u: ``uniform(key, len(produced))``; not looked at when greedy.
        allowed: per id, what the constraint allows; None allows all.
        seen: every token of the stream so far, prompt and ``produced`` included.
        produced: the tokens of this decode so far, in order.
        end_ids: end-of-sequence and stop ids, forbidden for ``min_new_tokens`` tokens.

    Raises:
        ValueError: no token is allowed.
    """
    row = adjusted(logits, params, seen=seen, produced=produced, end_ids=end_ids)
    if allowed is not None:
        row = [x if ok else -math.inf for x, ok in zip(row, allowed, strict=True)]
    best = max(range(len(row)), key=row.__getitem__)
    if row[best] == -math.inf:
        raise ValueError("no token is allowed")
    if params.is_greedy:
        return best
    weights = [math.exp((x - row[best]) / params.temperature) for x in row]
    probs = {i: p for i, p in enumerate(_normalised(weights)) if p > 0.0}
    if params.top_k != -1:
        order = sorted(probs, key=lambda i: (-probs[i], i))
        probs = _renormalised(probs, order[: params.top_k])
    if params.top_p < 1.0:
        order = sorted(probs, key=lambda i: (-probs[i], i))
        total, count = 0.0, 0
        while count < len(order) and total < params.top_p:
            total += probs[order[count]]
            count += 1
        probs = _renormalised(probs, order[:count])
    if params.min_p > 0.0:
        least = params.min_p * max(probs.values())
        probs = _renormalised(probs, [i for i, p in probs.items() if p >= least])
    total = 0.0
    for i in sorted(probs):
        total += probs[i]
        if total > u:
            return i
    return max(probs)  # rounding left the sum at or below u


def adjusted(
    logits: Sequence[float],
    params: SamplingParams,
    *,
    seen: Collection[int] = (),
    produced: Sequence[int] = (),
    end_ids: Collection[int] = (),
) -> list[float]:
    """Return the row after penalties, bias and ``min_new_tokens``."""
    row = list(logits)
    if params.repetition_penalty != 1.0:
        for i in set(seen):
            factor = params.repetition_penalty
            row[i] = row[i] / factor if row[i] > 0 else row[i] * factor
    for i in set(produced):
        row[i] -= params.frequency_penalty * produced.count(i)
        row[i] -= params.presence_penalty
    for i, bias in params.logit_bias:
        row[i] += bias
    if len(produced) < params.min_new_tokens:
        for i in end_ids:
            row[i] = -math.inf
    return row


def log_softmax_reference(logits: Sequence[float]) -> list[float]:
    """Natural logarithms of the probabilities of a raw row: what logprobs report."""
    top = max(logits)
    total = top + math.log(math.fsum(math.exp(x - top) for x in logits))
    return [x - total for x in logits]


def top_reference(logprobs: Sequence[float], count: int) -> tuple[tuple[int, float], ...]:
    """The ``count`` most probable tokens with their log probabilities, ties by id."""
    order = sorted(range(len(logprobs)), key=lambda i: (-logprobs[i], i))
    return tuple((i, logprobs[i]) for i in order[:count])


def _normalised(weights: list[float]) -> list[float]:
    total = sum(weights)
    return [w / total for w in weights]


def _renormalised(probs: dict[int, float], keep: list[int]) -> dict[int, float]:
    total = sum(probs[i] for i in keep)
    return {i: probs[i] / total for i in keep}
