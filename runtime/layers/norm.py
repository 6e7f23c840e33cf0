"""Root mean square normalisation (Zhang and Sennrich, arXiv:1910.07467)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


class RMSNorm:
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last dimension D.

    ``weight`` is ``[D]``, or ``[N, D]`` to give each of N heads its own. In fp32 on a CPU four
    short operations are half the time of ``F.rms_norm`` on few rows:
    ``sqrt(mean(x^2) + eps) = hypot(|x|, sqrt(eps D)) / sqrt(D)``.
    """

    def __init__(self, weight: Tensor, eps: float) -> None:
        size = weight.shape[-1]
        self.weight = weight
        self.eps = eps
        self._shape = (size,)
        self._fast = weight.device.type == "cpu" and weight.dtype == torch.float32
        self._scaled = weight * size**0.5
        self._root = torch.tensor([(eps * size) ** 0.5], dtype=weight.dtype, device=weight.device)

    def __call__(self, x: Tensor) -> Tensor:
        """Return a new tensor of the shape of ``x``, ``[..., D]``."""
        if self._fast:
            length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
            return x.div(torch.hypot(length, self._root)).mul_(self._scaled)
        if self.weight.dim() == 1:
            return F.rms_norm(x, self._shape, self.weight, self.eps)
        return F.rms_norm(x, self._shape, None, self.eps).mul_(self.weight)
