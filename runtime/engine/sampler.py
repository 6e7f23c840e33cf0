"""Choosing the next token of every stream of a step at once: ``core/sampling.py``, vectorised.

Greedy rows without further wishes cost one argmax for the whole batch, and one more under their
masks for those whose favourite is forbidden. The others are copied out, block by block, in float64.
The loops over streams below only collect indices; no loop runs over the vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.masks.mask import Mask, gather

_BLOCK = 2**23  # float64 numbers copied out at once
_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class Draw:
    """One token to choose.

    ``row`` indexes the logits; ``u`` is the uniform number (any when greedy). ``mask`` is the
    constraint's. ``banned`` are ids that ``min_new_tokens`` forbids now.
    ``seen`` [V] bool and ``counts`` [V] int64 are the tokens of the stream and how often this
    decode produced each; both are there when the parameters have penalties.
    """

    row: int
    params: SamplingParams
    u: float = 0.0
    mask: Mask | None = None
    banned: Collection[int] = ()
    seen: NDArray[np.bool_] | None = None
    counts: NDArray[np.int64] | None = None

    @property
    def is_argmax(self) -> bool:
        """Whether the answer is the argmax of what the mask leaves of the raw row."""
        return (
            not self.banned
            and self.params.is_greedy
            and not self.params.logit_bias
            and not self.params.has_penalties
        )


def argmax_rows(logits: Tensor) -> list[int]:
    """Return the id of the largest logit of each row [R, V], the lowest among equals."""
    if logits.device.type == "cpu":  # numpy's is vectorised, torch's is not
        found: list[int] = logits.numpy().argmax(axis=-1).tolist()
        return found
    ids: list[int] = logits.argmax(dim=-1).tolist()
    return ids


def sample(logits: Tensor, draws: Sequence[Draw]) -> list[int]:
    """Choose a token for each draw; logits [R, V] float32 are left as they are.

    A draw that nothing is allowed to gets -1.
    """
    chosen = [-1] * len(draws)
    simple = [i for i, draw in enumerate(draws) if draw.is_argmax]
    if simple:
        for i, token in zip(simple, _argmax(logits, [draws[i] for i in simple]), strict=True):
            chosen[i] = token
    others = [i for i, draw in enumerate(draws) if not draw.is_argmax]
    step = max(1, _BLOCK // logits.shape[1])
    for begin in range(0, len(others), step):
        block = others[begin : begin + step]
        for i, token in zip(block, _sample_block(logits, [draws[i] for i in block]), strict=True):
            chosen[i] = token
    return chosen


def _argmax(logits: Tensor, draws: Sequence[Draw]) -> list[int]:
    """Choose greedily, in float32.

    Widening to float64 keeps the order of numbers, so nothing is lost. What a model likes best is
    mostly allowed: the rows are masked only where it is not.
    """
    rows = _rows(logits, [draw.row for draw in draws])
    ids = argmax_rows(rows)
    wrong = [i for i, draw in enumerate(draws) if draw.mask is not None and ids[i] not in draw.mask]
    if wrong:
        limits = _limits([_present(draws[i].mask) for i in wrong], logits)
        left = torch.minimum(_rows(rows, wrong), limits)
        for i, token, row in zip(wrong, argmax_rows(left), left, strict=True):
            ids[i] = token if row[token] > -torch.inf else -1
    picked = torch.tensor([[max(token, 0)] for token in ids], device=rows.device)
    best: list[float] = rows.gather(1, picked)[:, 0].tolist()
    return [token if top > -torch.inf else -1 for token, top in zip(ids, best, strict=True)]


def _rows(logits: Tensor, rows: Sequence[int]) -> Tensor:
    if list(rows) == list(range(len(logits))):
        return logits
    return logits.index_select(0, torch.tensor(rows, device=logits.device))


def _limits(masks: Sequence[Mask], like: Tensor) -> Tensor:
    """Return what the logits may be at most: infinity where allowed, minus infinity elsewhere.

    [len(masks), V], all masks in one array and one look-up by the byte: eight tokens at once.
    """
    words = gather(masks).astype("<i4", copy=False)
    packed = torch.from_numpy(words.view(np.uint8)).to(like.device)  # [R, 4 W]
    table = _limits_of_bytes(like.dtype).to(like.device)
    wide = table.index_select(0, packed.view(-1).int()).view(len(masks), -1)
    return wide[:, : like.shape[1]]


@lru_cache(maxsize=4)
def _limits_of_bytes(dtype: torch.dtype) -> Tensor:
    """[256, 8]: for every byte of a mask, the limits of its tokens."""
    bits = torch.arange(256)[:, None] >> torch.arange(8) & 1
    return torch.where(bits.bool(), torch.inf, -torch.inf).to(dtype)


def _sample_block(logits: Tensor, draws: Sequence[Draw]) -> list[int]:
    device = logits.device
    x = logits[torch.tensor([d.row for d in draws], device=device)].double()  # [N, V]
    _apply_penalties(x, draws)
    _apply_bias(x, draws)
    _apply_masks(x, draws)
    best, chosen = x.max(dim=-1)
    random = [i for i, d in enumerate(draws) if not d.params.is_greedy]
    ids: list[int] = chosen.tolist()
    for i, top in enumerate(best.tolist()):
        if top == -np.inf:
            ids[i] = -1
    random = [i for i in random if ids[i] >= 0]
    if random:
        if len(random) < len(draws):
            x = x[torch.tensor(random, device=device)]
        for i, token in zip(random, _sample_random(x, [draws[i] for i in random]), strict=True):
            ids[i] = token
    return ids


def _apply_penalties(x: Tensor, draws: Sequence[Draw]) -> None:
    at = [i for i, d in enumerate(draws) if d.params.has_penalties]
    if not at:
        return
    rows = torch.tensor(at, device=x.device)
    y = x[rows]
    params = [draws[i].params for i in at]
    seen = torch.from_numpy(np.stack([_present(draws[i].seen) for i in at])).to(x.device)
    counts = torch.from_numpy(np.stack([_present(draws[i].counts) for i in at])).to(x.device)
    factor = _column([p.repetition_penalty for p in params], x)
    y = torch.where(seen & (factor != 1.0), torch.where(y > 0, y / factor, y * factor), y)
    y -= _column([p.frequency_penalty for p in params], x) * counts
    y -= _column([p.presence_penalty for p in params], x) * (counts > 0)
    x[rows] = y


def _apply_bias(x: Tensor, draws: Sequence[Draw]) -> None:
    rows: list[int] = []
    ids: list[int] = []
    values: list[float] = []
    for i, draw in enumerate(draws):
        for token, bias in draw.params.logit_bias:
            rows.append(i)
            ids.append(token)
            values.append(bias)
    if rows:
        at = (torch.tensor(rows, device=x.device), torch.tensor(ids, device=x.device))
        x.index_put_(at, torch.tensor(values, dtype=x.dtype, device=x.device), accumulate=True)


def _apply_masks(x: Tensor, draws: Sequence[Draw]) -> None:
    masked = [i for i, d in enumerate(draws) if d.mask is not None]
    if masked:
        limits = _limits([_present(draws[i].mask) for i in masked], x)
        if len(masked) == len(draws):
            torch.minimum(x, limits, out=x)
        else:
            rows = torch.tensor(masked, device=x.device)
            x[rows] = torch.minimum(x[rows], limits)
    pairs = [(i, token) for i, d in enumerate(draws) for token in d.banned]
    if pairs:
        x[torch.tensor([i for i, _ in pairs]), torch.tensor([t for _, t in pairs])] = -torch.inf


def _sample_random(x: Tensor, draws: Sequence[Draw]) -> list[int]:
    """Sample rows [N, V] of adjusted logits, each with a finite maximum."""
    params = [d.params for d in draws]
    x = (x - x.max(dim=-1, keepdim=True).values) / _column([p.temperature for p in params], x)
    probs = torch.softmax(x, dim=-1)
    vocab = probs.shape[1]
    ks = [vocab if p.top_k == -1 else min(p.top_k, vocab) for p in params]
    if min(ks) < vocab:
        probs = _keep_top_k(probs, ks)
    if any(p.top_p < 1.0 for p in params):
        probs = _keep_top_p(probs, [p.top_p for p in params])
    if any(p.min_p > 0.0 for p in params):
        probs = _keep_min_p(probs, [p.min_p for p in params])
    total = probs.cumsum(dim=-1)
    over = total > _column([d.u for d in draws], x)
    first = over.to(torch.uint8).argmax(dim=-1)
    ids: list[int] = first.tolist()
    reached: list[bool] = over[:, -1].tolist()
    for i, ok in enumerate(reached):
        if not ok:  # rounding left the sum at or below u: the last token that has a chance
            ids[i] = int(probs[i].nonzero()[-1])
    return ids


# Each of these three leaves a row that does not ask for it untouched, to the last bit: what a
# stream samples must not depend on who else is in the batch.


def _keep_top_k(probs: Tensor, ks: Sequence[int]) -> Tensor:
    """Keep the k largest of each row, renormalised; among equals the lower ids stay."""
    wide = max(k for k in ks if k < probs.shape[1])
    top = probs.topk(wide, dim=-1).values
    k = _index_column(ks, probs)
    least = top.gather(1, (k - 1).clamp(max=wide - 1))
    above = probs > least
    ties = probs == least
    room = k - above.sum(dim=-1, keepdim=True)
    keep = above | (ties & (ties.cumsum(dim=-1) <= room))
    return torch.where(k < probs.shape[1], _renormalised(probs, keep), probs)


def _keep_top_p(probs: Tensor, top_ps: Sequence[float]) -> Tensor:
    """Keep the smallest prefix of the sorted probabilities that reaches top_p, renormalised."""
    ordered, ids = probs.sort(dim=-1, descending=True, stable=True)
    total = ordered.cumsum(dim=-1)
    before = torch.cat([torch.zeros_like(total[:, :1]), total[:, :-1]], dim=-1)
    limit = _column(top_ps, probs)
    keep = torch.zeros_like(probs, dtype=torch.bool).scatter_(1, ids, before < limit)
    return torch.where(limit < 1.0, _renormalised(probs, keep), probs)


def _keep_min_p(probs: Tensor, min_ps: Sequence[float]) -> Tensor:
    """Keep what is at least min_p times the largest, renormalised."""
    share = _column(min_ps, probs)
    least = probs.max(dim=-1, keepdim=True).values * share
    return torch.where(share > 0.0, _renormalised(probs, probs >= least), probs)


def _renormalised(probs: Tensor, keep: Tensor) -> Tensor:
    probs = probs.masked_fill(~keep, 0.0)
    return probs / probs.sum(dim=-1, keepdim=True)


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, device=like.device)[:, None]


def _index_column(values: Sequence[int], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.int64, device=like.device)[:, None]


def _present(value: _T | None) -> _T:
    assert value is not None
    return value
