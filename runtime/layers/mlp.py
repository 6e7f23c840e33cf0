"""The gated feed-forward block (Shazeer, GLU Variants Improve Transformer, arXiv:2002.05202)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from sglc.runtime.layers.linear import Linear


def _silu(gate: Tensor) -> Tensor:
    return F.silu(gate)


def _gelu_tanh(gate: Tensor) -> Tensor:
    return F.gelu(gate, approximate="tanh")


def _gelu(gate: Tensor) -> Tensor:
    return F.gelu(gate)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": _silu,
    "swish": _silu,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "gelu_new": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
}
"""Activations by the names that ``hidden_act`` gives them."""


class GatedMLP:
    """``down(act(gate(x)) * up(x))`` with gate and up in one product ``[D] -> [2 F]``."""

    def __init__(self, gate_up: Linear, down: Linear, activation: str) -> None:
        self._gate_up = gate_up
        self._down = down
        self._act = ACTIVATIONS[activation]
        self._size = down.in_features

    def add_to(self, residual: Tensor, x: Tensor) -> Tensor:
        """Add the block's output for ``x [T, D]`` to ``residual [T, D]`` in place, return it."""
        gate, up = torch.split(self._gate_up(x), self._size, dim=1)
        return self._down.add_to(residual, self._act(gate).mul_(up))
