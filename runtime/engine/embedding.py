"""Embeddings from hidden states."""

from __future__ import annotations

import torch
from torch import Tensor


def unit_vectors(hidden: Tensor, rows: list[int]) -> list[tuple[float, ...]]:
    """Return rows of hidden [R, H], each of length 1 (L2); a row of zeros stays one."""
    x = hidden[torch.tensor(rows, device=hidden.device)].double()
    norm = x.norm(dim=-1, keepdim=True)
    vectors: list[list[float]] = (x / torch.where(norm > 0, norm, 1.0)).tolist()
    return [tuple(vector) for vector in vectors]
