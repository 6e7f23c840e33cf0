"""An architecture as data over the one shared decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sglc.runtime.models.config import ModelConfig

PACKED: Mapping[str, tuple[str, ...]] = {
    "qkv_proj": ("q_proj", "k_proj", "v_proj"),
    "gate_up_proj": ("gate_proj", "up_proj"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderSpec:
    """Where decoders of the Llama family differ."""

    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One ``architectures[0]`` of config.json.

    Attributes:
        decoder: the maths.
        flags: boolean keys of config.json, and the fields of ``decoder`` they turn on.
        packed: our name of a fused projection, and the published ones stacked in it.
        window: whether ``sliding_window`` counts: never, always, or when ``use_sliding_window``.
    """

    hf_name: str
    decoder: DecoderSpec = DecoderSpec()
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    packed: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: PACKED)
    window: Literal["never", "always", "opt-in"] = "never"

    def spec(self, config: ModelConfig) -> DecoderSpec:
        """Return the decoder's maths for one checkpoint."""
        names = [n for flag, names in self.flags.items() if flag in config.flags for n in names]
        return replace(self.decoder, **dict.fromkeys(names, True))

    def windows(self, config: ModelConfig) -> tuple[int | None, ...]:
        """Return each layer's sliding window, None for full attention."""
        opted = self.window == "opt-in" and "use_sliding_window" in config.flags
        if opted or self.window == "always":
            return config.windows
        return (None,) * config.num_layers
