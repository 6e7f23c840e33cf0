"""Qwen3 dense decoder. Source: Qwen3 Technical Report, arXiv:2505.09388."""

from sglc.runtime.models.architecture import Architecture, DecoderSpec

QWEN3 = Architecture(
    hf_name="Qwen3ForCausalLM",
    decoder=DecoderSpec(qk_norm=True),
    flags={"attention_bias": ("qkv_bias", "out_bias")},
    window="opt-in",
)
