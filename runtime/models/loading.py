"""A model with everything that goes with it: weights, tokenizer, chat template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sglc.runtime.attention.base import AttentionShape
from sglc.runtime.models.checkpoint import Checkpoint
from sglc.runtime.models.config import ModelConfig, read_config
from sglc.runtime.models.decoder import Decoder
from sglc.runtime.models.dummy import DummyWeights
from sglc.runtime.models.errors import ModelError
from sglc.runtime.models.files import ModelFiles, load_files
from sglc.runtime.models.hub import resolve
from sglc.runtime.models.placement import SMALL_MODEL, choose_device, choose_dtype, fitting_slots
from sglc.runtime.models.registry import find_architecture
from sglc.runtime.models.runner import TorchRunner
from sglc.runtime.models.weights import attention_shape, load_decoder
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """What ``load_model`` returns. ``template`` is None for a model without chat roles."""

    directory: Path
    config: ModelConfig
    shape: AttentionShape
    decoder: Decoder
    tokenizer: Tokenizer
    template: ChatTemplate | None
    dtype: torch.dtype
    device: torch.device

    def runner(
        self, num_slots: int | None = None, memory_fraction: float | None = None
    ) -> TorchRunner:
        """Make a runner with its own KV pool; None takes what fits, see ``fitting_slots``."""
        if num_slots is None:
            num_slots = fitting_slots(
                self.shape, self.dtype, self.device, static_fraction=memory_fraction
            )
        return TorchRunner(
            self.decoder,
            self.shape,
            vocab_size=self.config.vocab_size,
            max_context=self.config.max_context,
            num_slots=num_slots,
            dtype=self.dtype,
            device=self.device,
        )

    def encoder(self) -> PromptEncoder:
        """Make a prompt encoder with its own cache."""
        return PromptEncoder(self.tokenizer, self.template)


def load_model(
    path_or_id: str | Path,
    dtype: str = "auto",
    device: str = "auto",
    *,
    set_threads: bool = True,
    files: ModelFiles | None = None,
    dummy: bool = False,
    context_length: int | None = None,
) -> LoadedModel:
    """Load a directory, ``"embedded"``, or an id of the Hugging Face hub.

    With ``set_threads``, torch is held to one thread in this process when a small model runs on
    the CPU: its operations take microseconds, and two threads on busy cores wait milliseconds
    for each other. ``files`` are what ``load_files`` found of this model, if it was asked before.
    ``dummy`` weights are random. ``context_length`` makes the model's context shorter.

    Raises:
        ModelError: the files are missing, broken or not supported, or an option is not known.
    """
    directory = resolve(str(path_or_id))
    config = _limited(read_config(directory), context_length)
    if files is None or files.path_or_id != str(path_or_id):
        files = load_files(path_or_id)
    _check_vocabulary(files.tokenizer, config, directory)
    architecture = find_architecture(config.architecture)
    chosen_device = choose_device(device)
    chosen_dtype = choose_dtype(dtype, config, chosen_device)
    if set_threads and chosen_device.type == "cpu" and config.num_parameters < SMALL_MODEL:
        torch.set_num_threads(1)
    with DummyWeights() if dummy else Checkpoint(directory) as checkpoint:
        decoder = load_decoder(checkpoint, architecture, config, chosen_dtype, chosen_device)
    return LoadedModel(
        directory=directory,
        config=config,
        shape=attention_shape(architecture, config),
        decoder=decoder,
        tokenizer=files.tokenizer,
        template=files.template,
        dtype=chosen_dtype,
        device=chosen_device,
    )


def _limited(config: ModelConfig, context_length: int | None) -> ModelConfig:
    if context_length is None:
        return config
    if not 1 < context_length <= config.max_context:
        raise ModelError(
            f"a context of {context_length} tokens is asked for; the model has {config.max_context}"
        )
    return replace(config, max_context=context_length)


def load_tokenizer(path_or_id: str | Path) -> tuple[ModelConfig, Tokenizer]:
    """Load what is known of a model without its weights.

    Raises:
        ModelError: the files are missing, broken or of different models.
    """
    directory = resolve(str(path_or_id))
    config = read_config(directory)
    try:
        tokenizer = Tokenizer.from_dir(directory)
    except ValueError as error:
        raise ModelError(str(error)) from error
    _check_vocabulary(tokenizer, config, directory)
    return config, tokenizer


def _check_vocabulary(tokenizer: Tokenizer, config: ModelConfig, directory: Path) -> None:
    """Refuse a tokenizer that gives ids the embedding lacks; special tokens may lie past it."""
    past = [b for b in tokenizer.token_bytes[config.vocab_size :] if b]
    if past:
        raise ModelError(
            f"{directory}: tokenizer.json has {len(past)} tokens past vocab_size "
            f"{config.vocab_size} of config.json: they are of different models"
        )
