"""What a model is loaded with. Needs no torch: whoever starts the engine may not have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sglc.runtime.config import EngineConfig
from sglc.runtime.models.files import ModelFiles
from sglc.runtime.models.hub import EMBEDDED

LoadFormat = Literal["auto", "safetensors", "dummy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """Which model to load, how, and what its runs may use.

    ``num_slots`` is the size of the KV cache in tokens (None: what fits); ``search_path`` the
    folders in which tools named ``module:function`` are looked for; ``timeout_s`` the wall time a
    single run may take; ``engine`` the limits of the scheduler; ``cache_folder`` where automata and
    masks are kept between runs, None for nowhere; ``files`` are the model's, if they were
    loaded before, with the same tokenizer and template.

    ``tokenizer`` and ``chat_template`` stand in for the model's own: see ``load_files``.
    ``load_format`` ``dummy`` draws the weights at random, the same ones each time.
    ``context_length`` is the largest length of a stream, at most the model's. Without
    ``num_slots``, ``memory_fraction`` is the share of the device's memory that weights and KV cache
    take together.

    Raises:
        ValueError: a length or the share is out of its range.
    """

    model: str = EMBEDDED
    tokenizer: str | None = None
    chat_template: str | None = None
    load_format: LoadFormat = "auto"
    context_length: int | None = None
    memory_fraction: float | None = None
    dtype: str = "auto"
    device: str = "auto"
    num_slots: int | None = None
    search_path: tuple[str, ...] = ()
    timeout_s: float | None = None
    engine: EngineConfig = field(default_factory=EngineConfig)
    cache_folder: Path | None = None
    files: ModelFiles | None = None

    def __post_init__(self) -> None:
        for flag, value, least in (
            ("context_length", self.context_length, 1),
            ("max_total_tokens", self.num_slots, 2),
        ):
            if value is not None and (type(value) is not int or value < least):
                raise ValueError(
                    f"{flag} must be a whole number of at least {least}, not {value!r}"
                )
        share = self.memory_fraction
        if share is not None and not 0 < share <= 1:
            raise ValueError(f"mem_fraction_static must be above 0 and at most 1, not {share}")
