"""The backend against attention written out, over random batches."""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from torch import Tensor

from sglc.runtime.attention.base import AttentionShape, KVTensors, kv_bytes_per_slot
from sglc.runtime.attention.blocks import cut, share, spans_of
from sglc.runtime.attention.torch_backend import TorchAttention
from sglc.runtime.core.batch import ForwardBatch

HEADS, KV_HEADS, DIM, SLOTS = 4, 2, 8, 900
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def shape_of(*windows: int | None) -> AttentionShape:
    return AttentionShape(HEADS, KV_HEADS, DIM, 0.3, windows)


def batch_of(sequences: list[tuple[list[int], int]]) -> ForwardBatch:
    """Make a batch of (slots, number of new tokens); the ids do not matter here."""
    longest = max(len(slots) for slots, _ in sequences)
    table = torch.tensor([slots + [0] * (longest - len(slots)) for slots, _ in sequences])
    stored = [slot for slots, new in sequences for slot in slots[-new:]]
    positions = [p for slots, new in sequences for p in range(len(slots) - new, len(slots))]
    return ForwardBatch(
        torch.zeros(len(stored), dtype=torch.int64),
        torch.tensor(positions),
        torch.tensor(stored),
        tuple(new for _, new in sequences),
        tuple(len(slots) for slots, _ in sequences),
        table,
        torch.arange(len(stored)),
    )


def written_out(batch: ForwardBatch, q: Tensor, cache: Tensor, window: int | None) -> Tensor:
    """Attention of one query at a time, over a cache ``[slots, 2 K, D]`` already written."""
    out, row = torch.empty_like(q), 0
    for b, (query_len, seq_len) in enumerate(zip(batch.query_lens, batch.seq_lens, strict=True)):
        for position in range(seq_len - query_len, seq_len):
            first = 0 if window is None else max(0, position - window + 1)
            found = cache[batch.slot_table[b, first : position + 1]]
            found = found.repeat_interleave(HEADS // KV_HEADS, dim=1)  # [S, 2 H, D]
            scores = (found[:, :HEADS] * q[row]).sum(-1) * 0.3  # [S, H]
            out[row] = (torch.softmax(scores, dim=0).unsqueeze(-1) * found[:, HEADS:]).sum(0)
            row += 1
    return out


def random_sequences(rng: random.Random, num_seqs: int) -> list[tuple[list[int], int]]:
    """Sequences with random slots, some of them forks of one another at random places."""
    free = list(range(1, SLOTS))
    rng.shuffle(free)
    found: list[tuple[list[int], int]] = []
    for _ in range(num_seqs):
        slots: list[int] = []
        if found and rng.random() < 0.6:
            parent = rng.choice(found)[0]
            slots = parent[: rng.randrange(len(parent))]
        old = rng.choice([0, 1, 3, 20])
        new = rng.choice([1, 1, 1, 2, 5, 70])
        found.append((slots + [free.pop() for _ in range(old + new)], new))
    return found


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("window", [None, 5])
def test_random_batches(seed: int, window: int | None) -> None:
    rng = random.Random(seed)
    torch.manual_seed(seed)
    sequences = random_sequences(rng, rng.choice([1, 3, 9]))
    batch = batch_of(sequences)
    kv = KVTensors(shape_of(None, window), SLOTS, torch.float32, CPU)
    for layer in kv.layers:
        layer.normal_()
        layer[0] = float("nan")  # the dummy slot must not be read
    used = {slot for slots, _ in sequences for slot in slots}
    for slot in set(range(SLOTS)) - used:
        kv.layers[1][slot] = float("inf")  # nor a slot of nobody
    q = torch.randn(len(batch.slots), HEADS, DIM)
    new = torch.randn(len(batch.slots), 2 * KV_HEADS, DIM)
    backend = TorchAttention(kv)
    meta = backend.plan(batch)
    for layer, layer_window in enumerate((None, window)):
        found = backend.forward(q, new, layer, meta)
        assert torch.equal(kv.layers[layer][batch.slots], new)
        wanted = written_out(batch, q, kv.layers[layer], layer_window)
        assert (found - wanted).abs().max() < 1e-5


@pytest.mark.parametrize("new", [1, 3, 40])
def test_a_long_shared_prefix(new: int) -> None:
    """Ten forks of 300 tokens: the prefix is gathered once."""
    torch.manual_seed(new)
    prefix, rest = list(range(1, 301)), itertools.count(301)
    sequences = [
        (prefix + [next(rest) for _ in range(new + i % 3)], max(1, new - i % 2)) for i in range(10)
    ]
    batch = batch_of(sequences)
    kv = KVTensors(shape_of(None), SLOTS, torch.float32, CPU)
    kv.layers[0].normal_()
    q = torch.randn(len(batch.slots), HEADS, DIM)
    backend = TorchAttention(kv)
    meta = backend.plan(batch)
    assert all(b.shared == slice(1, 301) for b in meta.blocks[None])
    new_kv = torch.randn(len(batch.slots), 2 * KV_HEADS, DIM)
    found = backend.forward(q, new_kv, 0, meta)
    assert (found - written_out(batch, q, kv.layers[0], None)).abs().max() < 1e-5
    plain = TorchAttention(kv, shares_prefixes=False)
    meta = plain.plan(batch)
    assert all(b.shared is None for b in meta.blocks[None])
    assert torch.allclose(plain.forward(q, new_kv, 0, meta), found, atol=1e-6)


def test_families_of_forks() -> None:
    one, two, rest = list(range(1, 201)), list(range(201, 401)), itertools.count(401)
    sequences = [([*prefix, next(rest)], 1) for prefix in (one, two, one, two[:190], one[:1], two)]
    batch = batch_of(sequences)
    spans = share(batch, spans_of(batch, None))
    # The first family has a member of two tokens: too little is common to all of it.
    assert [(s.shared, s.first_key) for s in spans] == [
        (None, 0), (1, 190), (None, 0), (1, 190), (None, 0), (1, 190)
    ]  # fmt: skip


def test_groups_of_spans() -> None:
    lens = [(1, 100), (64, 64), (1, 90), (200, 200), (1, 10), (2, 70), (1, 20)]
    ends = itertools.accumulate(seq_len for _, seq_len in lens)
    sequences = [
        (list(range(1 + end - seq_len, 1 + end)), query_len)
        for (query_len, seq_len), end in zip(lens, ends, strict=True)
    ]
    groups = cut(spans_of(batch_of(sequences), None))
    assert [[s.index for s in group] for group in groups] == [[0, 2], [4, 6], [3], [1, 5]]


def test_decoding_in_order_copies_no_queries() -> None:
    batch = batch_of([(list(range(1 + 9 * i, 10 + 9 * i)), 1) for i in range(8)])
    kv = KVTensors(shape_of(None), SLOTS, torch.float32, CPU)
    (block,) = TorchAttention(kv).plan(batch).blocks[None]
    assert block.rows == block.out_rows == slice(0, 8)
    assert block.mask is None


def test_kv_tensors() -> None:
    kv = KVTensors(shape_of(None, None, 4), 10, torch.float16, CPU)
    assert kv.keys(2).shape == kv.values(2).shape == (10, KV_HEADS, DIM)
    assert not kv.layers[0][0].any()
    total = sum(layer.nbytes for layer in kv.layers)
    assert kv_bytes_per_slot(kv.shape, torch.float16) * 10 == total


def test_heads_must_divide() -> None:
    with pytest.raises(ValueError, match="num_heads 4 is not a multiple of num_kv_heads 3"):
        AttentionShape(4, 3, 8, 1.0, (None,))
