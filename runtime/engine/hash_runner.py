"""The hash model behind the runner's protocol, with a KV pool of token ids.

What it computes for a row is read back through the slot table, never taken from the caller's
idea of the stream: whoever mixes up slots, forgets a token or reuses a slot too early sees it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sglc.runtime.core.batch import ForwardBatch
from sglc.runtime.engine.hash_model import hash_logits


class HashRunner:
    """Implements ModelRunner; checks the batch as it goes.

    ``num_forwards`` and ``num_tokens`` count what was asked for.

    Raises:
        AssertionError: a batch breaks the contract of ForwardBatch.
    """

    def __init__(
        self, vocab_size: int, num_slots: int, max_context: int, eos_id: int | None = None
    ) -> None:
        self.vocab_size = vocab_size
        self.num_slots = num_slots
        self.max_context = max_context
        self.eos_id = eos_id
        self.num_forwards = 0
        self.num_tokens = 0
        self._kv = [-1] * num_slots

    def forward(self, batch: ForwardBatch) -> Tensor:
        """Store the tokens, then hash the prefix of each wanted row."""
        return self.logits(self.hidden(batch))

    def logits(self, hidden: Tensor) -> Tensor:
        """Return ``hidden``: what this model hides are its logits."""
        return hidden

    def hidden(self, batch: ForwardBatch) -> Tensor:
        """Store the tokens, then hash the prefix of each wanted row."""
        ids, positions = batch.token_ids.tolist(), batch.positions.tolist()
        slots, table = batch.slots.tolist(), batch.slot_table.tolist()
        assert len(ids) == len(positions) == len(slots) == sum(batch.query_lens) > 0
        assert len(set(slots)) == len(slots)
        assert min(slots) > 0
        assert batch.slot_table.shape == (len(batch.seq_lens), max(batch.seq_lens))
        assert max(batch.seq_lens) <= self.max_context
        self.num_forwards += 1
        self.num_tokens += len(ids)
        for slot, token in zip(slots, ids, strict=True):
            self._kv[slot] = token
        owner: list[int] = []
        for b, (query_len, seq_len) in enumerate(
            zip(batch.query_lens, batch.seq_lens, strict=True)
        ):
            begin = len(owner)
            owner += [b] * query_len
            assert query_len >= 1
            assert positions[begin : begin + query_len] == list(range(seq_len))[-query_len:]
            assert table[b][seq_len - query_len : seq_len] == slots[begin : begin + query_len]
            assert all(table[b][:seq_len])
            assert not any(table[b][seq_len:])
        rows = batch.logit_rows.tolist()
        assert len(set(rows)) == len(rows)
        logits: list[list[float]] = []
        for t in rows:
            prefix = [self._kv[slot] for slot in table[owner[t]][: positions[t] + 1]]
            assert min(prefix) >= 0
            logits.append(hash_logits(prefix, self.vocab_size, self.eos_id))
        return torch.tensor(logits, dtype=torch.float32).reshape(len(rows), self.vocab_size)
