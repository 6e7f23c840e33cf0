"""Embeddings against the hidden states of transformers, fp32."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from sglc.runtime.config import EngineConfig
from sglc.runtime.core.events import Decoded, Embedded, Ended
from sglc.runtime.core.script import Decode, Embed, Extend, StreamRequest
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.scheduler.scheduler import Scheduler

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "qwen2": ("Qwen2", {}),
    "qwen3": ("Qwen3", {"head_dim": 16}),
}


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("chunk_size", [4, 2048])
def test_the_last_hidden_state_is_that_of_transformers(
    make_reference: Any, loaded: Any, family: str, chunk_size: int
) -> None:
    """Of prompts that share a prefix, next to a decode, and once more out of the cache."""
    name, overrides = FAMILIES[family]
    reference = make_reference(name, **overrides)
    vocabulary = Vocabulary.of([bytes([i]) for i in range(96)], frozenset({2}), 96)
    scheduler = Scheduler(loaded(reference), vocabulary, EngineConfig(chunk_size=chunk_size))
    rng = random.Random(4)
    stem = [rng.randrange(3, 96) for _ in range(9)]
    prompts = [tuple(stem[:n] + [rng.randrange(3, 96) for _ in range(5)]) for n in (0, 4, 9)]
    decode = Decode(6, ignore_eos=True)
    for _ in range(2):
        other = scheduler.submit(StreamRequest((Extend(tuple(stem)), decode)))
        streams = [scheduler.submit(StreamRequest((Extend(ids), Embed()))) for ids in prompts]
        found: dict[int, tuple[float, ...]] = {}
        written = 0
        while not scheduler.idle:
            for event in scheduler.step():
                if isinstance(event, Embedded):
                    found[event.stream] = event.vector
                elif isinstance(event, Decoded):
                    written = len(event.result.ids)
                else:
                    assert isinstance(event, Ended) or event.stream == other
        assert written == 6
        for stream, ids in zip(streams, prompts, strict=True):
            with torch.no_grad():
                states = reference.model(torch.tensor([ids])).last_hidden_state[0, -1]
            wanted = torch.nn.functional.normalize(states, dim=0)
            difference = (torch.tensor(found[stream]) - wanted).abs().max().item()
            assert difference < 1e-4
    assert scheduler.stats()["recomputed_tokens"] >= len(prompts)
