"""What one forward pass computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class ForwardBatch:
    """T new tokens of B sequences, one sequence after the other; all tensors int64 on the host.

    The new tokens of a sequence are its last ``query_lens[b]`` ones (at least 1); those before
    them have their K/V in the slots that the table names. A sequence may attend to slots which
    another sequence of the same batch writes: a layer stores the K/V of all T tokens before any
    of them attends. No slot is written twice. A written slot may hold K/V already, of the same
    token after the same prefix (recomputed for its logits).

    Attributes:
        token_ids: [T] ids of the new tokens.
        positions: [T] position of each in its sequence, from 0.
        slots: [T] where the K/V of each is stored; never 0.
        query_lens: number of new tokens, per sequence; sums to T.
        seq_lens: length including the new tokens, per sequence.
        slot_table: [B, max(seq_lens)] slot of every position, 0 past the end. Slot 0 is a dummy.
        logit_rows: [R] distinct indices into T, in any order: whose logits are wanted, R may be 0.
    """

    token_ids: Tensor
    positions: Tensor
    slots: Tensor
    query_lens: tuple[int, ...]
    seq_lens: tuple[int, ...]
    slot_table: Tensor
    logit_rows: Tensor
