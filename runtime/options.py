"""What a model is loaded with. Needs no torch: whoever starts the engine may not have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sglc.runtime.config import EngineConfig
from sglc.runtime.models.files import ModelFiles
from sglc.runtime.models.hub import EMBEDDED


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """Which model to load, how, and what its runs may use.

    ``num_slots`` is the size of the KV cache in tokens (None: what fits); ``search_path`` the
    folders in which tools named ``module:function`` are looked for; ``timeout_s`` the wall time a
    single run may take; ``engine`` the limits of the scheduler; ``cache_folder`` where automata and
    masks are kept between runs, None for nowhere; ``files`` are the model's, if they were
    loaded before.
    """

    model: str = EMBEDDED
    dtype: str = "auto"
    device: str = "auto"
    num_slots: int | None = None
    search_path: tuple[str, ...] = ()
    timeout_s: float | None = None
    engine: EngineConfig = field(default_factory=EngineConfig)
    cache_folder: Path | None = None
    files: ModelFiles | None = None
