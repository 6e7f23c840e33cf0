"""The embedded model twice: behind the engine, and by transformers for the reference."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from sglc.compiler.plan.segments import Segment
from sglc.runtime.local import LocalHost, load
from sglc.runtime.models.hub import resolve
from sglc.runtime.options import LocalOptions
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate

EXAMPLES = Path(__file__).parents[2] / "examples"


class TransformersModel:
    """The embedded model as transformers runs it: the reference of ids, logits and texts."""

    def __init__(self) -> None:
        import transformers

        directory = resolve("embedded")
        transformers.utils.logging.disable_progress_bar()
        self._model = transformers.AutoModelForCausalLM.from_pretrained(
            directory, dtype=torch.float32
        ).eval()
        tokenizer = Tokenizer.from_dir(directory)
        self._encoder = PromptEncoder(tokenizer, ChatTemplate.from_dir(directory, tokenizer))
        self.vocab_size: int = self._model.config.vocab_size
        self.token_bytes: Sequence[bytes] = [
            *tokenizer.token_bytes,
            *[b""] * (self.vocab_size - len(tokenizer.token_bytes)),
        ]
        self.eos_ids: Collection[int] = tokenizer.eos_ids
        self._seen: list[int] = []
        self._cache: Any = None

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        return self._encoder.encode(segments)

    def encode_healed(self, segments: Sequence[Segment]) -> tuple[list[int], bytes]:
        return self._encoder.encode_healed(segments)

    def text(self, segments: Sequence[Segment]) -> str:
        return self._encoder.text(segments)

    def logits(self, ids: Sequence[int]) -> Sequence[float]:
        """The token after ``ids``; transformers keeps its cache while ids only grow at the end."""
        grown = self._cache is not None and list(ids[:-1]) == self._seen
        new = ids[-1:] if grown else ids
        with torch.inference_mode():
            out = self._model(
                torch.tensor([list(new)]),
                past_key_values=self._cache if grown else None,
                use_cache=True,
            )
        self._seen, self._cache = list(ids), out.past_key_values
        row: Sequence[float] = out.logits[0, -1].tolist()
        return row


@pytest.fixture(scope="session")
def transformers_model() -> TransformersModel:
    return TransformersModel()


@pytest.fixture(scope="session")
def host() -> Iterator[LocalHost]:
    torch.set_num_threads(1)
    made = load(LocalOptions(dtype="float32", num_slots=8192, search_path=(str(EXAMPLES),)))
    yield made
    made.executor.close()


@pytest.fixture(scope="session")
def example_tools() -> Mapping[str, Callable[..., Any]]:
    """The functions behind the tools of the examples, by the names the programs use."""
    sys.path.insert(0, str(EXAMPLES / "tools"))
    try:
        files, index, wiki = (importlib.import_module(n) for n in ("files", "index", "wiki"))
    finally:
        sys.path.remove(str(EXAMPLES / "tools"))
    return {
        "read_file": files.read_file,
        "run_tests": files.run_tests,
        "wiki": wiki.search,
        "tools.index.retrieve": index.retrieve,
    }
