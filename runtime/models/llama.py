"""Llama decoder. Source: LLaMA, arXiv:2302.13971; The Llama 3 Herd of Models, arXiv:2407.21783."""

from sglc.runtime.models.architecture import Architecture, DecoderSpec

LLAMA = Architecture(
    hf_name="LlamaForCausalLM",
    decoder=DecoderSpec(),
    flags={"attention_bias": ("qkv_bias", "out_bias"), "mlp_bias": ("mlp_bias",)},
)
