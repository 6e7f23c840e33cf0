"""Projections around attention with grouped queries (Ainslie et al., GQA, arXiv:2305.13245)."""

from __future__ import annotations

from torch import Tensor

from sglc.runtime.layers.linear import Linear
from sglc.runtime.layers.norm import RMSNorm
from sglc.runtime.layers.rotary import Rotary


class AttentionProjections:
    """Query, key and value in one product, rotated; and the way back into the residual.

    H query heads, K key/value heads, D channels a head. ``qk_norm [H + K, D]`` normalises each
    query and key head before the rotation (Qwen3); None leaves them.
    """

    def __init__(
        self,
        qkv: Linear,
        out: Linear,
        rotary: Rotary,
        num_heads: int,
        num_kv_heads: int,
        qk_norm: RMSNorm | None = None,
    ) -> None:
        self._qkv = qkv
        self._out = out
        self._rotary = rotary
        self._qk_norm = qk_norm
        self._num_heads = num_heads
        self._num_rotated = num_heads + num_kv_heads
        self._num_all = num_heads + 2 * num_kv_heads
        self._head_dim = qkv.out_features // self._num_all

    def project(self, x: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor]:
        """Return q ``[T, H, D]`` and kv ``[T, 2 K, D]`` (keys, then values) of ``x [T, hidden]``.

        Both are views of one buffer ``[T, H + 2 K, D]`` that belongs to the caller.
        """
        heads = self._qkv(x).view(-1, self._num_all, self._head_dim)
        rotated = heads[:, : self._num_rotated]
        if self._qk_norm is not None:
            rotated.copy_(self._qk_norm(rotated))
        self._rotary.rotate_(rotated, rotations)
        return heads[:, : self._num_heads], heads[:, self._num_heads :]

    def add_to(self, residual: Tensor, attended: Tensor) -> Tensor:
        """Add the output projection of ``attended [T, H, D]`` to the residual in place."""
        return self._out.add_to(residual, attended.flatten(1))
