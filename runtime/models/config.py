"""config.json of a checkpoint, in the published form and in that of transformers 5."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sglc.runtime.layers.rotary import RotaryConfig
from sglc.runtime.models.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The numbers of a decoder. ``windows`` has one entry a layer (None: full attention)."""

    architecture: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    norm_eps: float
    activation: str
    max_context: int
    rotary: RotaryConfig
    windows: tuple[int | None, ...]
    tie_embeddings: bool
    dtype: str
    flags: frozenset[str]

    @property
    def num_parameters(self) -> int:
        """Weights of the decoder, norms and biases left out."""
        heads = (2 * self.num_heads + 2 * self.num_kv_heads) * self.head_dim
        layer = self.hidden_size * (heads + 3 * self.intermediate_size)
        tables = 1 if self.tie_embeddings else 2
        return self.num_layers * layer + tables * self.vocab_size * self.hidden_size


class _Keys:
    """Typed access to config.json; an error names the file and the key."""

    def __init__(self, data: Mapping[str, Any], path: Path) -> None:
        self.data = data
        self.path = path

    def number(self, key: str, default: float | None = None) -> float:
        value = self.data.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            what = "missing" if value is None else f"{value!r}, not a number >= 0"
            raise ModelError(f"{self.path}: `{key}` is {what}")
        return value

    def count(self, key: str, default: int | None = None) -> int:
        value = self.number(key, default)
        if value != int(value) or value < 1:
            raise ModelError(f"{self.path}: `{key}` is {value!r}, not a whole number >= 1")
        return int(value)


def read_config(directory: Path) -> ModelConfig:
    """Read ``config.json``.

    Raises:
        ModelError: it is missing, not JSON, lacks a key, or asks for what is not supported.
    """
    path = directory / "config.json"
    data = read_json(path)
    architectures = data.get("architectures")
    if not isinstance(architectures, list) or not architectures:
        raise ModelError(f"{path}: `architectures` is missing: it names the model class")
    if "quantization_config" in data:
        method = data["quantization_config"].get("quant_method", "unknown")
        raise ModelError(f"{path}: quantization `{method}` is not supported; use plain weights")
    keys = _Keys(data, path)
    num_heads, hidden_size = keys.count("num_attention_heads"), keys.count("hidden_size")
    num_kv_heads = keys.count("num_key_value_heads", num_heads)
    head_dim = keys.count("head_dim", hidden_size // num_heads)
    if num_heads % num_kv_heads:
        raise ModelError(
            f"{path}: num_attention_heads {num_heads} is not a multiple of "
            f"num_key_value_heads {num_kv_heads}"
        )
    if head_dim % 2:
        raise ModelError(f"{path}: head_dim {head_dim} is odd; rotary embedding needs pairs")
    max_context = keys.count("max_position_embeddings", 2048)
    rotary = _rotary(keys, max_context)
    if rotary.rope_type == "yarn":
        max_context = max(max_context, int(rotary.original_max_position * rotary.factor))
    return ModelConfig(
        architecture=str(architectures[0]),
        vocab_size=keys.count("vocab_size"),
        hidden_size=hidden_size,
        intermediate_size=keys.count("intermediate_size"),
        num_layers=keys.count("num_hidden_layers"),
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        head_dim=head_dim,
        norm_eps=keys.number("rms_norm_eps", 1e-6),
        activation=str(data.get("hidden_act") or data.get("hidden_activation") or "silu"),
        max_context=max_context,
        rotary=rotary,
        windows=_windows(keys),
        tie_embeddings=bool(data.get("tie_word_embeddings", False)),
        dtype=str(data.get("dtype") or data.get("torch_dtype") or "float32").split(".")[-1],
        flags=frozenset(key for key, value in data.items() if value is True),
    )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ModelError: the file cannot be read, or is something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file; a model directory needs it") from None
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ModelError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise ModelError(f"{path}: not a JSON object")
    return data


def _rotary(keys: _Keys, max_context: int) -> RotaryConfig:
    """Read ``rope_parameters`` (transformers 5) or ``rope_theta`` and ``rope_scaling``."""
    data = keys.data.get("rope_parameters") or keys.data.get("rope_scaling") or {}
    if not isinstance(data, dict) or any(isinstance(v, dict) for v in data.values()):
        raise ModelError(f"{keys.path}: rotary parameters that differ by layer are not supported")
    rope_type = data.get("rope_type") or data.get("type") or "default"
    inner = _Keys({**keys.data, **data}, keys.path)
    original = inner.count("original_max_position_embeddings", max_context)
    attention_factor = data.get("attention_factor")
    try:
        return RotaryConfig(
            rope_type=str(rope_type),
            theta=float(inner.number("rope_theta", 10000.0)),
            factor=float(inner.number("factor", 1.0)),
            partial=float(inner.number("partial_rotary_factor", 1.0)),
            original_max_position=original,
            low_freq_factor=float(inner.number("low_freq_factor", 1.0)),
            high_freq_factor=float(inner.number("high_freq_factor", 4.0)),
            beta_fast=float(inner.number("beta_fast", 32.0)),
            beta_slow=float(inner.number("beta_slow", 1.0)),
            attention_factor=None if attention_factor is None else float(attention_factor),
            mscale=float(inner.number("mscale", 0.0)),
            mscale_all_dim=float(inner.number("mscale_all_dim", 0.0)),
            truncate=bool(data.get("truncate", True)),
        )
    except ValueError as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{keys.path}: {error}") from None


def _windows(keys: _Keys) -> tuple[int | None, ...]:
    """Return each layer's sliding window, as ``layer_types`` or the older keys state it."""
    data, num_layers = keys.data, keys.count("num_hidden_layers")
    window = data.get("sliding_window")
    if window is None or data.get("use_sliding_window") is False:
        return (None,) * num_layers
    size = keys.count("sliding_window")
    types = data.get("layer_types")
    if isinstance(types, list):
        known = {"sliding_attention": size, "full_attention": None}
        if len(types) != num_layers or not set(types) <= set(known):
            raise ModelError(f"{keys.path}: `layer_types` is {types!r}, for {num_layers} layers")
        return tuple(known[t] for t in types)
    full = int(data.get("max_window_layers") or 0) if data.get("use_sliding_window") else 0
    return tuple(None if i < full else size for i in range(num_layers))
