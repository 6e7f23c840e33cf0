"""Tiny random checkpoints made by transformers, and a driver that feeds a runner by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sglc.runtime.attention.base import AttentionShape
from sglc.runtime.core.batch import ForwardBatch
from sglc.runtime.models.checkpoint import Checkpoint
from sglc.runtime.models.config import read_config
from sglc.runtime.models.registry import find_architecture
from sglc.runtime.models.runner import TorchRunner
from sglc.runtime.models.weights import attention_shape, load_decoder

SMALL: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def make_reference() -> Callable[..., Any]:
    """Return a function that builds a transformers model: family, then config overrides."""
    import transformers

    transformers.utils.logging.disable_progress_bar()

    def make(family: str, **overrides: Any) -> Any:
        torch.manual_seed(7)
        config = getattr(transformers, f"{family}Config")(**{**SMALL, **overrides})
        model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
        for name, parameter in model.named_parameters():  # norms and biases are 1 and 0 at first
            if "norm" in name or "bias" in name:
                torch.nn.init.normal_(parameter, mean=0.5, std=0.3)
            else:
                torch.nn.init.normal_(parameter, std=0.15)
        return model

    return make


def load_runner(directory: Path, dtype: torch.dtype = torch.float32) -> TorchRunner:
    """Load a checkpoint that has no tokenizer, with 400 slots."""
    config = read_config(directory)
    architecture = find_architecture(config.architecture)
    cpu = torch.device("cpu")
    with Checkpoint(directory) as checkpoint:
        decoder = load_decoder(checkpoint, architecture, config, dtype, cpu)
    shape: AttentionShape = attention_shape(architecture, config)
    return TorchRunner(
        decoder,
        shape,
        vocab_size=config.vocab_size,
        max_context=config.max_context,
        num_slots=400,
        dtype=dtype,
        device=cpu,
    )


class Driver:
    """Sequences in a runner's pool, their slots drawn at random."""

    def __init__(self, runner: TorchRunner, seed: int = 0) -> None:
        self.runner = runner
        self.free = list(range(1, runner.num_slots))
        random.Random(seed).shuffle(self.free)
        self.slots: dict[str, list[int]] = {}

    def share(self, name: str, other: str, length: int) -> None:
        """Let a new sequence begin with the first slots of another."""
        self.slots[name] = self.slots.get(other, [])[:length]

    def step(
        self, new: Sequence[tuple[str, Sequence[int]]], rows: Sequence[int] | None = None
    ) -> Tensor:
        """Run the new tokens of some sequences in one batch; ``rows`` None is all."""
        ids, positions, stored, query_lens = [], [], [], []
        for name, tokens in new:
            slots = self.slots.setdefault(name, [])
            for token in tokens:
                positions.append(len(slots))
                slots.append(self.free.pop())
                stored.append(slots[-1])
                ids.append(token)
            query_lens.append(len(tokens))
        seq_lens = [len(self.slots[name]) for name, _ in new]
        table = torch.zeros(len(new), max(seq_lens), dtype=torch.int64)
        for b, (name, _) in enumerate(new):
            table[b, : seq_lens[b]] = torch.tensor(self.slots[name])
        return self.runner.forward(
            ForwardBatch(
                torch.tensor(ids),
                torch.tensor(positions),
                torch.tensor(stored),
                tuple(query_lens),
                tuple(seq_lens),
                table,
                torch.tensor(range(len(ids)) if rows is None else rows, dtype=torch.int64),
            )
        )


@pytest.fixture
def load_dir() -> Callable[..., TorchRunner]:
    """Return ``load_runner``."""
    return load_runner


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., TorchRunner]:
    """Return a function that saves a transformers model and loads it here."""

    def load(reference: Any, **save: Any) -> TorchRunner:
        reference.save_pretrained(tmp_path, **save)
        return load_runner(tmp_path)

    return load


@pytest.fixture
def driver() -> type[Driver]:
    return Driver


@pytest.fixture
def expect() -> Callable[[Any, Sequence[int]], Tensor]:
    """Return a function: logits ``[T, V]`` of a transformers model for one sequence."""

    def logits(reference: Any, ids: Sequence[int]) -> Tensor:
        with torch.no_grad():
            found: Tensor = reference(torch.tensor([list(ids)])).logits[0]
        return found

    return logits
