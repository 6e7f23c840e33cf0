"""Log probabilities from raw logits: what a result reports, untempered and unmasked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

TopLogprobs = tuple[tuple[int, float], ...]


def token_logprobs(logits: Tensor, rows: Sequence[int], ids: Sequence[int]) -> list[float]:
    """Return the log probability of ``ids[i]`` in row ``rows[i]`` of logits [R, V]."""
    result: list[float] = []
    step = _rows_at_once(logits)
    for begin in range(0, len(rows), step):
        distinct = sorted(set(rows[begin : begin + step]))
        place = {row: i for i, row in enumerate(distinct)}
        x = logits[torch.tensor(distinct, device=logits.device)].double()
        at = torch.tensor([place[r] for r in rows[begin : begin + step]], device=logits.device)
        token = torch.tensor(ids[begin : begin + step], device=logits.device)
        result += (x[at, token] - x.logsumexp(dim=-1)[at]).tolist()
    return result


def top_logprobs(logits: Tensor, rows: Sequence[int], counts: Sequence[int]) -> list[TopLogprobs]:
    """Return, for each of ``rows``, its ``counts[i]`` most probable tokens, ties by id."""
    result: list[TopLogprobs] = [()] * len(rows)
    asked = [i for i, count in enumerate(counts) if count > 0]
    step = _rows_at_once(logits)
    for begin in range(0, len(asked), step):
        block = asked[begin : begin + step]
        x = logits[torch.tensor([rows[i] for i in block], device=logits.device)]
        found = _tops(x, min(max(counts[i] for i in block), x.shape[1]))
        for i, top in zip(block, found, strict=True):
            result[i] = top[: counts[i]]
    return result


def _rows_at_once(logits: Tensor) -> int:
    """How many rows are widened to float64 at once: few where they had to leave the cache."""
    size = 2**18 if logits.device.type == "cpu" else 2**23
    return max(1, size // logits.shape[1])


def _tops(x: Tensor, count: int) -> list[TopLogprobs]:
    """Return the ``count`` most probable tokens of each row [N, V], ties by id."""
    total = x.double().logsumexp(dim=-1, keepdim=True)
    best, ids = x.topk(count, dim=-1)  # float64 would put them in the same order
    num_best: list[int] = (x >= best[:, -1:]).sum(dim=-1).tolist()
    values = best.double() - total
    order = np.lexsort((ids.cpu().numpy(), -values.cpu().numpy()), axis=-1)
    at = torch.from_numpy(order).to(x.device)
    places: list[list[int]] = ids.gather(1, at).tolist()
    ordered: list[list[float]] = values.gather(1, at).tolist()
    found = [tuple(zip(*row, strict=True)) for row in zip(places, ordered, strict=True)]
    for i, number in enumerate(num_best):
        if number > count:  # which of the equal tokens at the border topk gives is left to chance
            found[i] = _top_with_ties(x[i], best[i, -1], total[i], count)
    return found


def _top_with_ties(row: Tensor, least: Tensor, total: Tensor, count: int) -> TopLogprobs:
    """Return the ``count`` most probable tokens of a row [V] of which more reach ``least``."""
    at = (row >= least).nonzero()[:, 0]
    values = (row[at].double() - total).cpu().numpy()
    ids = at.cpu().numpy()
    order = np.lexsort((ids, -values))[:count]
    return tuple((int(ids[i]), float(values[i])) for i in order)
