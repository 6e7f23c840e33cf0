"""Linear layers behind one seam, so that packed or quantized weights replace dense ones unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor


class Linear(Protocol):
    """A map of rows ``[T, in_features]`` to rows ``[T, out_features]``."""

    in_features: int
    out_features: int

    def __call__(self, x: Tensor) -> Tensor:
        """Return ``x W^T + b``, a new tensor ``[T, out_features]``."""

    def add_to(self, residual: Tensor, x: Tensor) -> Tensor:
        """Add ``x W^T + b`` to ``residual [T, out_features]`` in place and return it."""


_SMALL = 1 << 24  # elements

LinearFactory = Callable[[Tensor, Tensor | None], Linear]
"""Makes a layer of a dense weight ``[out_features, in_features]`` and its bias."""


class DenseLinear:
    """The weight as it is. A small fp32 one is laid out transposed, in a copy: a product with one
    row, 0.02 ms long, then takes a quarter less."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.out_features, self.in_features = weight.shape
        is_small = weight.numel() < _SMALL and weight.dtype == torch.float32
        copied = is_small and weight.device.type == "cpu"
        self.weight_t = weight.t().contiguous() if copied else weight.t()
        self.bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        if self.bias is None:
            return torch.mm(x, self.weight_t)
        return torch.addmm(self.bias, x, self.weight_t)

    def add_to(self, residual: Tensor, x: Tensor) -> Tensor:
        if self.bias is not None:
            residual.add_(self.bias)
        return residual.addmm_(x, self.weight_t)
