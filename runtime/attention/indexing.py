"""From a group of sequences to the index tensors and masks that attention runs on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sglc.runtime.attention.blocks import Span
from sglc.runtime.core.batch import ForwardBatch


@dataclass(frozen=True, slots=True)
class Block:
    """N sequences that attend together; Q query rows and S keys each, the shorter ones padded.

    A padded key repeats the sequence's last slot and is masked; a padded query row repeats the
    last one and is dropped. So every row that is computed is finite where the weights are.

    Attributes:
        num_seqs: N.
        query_len: Q.
        rows: [N * Q] rows of q.
        slots: [N * S] rows of the KV tensor.
        shared: [P] slots of the prefix before those keys, the same for all; None without one.
        mask: [N, 1, 1 or Q, S] added to the scores; None where every key is visible.
        is_causal: the keys are the queries' own tokens, from the first on.
        real: which of the N * Q rows are not padding; None if none is.
        out_rows: rows of q that those are.
    """

    num_seqs: int
    query_len: int
    rows: slice | Tensor
    slots: slice | Tensor
    shared: slice | Tensor | None
    mask: Tensor | None
    is_causal: bool
    real: Tensor | None
    out_rows: slice | Tensor


def split(group: list[Span], max_keys: int) -> Iterator[list[Span]]:
    """Cut a group into parts of at most ``max_keys`` padded keys, or of one sequence."""
    size = max(1, max_keys // max(s.num_keys for s in group))
    for at in range(0, len(group), size):
        yield group[at : at + size]


def block_of(
    batch: ForwardBatch,
    spans: list[Span],
    window: int | None,
    dtype: torch.dtype,
    device: torch.device,
) -> Block:
    """Build the index tensors of one block, on ``device``; masks in ``dtype``."""
    shared: slice | Tensor | None = None
    if spans[0].shared is not None:
        shared = _placed(batch.slot_table[spans[0].shared, : spans[0].first_key], device)
    if len(spans) == 1:
        return _single(batch, spans[0], shared, window, dtype, device)
    query_len = max(s.query_len for s in spans)
    num_keys = max(s.num_keys for s in spans)
    columns = torch.tensor([(s.index, s.first_key, s.seq_len, s.query_len, s.row) for s in spans])
    index, first_key, seq_len, query_lens, row = columns.t().unsqueeze(-1)  # [N, 1] each
    keys = first_key + torch.arange(num_keys)  # [N, S] positions
    table = batch.slot_table.index_select(0, index.squeeze(1))
    slots = table.gather(1, torch.minimum(keys, seq_len - 1)).view(-1)
    mask = None
    real = None
    if query_len == 1:
        rows = out_rows = _rows(spans, device)
        if any(s.num_keys != num_keys for s in spans):
            mask = _additive(keys.unsqueeze(1) < seq_len.unsqueeze(1), dtype, device)
    else:
        steps = torch.minimum(torch.arange(query_len), query_lens - 1)  # [N, Q]
        mask = _mask(keys, seq_len - query_lens + steps, window, dtype, device)
        flat = (row + steps).view(-1)
        rows = out_rows = flat.to(device)
        if any(s.query_len != query_len for s in spans):
            found = (torch.arange(query_len) < query_lens).view(-1).nonzero().squeeze(1)
            real, out_rows = found.to(device), flat[found].to(device)
        elif spans[-1].row - spans[0].row == (len(spans) - 1) * query_len:
            rows = out_rows = slice(spans[0].row, spans[-1].row + query_len)
    return Block(len(spans), query_len, rows, slots.to(device), shared, mask, False, real, out_rows)


def _single(
    batch: ForwardBatch,
    span: Span,
    shared: slice | Tensor | None,
    window: int | None,
    dtype: torch.dtype,
    device: torch.device,
) -> Block:
    """Build the block of one sequence: nothing is padded, and most of it is slices."""
    rows = slice(span.row, span.row + span.query_len)
    slots = batch.slot_table[span.index, span.first_key : span.seq_len]
    sees_window = window is not None and window < span.num_keys
    is_causal = span.query_len > 1 and span.query_len == span.num_keys and not sees_window
    mask = None
    if span.query_len > 1 and not is_causal:
        keys = torch.arange(span.first_key, span.seq_len).unsqueeze(0)
        positions = torch.arange(span.seq_len - span.query_len, span.seq_len).unsqueeze(0)
        mask = _mask(keys, positions, window, dtype, device)
    return Block(
        1, span.query_len, rows, _placed(slots, device), shared, mask, is_causal, None, rows
    )


def _rows(spans: list[Span], device: torch.device) -> slice | Tensor:
    """Return the rows of decoding sequences, a slice where they follow one another."""
    if spans[-1].row - spans[0].row == len(spans) - 1:
        return slice(spans[0].row, spans[-1].row + 1)
    return torch.tensor([s.row for s in spans], device=device)


def _mask(
    keys: Tensor, positions: Tensor, window: int | None, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Say which keys ``[N, S]`` the queries at ``positions [N, Q]`` see."""
    seen = keys.unsqueeze(1) <= positions.unsqueeze(2)  # [N, Q, S]
    if window is not None:
        seen &= keys.unsqueeze(1) > positions.unsqueeze(2) - window
    return _additive(seen, dtype, device)


def _additive(seen: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return 0 where seen, else -inf, ``[N, 1, Q, S]``."""
    mask = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, float("-inf"))
    return mask.unsqueeze(1).to(device)


def _placed(slots: Tensor, device: torch.device) -> slice | Tensor:
    """Return a slice where the slots count up by one: then nothing has to be copied."""
    first, count = int(slots[0]), len(slots)
    if int(slots[-1]) - first == count - 1 and (
        count < 3 or torch.equal(slots, torch.arange(first, first + count))
    ):
        return slice(first, first + count)
    return slots.to(device)
