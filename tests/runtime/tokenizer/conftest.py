"""Tiny tokenizers, trained here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from generators.saved_tokenizers import KINDS, byte_level, save
from tokenizers import Tokenizer as Inner

from sglc.runtime.tokenizer.files import Tokenizer


@pytest.fixture(scope="session")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tokenizer]:
    """Every kind, read from files."""
    root = tmp_path_factory.mktemp("tokenizers")
    settings = {"bos_token": "<s>", "eos_token": {"content": "</s>", "special": True}}
    return {
        name: Tokenizer.from_dir(save(make(), root / name, tokenizer_config=settings))
        for name, make in KINDS.items()
    }


@pytest.fixture(scope="session")
def originals() -> dict[str, Inner]:
    """Every kind, as the library has it."""
    return {name: make() for name, make in KINDS.items()}


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Return ``save`` into this test's directory, of the byte-level kind."""
    return lambda **files: save(byte_level(), tmp_path, **files)
