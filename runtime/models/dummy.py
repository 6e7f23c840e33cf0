"""Weights that are drawn, not read: for tests and measurements of what has no checkpoint."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from types import TracebackType

import torch
from torch import Tensor

_SCALE = 0.02


class DummyWeights:
    """Stands in for a ``Checkpoint``: each tensor is drawn from its name, the same each time."""

    def __init__(self) -> None:
        self._shapes: Mapping[str, tuple[int, ...]] = {}

    def __enter__(self) -> DummyWeights:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def tensor(self, name: str) -> Tensor:
        """Draw one tensor. Norms are 1, as in a model that is not trained."""
        if name.endswith("norm.weight"):
            return torch.ones(self._shapes[name])
        generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        return torch.randn(self._shapes[name], generator=generator) * _SCALE

    def check(self, wanted: Mapping[str, tuple[int, ...]], ignored: Iterable[str]) -> None:
        """Take the names and shapes that a model needs."""
        self._shapes = wanted
