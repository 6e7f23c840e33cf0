"""Attention in plain torch: the oracle of the other backends, and the one that CPUs use.

A batch is cut into blocks: decoding sequences of similar length together, short prefills
together, long ones alone. A block gathers its keys and values through the slot table and attends
in one fused call. Blocks are kept small enough that what one gathers is still in the processor's
cache when it is read. On a CPU, a prefix that sequences share is gathered once for all of them:
attention over it and over the rest are two softmaxes, joined by their normalisers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sglc.runtime.attention.base import KVTensors
from sglc.runtime.attention.blocks import cut, share, spans_of
from sglc.runtime.attention.indexing import Block, block_of, split
from sglc.runtime.core.batch import ForwardBatch

_attend_with_lse = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)


class TorchMetadata:
    """Index tensors of one batch; ``blocks`` by the window of a layer."""

    __slots__ = ("blocks", "slots")

    def __init__(self, slots: Tensor, blocks: dict[int | None, list[Block]]) -> None:
        self.slots = slots
        self.blocks = blocks


class TorchAttention:
    """Implements AttentionBackend over ``kv``. ``shares_prefixes`` None decides by the device."""

    def __init__(self, kv: KVTensors, *, shares_prefixes: bool | None = None) -> None:
        self._kv = kv
        self._shape = kv.shape
        is_cpu = kv.device.type == "cpu"
        bytes_per_key = 2 * kv.shape.num_kv_heads * kv.shape.head_dim * kv.dtype.itemsize
        # About the second-level cache of a core; a GPU wants few, large blocks instead.
        self._max_keys = max((1 << (20 if is_cpu else 30)) // bytes_per_key, 64)
        can_share = is_cpu and _attend_with_lse is not None
        self._shares = can_share if shares_prefixes is None else shares_prefixes and can_share

    def plan(self, batch: ForwardBatch) -> TorchMetadata:
        """Cut the batch into blocks, for each window that a layer has."""
        blocks = {window: self._blocks(batch, window) for window in set(self._shape.windows)}
        return TorchMetadata(batch.slots.to(self._kv.device), blocks)

    def _blocks(self, batch: ForwardBatch, window: int | None) -> list[Block]:
        spans = spans_of(batch, window)
        if self._shares and window is None and len(spans) > 1:
            spans = share(batch, spans)
        return [
            block_of(batch, part, window, self._kv.dtype, self._kv.device)
            for group in cut(spans)
            for part in split(group, self._max_keys)
        ]

    def forward(self, q: Tensor, kv: Tensor, layer: int, meta: TorchMetadata) -> Tensor:
        """Store, then attend; shapes as in AttentionBackend."""
        cache = self._kv.layers[layer]
        cache.index_copy_(0, meta.slots, kv)
        blocks = meta.blocks[self._shape.windows[layer]]
        if len(blocks) == 1 and isinstance(blocks[0].out_rows, slice):
            return self._attend(q, cache, blocks[0])
        out = torch.empty(q.shape, dtype=q.dtype, device=q.device)
        for block in blocks:
            out[block.out_rows] = self._attend(q, cache, block)
        return out

    def _attend(self, q: Tensor, cache: Tensor, block: Block) -> Tensor:
        """Return ``[real rows, H, D]`` of one block."""
        shape, n = self._shape, block.num_seqs
        num_heads, num_kv = shape.num_heads, shape.num_kv_heads
        rows = q[block.rows] if isinstance(block.rows, slice) else q.index_select(0, block.rows)
        k, v = self._context(cache, block.slots, n)
        if block.query_len == 1:  # the heads that share a key head become its query rows
            queries = rows.view(n, num_kv, -1, shape.head_dim)
        else:
            queries = rows.view(n, -1, num_heads, shape.head_dim).transpose(1, 2)
        if block.shared is not None:
            flat = self._joined(rows, queries, k, v, cache, block)
        else:
            attended = F.scaled_dot_product_attention(
                queries,
                k,
                v,
                attn_mask=block.mask,
                is_causal=block.is_causal,
                scale=shape.scale,
                enable_gqa=block.query_len > 1 and num_kv != num_heads,
            )
            flat = self._flat(attended, block)
        return flat if block.real is None else flat.index_select(0, block.real)

    def _context(self, cache: Tensor, slots: slice | Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Return keys and values, each ``[N, K, S, D]``."""
        found = cache[slots] if isinstance(slots, slice) else cache.index_select(0, slots)
        heads = 2 * self._shape.num_kv_heads
        context = found.view(n, -1, heads, self._shape.head_dim).transpose(1, 2)
        return context[:, : self._shape.num_kv_heads], context[:, self._shape.num_kv_heads :]

    def _flat(self, attended: Tensor, block: Block) -> Tensor:
        """Return ``[N * Q, H, D]`` of ``[N, K, G, D]`` or ``[N, H, Q, D]``."""
        if block.query_len > 1:
            attended = attended.transpose(1, 2)
        return attended.reshape(-1, self._shape.num_heads, self._shape.head_dim)

    def _joined(
        self, rows: Tensor, queries: Tensor, k: Tensor, v: Tensor, cache: Tensor, block: Block
    ) -> Tensor:
        """Attend to the shared prefix and to the rest, weigh by their sums of exponentials.

        With lse the logarithm of such a sum, the prefix has weight ``sigmoid(lse1 - lse2)``.
        """
        assert _attend_with_lse is not None
        assert block.shared is not None
        scale = self._shape.scale
        own, own_lse = _attend_with_lse(
            queries, k, v, 0.0, block.is_causal, attn_mask=block.mask, scale=scale
        )
        shared_k, shared_v = self._context(cache, block.shared, 1)
        together = rows.transpose(0, 1).unsqueeze(0)  # [1, H, N * Q, D]
        first, first_lse = _attend_with_lse(together, shared_k, shared_v, scale=scale)
        if block.query_len > 1:
            own_lse = own_lse.transpose(1, 2)
        own_lse = own_lse.reshape(-1, self._shape.num_heads)  # [N * Q, H]
        weight = torch.sigmoid(first_lse[0].t() - own_lse).unsqueeze(-1)
        return torch.lerp(self._flat(own, block), first[0].transpose(0, 1), weight.to(rows.dtype))
