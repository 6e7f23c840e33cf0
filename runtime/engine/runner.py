"""What the engine asks of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from sglc.runtime.core.batch import ForwardBatch


class ModelRunner(Protocol):
    """A model with its KV pool.

    Slot ids are in [0, num_slots); slot 0 is a dummy, so num_slots - 1 tokens fit.
    """

    @property
    def vocab_size(self) -> int:
        """Number of logits in a row."""

    @property
    def max_context(self) -> int:
        """Largest length of a sequence."""

    @property
    def num_slots(self) -> int:
        """Size of the KV pool, the dummy slot included."""

    def forward(self, batch: ForwardBatch) -> Tensor:
        """Compute the batch's tokens, store their K/V and return logits [R, V], float32.

        That is ``logits(hidden(batch))``.
        """

    def hidden(self, batch: ForwardBatch) -> Tensor:
        """Do what ``forward`` does but for the head: return what it reads, [R, hidden size]."""

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the head's logits [R, V], float32, of what ``hidden`` gave."""
