"""Architectures as data, weight loading.

Importing this package loads no torch; ``load_model`` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sglc.runtime.models.errors import ModelError
from sglc.runtime.models.hub import EMBEDDED, resolve

if TYPE_CHECKING:
    from sglc.runtime.models.loading import LoadedModel

__all__ = ["EMBEDDED", "ModelError", "load_model", "resolve"]


def load_model(
    path_or_id: str | Path, dtype: str = "auto", device: str = "auto", *, set_threads: bool = True
) -> LoadedModel:
    """Load a model: see ``sglc.runtime.models.loading.load_model``."""
    from sglc.runtime.models.loading import load_model as load

    return load(path_or_id, dtype, device, set_threads=set_threads)
