"""The decoder that every architecture here shares: pre-norm attention and a gated MLP."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor

from sglc.runtime.attention.base import AttentionBackend
from sglc.runtime.layers.attention import AttentionProjections
from sglc.runtime.layers.linear import Linear
from sglc.runtime.layers.mlp import GatedMLP
from sglc.runtime.layers.norm import RMSNorm
from sglc.runtime.layers.rotary import Rotary


class DecoderLayer(NamedTuple):
    """One layer: ``x += attention(norm(x)); x += mlp(norm(x))``."""

    attention_norm: RMSNorm
    attention: AttentionProjections
    mlp_norm: RMSNorm
    mlp: GatedMLP


class Decoder:
    """Token ids to logits. Holds the weights; K/V live in the attention backend."""

    def __init__(
        self, embed: Tensor, layers: list[DecoderLayer], norm: RMSNorm, head: Linear, rotary: Rotary
    ) -> None:
        self._embed = embed
        self._layers = layers
        self._norm = norm
        self._head = head
        self._rotary = rotary

    def forward(
        self,
        token_ids: Tensor,
        positions: Tensor,
        max_position: int,
        rows: Tensor | None,
        backend: AttentionBackend[Any],
        meta: Any,
    ) -> Tensor:
        """Return what the head reads, ``[R, hidden]``.

        Args:
            token_ids: ``[T]``.
            positions: ``[T]``, at most ``max_position``.
            rows: ``[R]`` which of the T tokens get logits, None for all in order.
            backend: stores K/V and attends.
            meta: what ``backend.plan`` made of the batch.
        """
        x = F.embedding(token_ids, self._embed)  # [T, hidden], ours: updated in place
        rotations = self._rotary.at(positions, max_position)
        last = len(self._layers) - 1
        for i, layer in enumerate(self._layers):
            q, kv = layer.attention.project(layer.attention_norm(x), rotations)
            attended = backend.forward(q, kv, i, meta)
            if i == last and rows is not None:  # past here nothing reads the other rows
                x, attended = x.index_select(0, rows), attended.index_select(0, rows)
            layer.attention.add_to(x, attended)
            layer.mlp.add_to(x, layer.mlp_norm(x))
        return self._norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return ``[R, V]`` of what ``forward`` gave, in the dtype of the weights."""
        return self._head(hidden)
