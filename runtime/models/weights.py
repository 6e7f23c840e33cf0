"""From a checkpoint's tensors to the decoder's layers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sglc.runtime.attention.base import AttentionShape
from sglc.runtime.layers.attention import AttentionProjections
from sglc.runtime.layers.linear import DenseLinear, Linear, LinearFactory
from sglc.runtime.layers.mlp import ACTIVATIONS, GatedMLP
from sglc.runtime.layers.norm import RMSNorm
from sglc.runtime.layers.rotary import Rotary, interleave
from sglc.runtime.models.architecture import Architecture, DecoderSpec
from sglc.runtime.models.checkpoint import Checkpoint
from sglc.runtime.models.config import ModelConfig
from sglc.runtime.models.decoder import Decoder, DecoderLayer
from sglc.runtime.models.dummy import DummyWeights
from sglc.runtime.models.errors import ModelError

_EMBED, _NORM, _HEAD = "model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"
_IGNORED = ("rotary_emb.inv_freq", ".attn.bias", ".masked_bias")


def tensor_shapes(config: ModelConfig, spec: DecoderSpec) -> dict[str, tuple[int, ...]]:
    """List the published names of all weights, with their shapes."""
    size, inner = config.hidden_size, config.intermediate_size
    q, kv = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    projections = {
        "self_attn.q_proj": (q, size, spec.qkv_bias),
        "self_attn.k_proj": (kv, size, spec.qkv_bias),
        "self_attn.v_proj": (kv, size, spec.qkv_bias),
        "self_attn.o_proj": (size, q, spec.out_bias),
        "mlp.gate_proj": (inner, size, spec.mlp_bias),
        "mlp.up_proj": (inner, size, spec.mlp_bias),
        "mlp.down_proj": (size, inner, spec.mlp_bias),
    }
    layer: dict[str, tuple[int, ...]] = {
        "input_layernorm.weight": (size,),
        "post_attention_layernorm.weight": (size,),
    }
    for name, (rows, columns, has_bias) in projections.items():
        layer[f"{name}.weight"] = (rows, columns)
        if has_bias:
            layer[f"{name}.bias"] = (rows,)
    if spec.qk_norm:
        layer["self_attn.q_norm.weight"] = layer["self_attn.k_norm.weight"] = (config.head_dim,)
    shapes: dict[str, tuple[int, ...]] = {
        f"model.layers.{i}.{name}": shape
        for i in range(config.num_layers)
        for name, shape in layer.items()
    }
    shapes |= {_EMBED: (config.vocab_size, size), _NORM: (size,)}
    if not config.tie_embeddings:
        shapes[_HEAD] = (config.vocab_size, size)
    return shapes


def attention_shape(architecture: Architecture, config: ModelConfig) -> AttentionShape:
    """Return what an attention backend must know of the checkpoint."""
    return AttentionShape(
        config.num_heads,
        config.num_kv_heads,
        config.head_dim,
        config.head_dim**-0.5,
        architecture.windows(config),
    )


def load_decoder(
    checkpoint: Checkpoint | DummyWeights,
    architecture: Architecture,
    config: ModelConfig,
    dtype: torch.dtype,
    device: torch.device,
    linear: LinearFactory = DenseLinear,
) -> Decoder:
    """Read the weights into a decoder.

    Raises:
        ModelError: names or shapes do not fit the config, or a file cannot be read.
    """
    if config.activation not in ACTIVATIONS:
        known = ", ".join(sorted(ACTIVATIONS))
        raise ModelError(f"hidden_act `{config.activation}` is not supported; known: {known}")
    spec = architecture.spec(config)
    tied = (_HEAD,) if config.tie_embeddings else ()
    checkpoint.check(tensor_shapes(config, spec), (*_IGNORED, *tied))
    builder = _Builder(checkpoint, architecture.packed, config, spec, dtype, device, linear)
    return builder.decoder()


class _Builder:
    """Makes the layers one by one, so that at most one layer is in memory twice."""

    def __init__(
        self,
        checkpoint: Checkpoint | DummyWeights,
        packed: Mapping[str, tuple[str, ...]],
        config: ModelConfig,
        spec: DecoderSpec,
        dtype: torch.dtype,
        device: torch.device,
        linear: LinearFactory,
    ) -> None:
        self._checkpoint = checkpoint
        self._packed = packed
        self._config = config
        self._spec = spec
        self._dtype = dtype
        self._device = device
        self._make_linear = linear
        self._rotary = Rotary(config.rotary, config.head_dim, device)

    def decoder(self) -> Decoder:
        embed = self._tensor(_EMBED)
        head = embed if self._config.tie_embeddings else self._tensor(_HEAD)
        layers = [self._layer(f"model.layers.{i}.") for i in range(self._config.num_layers)]
        return Decoder(
            embed, layers, self._norm(_NORM), self._make_linear(head, None), self._rotary
        )

    def _layer(self, prefix: str) -> DecoderLayer:
        spec, config, attn = self._spec, self._config, prefix + "self_attn."
        qk_norm = None
        if spec.qk_norm:
            heads = (config.num_heads, config.num_kv_heads)
            names = (f"{attn}q_norm.weight", f"{attn}k_norm.weight")
            rows = [self._tensor(n).expand(h, -1) for n, h in zip(names, heads, strict=True)]
            qk_norm = RMSNorm(self._interleaved(torch.cat(rows).reshape(-1)), config.norm_eps)
        return DecoderLayer(
            self._norm(prefix + "input_layernorm.weight"),
            AttentionProjections(
                self._linear(attn, "qkv_proj", spec.qkv_bias),
                self._linear(attn, "o_proj", spec.out_bias),
                self._rotary,
                config.num_heads,
                config.num_kv_heads,
                qk_norm,
            ),
            self._norm(prefix + "post_attention_layernorm.weight"),
            GatedMLP(
                self._linear(prefix + "mlp.", "gate_up_proj", spec.mlp_bias),
                self._linear(prefix + "mlp.", "down_proj", spec.mlp_bias),
                config.activation,
            ),
        )

    def _interleaved(self, flat: Tensor) -> Tensor:
        """Reorder ``[N * D]`` to head channels in pairs, return ``[N, D]``."""
        dim = self._config.head_dim
        return interleave(flat, dim, self._config.rotary.rotary_dim(dim)).view(-1, dim)

    def _linear(self, prefix: str, name: str, has_bias: bool) -> Linear:
        """Make one projection, stacking those that are published apart."""
        parts = self._packed.get(name, (name,))
        weight = self._stacked([f"{prefix}{part}.weight" for part in parts])
        bias = self._stacked([f"{prefix}{part}.bias" for part in parts]) if has_bias else None
        return self._make_linear(weight, bias)

    def _stacked(self, names: list[str]) -> Tensor:
        parts = [self._tensor(name) for name in names]
        dim = self._config.head_dim
        for i, name in enumerate(names):
            if ".q_proj." in name or ".k_proj." in name:
                parts[i] = interleave(parts[i], dim, self._config.rotary.rotary_dim(dim))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _norm(self, name: str) -> RMSNorm:
        return RMSNorm(self._tensor(name), self._config.norm_eps)

    def _tensor(self, name: str) -> Tensor:
        return self._checkpoint.tensor(name).to(self._device, self._dtype)
