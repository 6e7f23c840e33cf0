"""Mistral decoder: Llama with a sliding window. Source: Mistral 7B, arXiv:2310.06825."""

from sglc.runtime.models.architecture import Architecture, DecoderSpec

MISTRAL = Architecture(
    hf_name="MistralForCausalLM",
    decoder=DecoderSpec(),
    window="always",
)
