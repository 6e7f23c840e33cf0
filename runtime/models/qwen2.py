"""Qwen2 and Qwen2.5 dense decoder. Source: Qwen2 Technical Report, arXiv:2407.10671."""

from sglc.runtime.models.architecture import Architecture, DecoderSpec

QWEN2 = Architecture(
    hf_name="Qwen2ForCausalLM",
    decoder=DecoderSpec(qkv_bias=True),
    window="opt-in",
)
