"""Attention in plain torch: the oracle of the other backends, and the one that CPUs use.

A batch is cut into blocks: decoding sequences of similar length together, short prefills
together, long ones alone. A block gathers its keys and values through the slot table and attends
in one fused call. Blocks are kept small enough that what one gathers is still in the processor's
cache when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sglc.runtime.attention.base import KVTensors
from sglc.runtime.attention.blocks import Span, cut, spans_of
from sglc.runtime.core.batch import ForwardBatch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Block:
    """N sequences that attend together; Q query rows and S keys each, the shorter ones padded.

    A padded key repeats the sequence's last slot and is masked; a padded query row repeats the
    last one and is dropped. So every row that is computed is finite where the weights are.
    """

    num_seqs: int
    query_len: int
    rows: slice | Tensor  # [N * Q] rows of q
    slots: slice | Tensor  # [N * S] rows of the KV tensor
    mask: Tensor | None  # [N, 1, 1 or Q, S], added to the scores
    is_causal: bool
    real: Tensor | None  # [<= N * Q] which of the rows are not padding
    out_rows: slice | Tensor  # where those rows go


@dataclass(frozen=True, slots=True)
class TorchMetadata:
    """Index tensors of one batch; ``blocks`` by the window of a layer."""

    slots: Tensor
    blocks: dict[int | None, tuple[Block, ...]]


class TorchAttention:
    """Implements AttentionBackend over ``kv``."""

    def __init__(self, kv: KVTensors) -> None:
        self._kv = kv
        self._shape = kv.shape
        bytes_per_key = 2 * kv.shape.num_kv_heads * kv.shape.head_dim * kv.dtype.itemsize
        # About the second-level cache of a core; a GPU wants few, large blocks instead.
        budget = 1 << (20 if kv.device.type == "cpu" else 30)
        self._max_keys = max(budget // bytes_per_key, 64)

    def plan(self, batch: ForwardBatch) -> TorchMetadata:
        """Cut the batch into blocks, for each window that a layer has."""
        blocks = {window: self._blocks(batch, window) for window in set(self._shape.windows)}
        return TorchMetadata(batch.slots.to(self._kv.device), blocks)

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
        num_kv, dim = shape.num_kv_heads, shape.head_dim
        rows = q[block.rows] if isinstance(block.rows, slice) else q.index_select(0, block.rows)
        found = (
            cache[block.slots]
            if isinstance(block.slots, slice)
            else cache.index_select(0, block.slots)
        )
        context = found.view(n, -1, 2 * num_kv, dim).transpose(1, 2)  # [N, 2 K, S, D]
        k, v = context[:, :num_kv], context[:, num_kv:]
        if block.query_len == 1:  # the heads that share a key head become its query rows
            grouped = rows.view(n, num_kv, -1, dim)
            attended = F.scaled_dot_product_attention(
                grouped, k, v, attn_mask=block.mask, scale=shape.scale
            )
            return attended.reshape(n, shape.num_heads, dim)
        queries = rows.view(n, block.query_len, shape.num_heads, dim).transpose(1, 2)
        attended = F.scaled_dot_product_attention(
            queries,
            k,
            v,
            attn_mask=block.mask,
            is_causal=block.is_causal,
            scale=shape.scale,
            enable_gqa=num_kv != shape.num_heads,
        )
        flat = attended.transpose(1, 2).reshape(-1, shape.num_heads, dim)
        return flat if block.real is None else flat.index_select(0, block.real)

    def _blocks(self, batch: ForwardBatch, window: int | None) -> tuple[Block, ...]:
        spans = spans_of(batch, window)
        return tuple(self._block(batch, group, window) for group in cut(spans, self._max_keys))

    def _block(self, batch: ForwardBatch, spans: list[Span], window: int | None) -> Block:
        n = len(spans)
        query_len = max(s.query_len for s in spans)
        num_keys = max(s.seq_len - s.first_key for s in spans)
        device = self._kv.device
        keys = torch.tensor([s.first_key for s in spans])[:, None] + torch.arange(num_keys)
        last = torch.tensor([s.seq_len - 1 for s in spans])[:, None]
        table = batch.slot_table[torch.tensor([s.index for s in spans])]
        slots = table.gather(1, torch.minimum(keys, last)).reshape(-1)
        steps = torch.minimum(
            torch.arange(query_len), torch.tensor([s.query_len - 1 for s in spans])[:, None]
        )  # [N, Q]: which of its new tokens a query row is
        rows = (torch.tensor([s.row for s in spans])[:, None] + steps).reshape(-1)
        whole = n == 1 and spans[0].query_len == spans[0].seq_len
        is_causal = query_len > 1 and whole and (window is None or num_keys <= window)
        mask = None
        if not is_causal:
            position = torch.tensor([s.seq_len - s.query_len for s in spans])[:, None] + steps
            mask = self._mask(keys, position, window)
        real, out_rows = None, rows
        if any(s.query_len < query_len for s in spans):
            lens = torch.tensor([s.query_len for s in spans])[:, None]
            real = (torch.arange(query_len) < lens).reshape(-1).nonzero().squeeze(1)
            out_rows = rows[real]
        return Block(
            n, query_len, _placed(rows, device), _placed(slots, device), mask, is_causal,
            None if real is None else real.to(device), _placed(out_rows, device),
        )  # fmt: skip

    def _mask(self, keys: Tensor, position: Tensor, window: int | None) -> Tensor | None:
        """Return what to add to the scores: 0 or -inf; None where every key is visible."""
        seen = keys[:, None, :] <= position[:, :, None]  # [N, Q, S]
        if window is not None:
            seen &= keys[:, None, :] > position[:, :, None] - window
        if bool(seen.all()):
            return None
        mask = torch.zeros(seen.shape, dtype=self._kv.dtype).masked_fill_(~seen, float("-inf"))
        return mask.unsqueeze(1).to(self._kv.device)


def _placed(index: Tensor, device: torch.device) -> slice | Tensor:
    """Return a slice where the index counts up by one: then nothing has to be copied."""
    first, count = int(index[0]), len(index)
    if int(index[-1]) - first == count - 1 and (
        count < 3 or torch.equal(index, torch.arange(first, first + count))
    ):
        return slice(first, first + count)
    return index.to(device)
