"""The seam between decoders and attention backends, and the KV tensors the backends share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from sglc.runtime.core.batch import ForwardBatch

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class AttentionShape:
    """What a backend must know of a model. ``windows`` has one entry a layer: the number of
    positions a query sees, itself included, or None for all before it."""

    num_heads: int
    num_kv_heads: int
    head_dim: int
    scale: float
    windows: tuple[int | None, ...]

    def __post_init__(self) -> None:
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_heads {self.num_heads} is not a multiple of num_kv_heads {self.num_kv_heads}"
            )


class KVTensors:
    """Keys and values of every slot: one tensor ``[num_slots, 2 K, D]`` a layer.

    The first K heads of a slot are its keys, the last K its values, so that a token is stored by
    one copy and read by one gather. Slot 0 is the dummy. On the host, memory is committed when
    slots are first written.
    """

    def __init__(
        self, shape: AttentionShape, num_slots: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.shape = shape
        self.num_slots = num_slots
        self.dtype = dtype
        self.device = device
        size = (num_slots, 2 * shape.num_kv_heads, shape.head_dim)
        self.layers = [torch.empty(size, dtype=dtype, device=device) for _ in shape.windows]
        for layer in self.layers:
            layer[0].zero_()

    def keys(self, layer: int) -> Tensor:
        """Return the keys of a layer, a view ``[num_slots, K, D]``."""
        return self.layers[layer][:, : self.shape.num_kv_heads]

    def values(self, layer: int) -> Tensor:
        """Return the values of a layer, a view ``[num_slots, K, D]``."""
        return self.layers[layer][:, self.shape.num_kv_heads :]


def kv_bytes_per_slot(shape: AttentionShape, dtype: torch.dtype) -> int:
    """Return the bytes that one token's keys and values take over all layers."""
    return 2 * shape.num_kv_heads * shape.head_dim * dtype.itemsize * len(shape.windows)


class AttentionBackend(Protocol[M]):
    """Attention over the slots. T tokens, H query heads, K KV heads, D head dim."""

    def plan(self, batch: ForwardBatch) -> M:
        """Build the index tensors of a batch, once, before its first layer."""

    def forward(self, q: Tensor, kv: Tensor, layer: int, meta: M) -> Tensor:
        """Store kv ``[T, 2 K, D]`` of ALL tokens, then attend q ``[T, H, D]``; same shape out.

        A sequence may read slots that another sequence of the same batch writes.
        """
