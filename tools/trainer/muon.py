"""Muon for matrices and Adam for the rest, in float32 on the CPU.

Muon: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. The momentum
of each matrix is replaced by the nearest orthogonal matrix (Newton-Schulz, five steps).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonalize(matrix: Tensor, steps: int = 5) -> Tensor:
    """Return about the nearest matrix whose singular values are all near 1."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (wide.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    result: Tensor = x if matrix.shape[0] <= matrix.shape[1] else x.T
    return result


@dataclass
class Updater:
    """Updates one parameter; all its tensors can be shared between processes."""

    param: Tensor
    moments: tuple[Tensor, Tensor]
    is_matrix: bool
    matrix_lr: float
    other_lr: float
    weight_decay: float = 0.01

    @torch.no_grad()
    def update(self, grad: Tensor, scale: float, num_updates: int) -> None:
        """Apply gradient number ``num_updates``, from 1, with the learning rate times ``scale``."""
        if self.is_matrix:
            self._muon(grad, self.matrix_lr * scale)
        else:
            self._adam(grad, self.other_lr * scale, num_updates)

    def _muon(self, grad: Tensor, lr: float) -> None:
        momentum = self.moments[0].lerp_(grad, 0.05)
        step = orthogonalize(grad.lerp(momentum, 0.95))
        rows, columns = grad.shape
        self.param.mul_(1 - lr * self.weight_decay)
        self.param.sub_(step, alpha=lr * max(1.0, rows / columns) ** 0.5)

    def _adam(self, grad: Tensor, lr: float, num_updates: int) -> None:
        first, second = self.moments
        first.lerp_(grad, 0.1)
        second.lerp_(grad.square(), 0.05)
        corrected = first / (1 - 0.9**num_updates)
        spread = (second / (1 - 0.95**num_updates)).sqrt() + 1e-8
        self.param.sub_(corrected / spread, alpha=lr)
