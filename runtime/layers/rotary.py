"""Rotary position embedding (Su et al., RoFormer, arXiv:2104.09864) and its long-context forms.

Published weights pair channel i with channel i + D/2. The loader reorders the rows of the query
and key projections (``interleave``) so that a pair is adjacent, which leaves every product q k^T
as it was and makes the rotation one complex multiplication in place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

ROPE_TYPES = ("default", "linear", "dynamic", "llama3", "yarn")


@dataclass(frozen=True, slots=True, kw_only=True)
class RotaryConfig:
    """How positions turn into angles. Fields a type does not use are ignored.

    ``dynamic`` NTK scaling changes the angles only past ``original_max_position``, and then those
    of keys already cached too; contexts are held to that length, where it equals ``default``.
    """

    rope_type: str = "default"
    theta: float = 10000.0
    factor: float = 1.0
    partial: float = 1.0
    original_max_position: int = 0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    attention_factor: float | None = None
    mscale: float = 0.0
    mscale_all_dim: float = 0.0
    truncate: bool = True

    def __post_init__(self) -> None:
        if self.rope_type not in ROPE_TYPES:
            known = ", ".join(ROPE_TYPES)
            raise ValueError(f"rope type `{self.rope_type}` is not supported; known: {known}")

    def rotary_dim(self, head_dim: int) -> int:
        """Return how many leading channels of a head are rotated."""
        return int(head_dim * self.partial)


def frequencies(config: RotaryConfig, head_dim: int) -> tuple[Tensor, float]:
    """Return the angle per position ``[rotary_dim / 2]`` fp32, and the factor on cos and sin."""
    dim = config.rotary_dim(head_dim)
    exponents = torch.arange(0, dim, 2, dtype=torch.int64).float() / dim
    freqs = 1.0 / (config.theta**exponents)
    if config.rope_type == "linear":
        return freqs / config.factor, 1.0
    if config.rope_type == "llama3":
        return _llama3(config, freqs), 1.0
    if config.rope_type == "yarn":
        return _yarn(config, freqs, dim)
    return freqs, 1.0


def _llama3(config: RotaryConfig, freqs: Tensor) -> Tensor:
    """Slow the long wavelengths, keep the short ones (Llama 3.1, arXiv:2407.21783)."""
    length = config.original_max_position
    turns = length * freqs / (2 * math.pi)  # how often a channel turns over the trained length
    low, high = config.low_freq_factor, config.high_freq_factor
    smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0)
    return smooth * freqs + (1.0 - smooth) * freqs / config.factor


def _yarn(config: RotaryConfig, freqs: Tensor, dim: int) -> tuple[Tensor, float]:
    """Blend interpolation and extrapolation per channel (Peng et al., YaRN, arXiv:2309.00071)."""

    def channel(turns: float) -> float:
        ratio = config.original_max_position / (turns * 2 * math.pi)
        return dim * math.log(ratio) / (2 * math.log(config.theta))

    low, high = channel(config.beta_fast), channel(config.beta_slow)
    if config.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    high = high + 0.001 if low == high else high
    ramp = ((torch.arange(dim // 2).float() - low) / (high - low)).clamp(0.0, 1.0)
    blended = freqs / config.factor * ramp + freqs * (1.0 - ramp)
    return blended, _yarn_attention_factor(config)


def _yarn_attention_factor(config: RotaryConfig) -> float:
    def scale(mscale: float) -> float:
        return 1.0 if config.factor <= 1 else 0.1 * mscale * math.log(config.factor) + 1.0

    if config.attention_factor is not None:
        return config.attention_factor
    if config.mscale and config.mscale_all_dim:
        return scale(config.mscale) / scale(config.mscale_all_dim)
    return scale(1.0)


def interleave(rows: Tensor, head_dim: int, rotary_dim: int) -> Tensor:
    """Reorder the channels of each head from halves to adjacent pairs.

    ``rows [heads * head_dim, ...]`` (a projection, its bias or a per-head norm); returns a copy.
    """
    half = torch.arange(rotary_dim).view(2, rotary_dim // 2).t().reshape(-1)
    order = torch.cat((half, torch.arange(rotary_dim, head_dim)))
    heads = rows.view(-1, head_dim, *rows.shape[1:])
    return heads[:, order.to(rows.device)].reshape(rows.shape)


class Rotary:
    """The table of rotations, complex64 ``[positions, rotary_dim / 2]``, grown when needed."""

    def __init__(self, config: RotaryConfig, head_dim: int, device: torch.device) -> None:
        freqs, self._factor = frequencies(config, head_dim)
        self._freqs = freqs.to(device)
        self._dim = config.rotary_dim(head_dim)
        self._whole = self._dim == head_dim
        self._table = self._rotations(256)

    def _rotations(self, num_positions: int) -> Tensor:
        positions = torch.arange(num_positions, device=self._freqs.device, dtype=torch.float32)
        angles = torch.outer(positions, self._freqs)
        return torch.polar(torch.full_like(angles, self._factor), angles)

    def at(self, positions: Tensor, max_position: int) -> Tensor:
        """Return the rotations ``[T, 1, rotary_dim / 2]`` of ``positions [T]``.

        ``max_position`` is their maximum, which the caller knows without reading the tensor.
        """
        if max_position >= len(self._table):
            self._table = self._rotations(max(max_position + 1, 2 * len(self._table)))
        return self._table.index_select(0, positions).unsqueeze(1)

    def rotate_(self, heads: Tensor, rotations: Tensor) -> None:
        """Rotate ``heads [T, N, D]`` (channels interleaved) in place; fp32 inside."""
        part = heads if self._whole else heads[..., : self._dim]
        pairs = part.view(*part.shape[:-1], -1, 2)
        if heads.dtype == torch.float32:
            torch.view_as_complex(pairs).mul_(rotations)
        else:
            turned = torch.view_as_complex(pairs.float()) * rotations
            pairs.copy_(torch.view_as_real(turned))
