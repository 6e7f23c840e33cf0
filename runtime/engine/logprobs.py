"""Log probabilities from raw logits: what a result reports, untempered and unmasked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

_BLOCK = 2**23

TopLogprobs = tuple[tuple[int, float], ...]


def token_logprobs(logits: Tensor, rows: Sequence[int], ids: Sequence[int]) -> list[float]:
    """Return the log probability of ``ids[i]`` in row ``rows[i]`` of logits [R, V]."""
    result: list[float] = []
    step = max(1, _BLOCK // logits.shape[1])
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
    result: list[TopLogprobs] = []
    for row, count in zip(rows, counts, strict=True):
        x = logits[row].double()
        count = min(count, len(x))
        if count == 0:
            result.append(())
            continue
        least = x.topk(count).values[-1]
        ids = (x >= least).nonzero()[:, 0]
        values = (x[ids] - x.logsumexp(dim=-1)).cpu().numpy()
        order = np.lexsort((ids.cpu().numpy(), -values))[:count]
        result.append(tuple((int(ids[i]), float(values[i])) for i in order))
    return result
