"""Architectures by the name that config.json gives them; each is imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from sglc.runtime.models.architecture import Architecture
from sglc.runtime.models.errors import ModelError

ARCHITECTURES = {
    "LlamaForCausalLM": "sglc.runtime.models.llama:LLAMA",
    "MistralForCausalLM": "sglc.runtime.models.mistral:MISTRAL",
    "Qwen2ForCausalLM": "sglc.runtime.models.qwen2:QWEN2",
    "Qwen3ForCausalLM": "sglc.runtime.models.qwen3:QWEN3",
}


def find_architecture(hf_name: str) -> Architecture:
    """Return the architecture of that name.

    Raises:
        ModelError: it is not known; the message lists those that are.
    """
    target = ARCHITECTURES.get(hf_name)
    if target is None:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ModelError(f"architecture `{hf_name}` is not supported; known: {known}")
    module, name = target.split(":")
    return cast(Architecture, getattr(import_module(module), name))
