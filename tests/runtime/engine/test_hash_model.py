"""The hash model is a function of the whole prefix, and its runner reads it from the slots."""

from __future__ import annotations

import torch

from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.engine.launch import BatchBuilder
from sglc.runtime.kvcache.table import SlotTable

FIRST_ROW = [7.3821, 16.605, 7.5653, 0.0344]


def test_logits_are_fixed_for_ever() -> None:
    assert hash_logits([1, 2, 3], 4) == hash_logits((1, 2, 3), 4)
    assert [round(x, 4) for x in hash_logits([1, 2, 3], 4)] == FIRST_ROW


def test_every_token_of_the_prefix_counts() -> None:
    rows = [tuple(hash_logits(ids, 8)) for ids in ([1, 2], [2, 1], [1], [2], [1, 2, 0], [0, 1, 2])]
    assert len(set(rows)) == len(rows)


def test_logits_are_exact_in_float32() -> None:
    row = hash_logits([5], 300, eos_id=7)
    assert torch.tensor(row, dtype=torch.float32).tolist() == row


def test_texts_end() -> None:
    ends = sum(hash_logits([i], 259, eos_id=256)[256] >= 16 for i in range(1000))
    assert 30 < ends < 100


def test_runner_reads_the_prefix_through_the_table() -> None:
    runner = HashRunner(8, num_slots=10, max_context=6)
    table = SlotTable(2, 6)
    table.rows[0, :3] = [4, 9, 2]
    table.rows[1, :3] = [4, 9, 7]  # shares two tokens with the other, in the same batch
    builder = BatchBuilder()
    builder.add([1, 2, 3], 0, [4, 9, 2], 0)
    builder.add([5], 2, [7], 1)
    rows = [builder.want_logits(slot) for slot in (7, 2, 9)]
    logits = runner.forward(builder.build(table))
    expected = [hash_logits(ids, 8) for ids in ([1, 2, 5], [1, 2, 3], [1, 2])]
    assert [logits[row].tolist() for row in rows] == expected
    assert builder.want_logits(7) == rows[0]
    assert not builder.writes(5)
