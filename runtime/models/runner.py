"""The model that the engine drives: a decoder with its KV pool."""

from __future__ import annotations

import torch
from torch import Tensor

from sglc.runtime.attention.base import AttentionShape, KVTensors
from sglc.runtime.attention.torch_backend import TorchAttention
from sglc.runtime.core.batch import ForwardBatch
from sglc.runtime.models.decoder import Decoder


class TorchRunner:
    """Implements ModelRunner. Owns K/V of ``num_slots`` slots, of which slot 0 is the dummy.

    Raises:
        ValueError: there is no slot besides the dummy.
    """

    def __init__(
        self,
        decoder: Decoder,
        shape: AttentionShape,
        *,
        vocab_size: int,
        max_context: int,
        num_slots: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        if num_slots < 2:
            raise ValueError(f"num_slots is {num_slots}; slot 0 is a dummy, so at least 2")
        self.vocab_size = vocab_size
        self.max_context = max_context
        self.num_slots = num_slots
        self._decoder = decoder
        self._device = device
        self._backend = TorchAttention(KVTensors(shape, num_slots, dtype, device))

    def forward(self, batch: ForwardBatch) -> Tensor:
        """Compute the batch, store its K/V, return logits ``[R, V]`` float32 on the device.

        Raises:
            ValueError: a sequence is longer than ``max_context``.
        """
        return self.logits(self.hidden(batch))

    def hidden(self, batch: ForwardBatch) -> Tensor:
        """Compute the batch, store its K/V, return ``[R, hidden]`` behind the last norm.

        In the dtype of the weights, on the device.

        Raises:
            ValueError: a sequence is longer than ``max_context``.
        """
        max_len = max(batch.seq_lens)
        if max_len > self.max_context:
            raise ValueError(f"sequence of {max_len} tokens; the model takes {self.max_context}")
        rows = batch.logit_rows
        num_tokens = len(batch.token_ids)
        everything = len(rows) == num_tokens and torch.equal(rows, torch.arange(num_tokens))
        with torch.inference_mode():
            return self._decoder.forward(
                batch.token_ids.to(self._device),
                batch.positions.to(self._device),
                max_len - 1,
                None if everything else rows.to(self._device),
                self._backend,
                self._backend.plan(batch),
            )

    def logits(self, hidden: Tensor) -> Tensor:
        """Return logits ``[R, V]`` float32 of what ``hidden`` gave."""
        with torch.no_grad():  # tensors made in inference mode cannot be changed outside it
            return self._decoder.logits(hidden).float()
