"""Logits as the scheduler asks for them: radix cache, chunks, preemption, forks, scores.

A runner that knows which token each slot holds compares every row it computes with transformers'
logits for the same prefix, so any wrong slot, position or stale K/V shows up as a number.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from sglc.runtime.config import EngineConfig
from sglc.runtime.core.batch import ForwardBatch
from sglc.runtime.core.events import Decoded, Failed
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.models import EMBEDDED, load_model, resolve
from sglc.runtime.scheduler.scheduler import Scheduler

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "mistral": ("Mistral", {"sliding_window": 9, "head_dim": 16}),
    "qwen2": ("Qwen2", {}),
    "qwen3": ("Qwen3", {"head_dim": 16}),
}
CONFIGS = {
    "plain": (EngineConfig(), 390),
    "chunks": (EngineConfig(chunk_size=3, max_prefill_tokens=7), 390),
    "few": (EngineConfig(max_running=2, chunk_size=5), 390),
    "preemption": (EngineConfig(chunk_size=4), 64),
}


class Compared:
    """A runner that checks its logits against a reference, prefix by prefix."""

    def __init__(self, runner: Any, reference: Any, num_slots: int) -> None:
        self.vocab_size, self.max_context = runner.vocab_size, runner.max_context
        self.num_slots = num_slots
        self._runner, self._reference = runner, reference
        self._token_at: dict[int, int] = {}
        self.worst = 0.0
        self.rows = 0

    def forward(self, batch: ForwardBatch) -> torch.Tensor:
        found: torch.Tensor = self._runner.forward(batch)
        pairs = zip(batch.slots.tolist(), batch.token_ids.tolist(), strict=True)
        self._token_at.update(pairs)
        for row, prefix in zip(found, self._prefixes(batch), strict=True):
            with torch.inference_mode():
                wanted = self._reference(torch.tensor([prefix])).logits[0, -1]
            self.worst = max(self.worst, (row - wanted).abs().max().item())
            self.rows += 1
        return found

    def _prefixes(self, batch: ForwardBatch) -> list[list[int]]:
        owner = [b for b, length in enumerate(batch.query_lens) for _ in range(length)]
        return [
            [
                self._token_at[slot]
                for slot in batch.slot_table[owner[i], : int(batch.positions[i]) + 1].tolist()
            ]
            for i in batch.logit_rows.tolist()
        ]


def requests(rng: random.Random) -> list[StreamRequest]:
    """Streams that share prefixes, go on after a decode, and score choices."""
    stem = [rng.randrange(3, 96) for _ in range(12)]
    made = []
    for i in range(6):
        ids = tuple(stem[: 4 + 2 * (i % 4)] + [rng.randrange(3, 96) for _ in range(3 + i)])
        more = tuple(rng.randrange(3, 96) for _ in range(4))
        choices = (more[:2], more[:3], (*more[:1], 5, 6))
        decode = Decode(max_tokens=7, ignore_eos=True)
        script = (Extend(ids), decode, Extend(more), decode)
        made.append(StreamRequest(script if i % 3 else (Extend(ids), Score(choices), decode)))
    return made


def outputs(scheduler: Scheduler, streams: Sequence[StreamRequest]) -> list[list[tuple[int, ...]]]:
    numbers = [scheduler.submit(stream) for stream in streams]
    found: dict[int, list[tuple[int, ...]]] = {number: [] for number in numbers}
    while not scheduler.idle:
        for event in scheduler.step():
            assert not isinstance(event, Failed), event
            if isinstance(event, Decoded):
                found[event.stream].append(event.result.ids)
    return [found[number] for number in numbers]


def op_by_op(scheduler: Scheduler, streams: Sequence[StreamRequest]) -> list[list[Any]]:
    """Run each op of each script as a request of its own: streams are held until all others are."""
    found: list[list[Any]] = [[] for _ in streams]
    tokens: list[tuple[int, ...]] = [()] * len(streams)
    left = [list(stream.script) for stream in streams]
    position: dict[int, int] = {}

    def request(at: int) -> StreamRequest:
        while isinstance(left[at][0], Extend):
            tokens[at] += left[at].pop(0).ids
        return StreamRequest((Extend(tokens[at]), left[at].pop(0)), hold=True)

    for at in range(len(streams)):
        position[scheduler.submit(request(at))] = at
    while position:
        while not scheduler.idle:
            for event in scheduler.step():
                at = position[event.stream]
                assert not isinstance(event, Failed), event
                if isinstance(event, Decoded):
                    found[at].append(event.result.ids)
                    tokens[at] += event.result.ids[: event.result.num_kept]
        for stream, at in list(position.items()):
            if left[at]:
                scheduler.resume(stream, request(at))
            else:
                scheduler.cancel(stream)
                del position[stream]
    return found


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("config", list(CONFIGS))
def test_every_row_agrees_with_transformers(
    make_reference: Callable[..., Any], loaded: Callable[..., Any], family: str, config: str
) -> None:
    name, overrides = FAMILIES[family]
    reference = make_reference(name, **overrides)
    options, num_slots = CONFIGS[config]
    runner = Compared(loaded(reference), reference, num_slots)
    vocabulary = Vocabulary.of([bytes([i]) for i in range(96)], frozenset({2}), 96)
    scheduler = Scheduler(runner, vocabulary, options)
    streams = requests(random.Random(5))
    first = op_by_op(scheduler, streams)
    assert (scheduler.stats()["parked"] > 0) == (config in ("few", "preemption"))
    scheduler.flush_cache()
    assert outputs(scheduler, streams) == first
    again = outputs(scheduler, streams)  # now out of the radix cache
    assert first == again
    assert runner.rows > 80
    assert runner.worst < 1e-4
    assert (scheduler.stats()["preemptions"] > 0) == (config == "preemption")
    usage = scheduler.slot_usage
    assert usage.free + usage.cached + usage.held == usage.total


def test_greedy_text_of_the_embedded_model_is_transformers(tmp_path: Any) -> None:
    """Token for token, a batch at once, through chunks and the cache."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    directory = resolve(EMBEDDED)
    reference = transformers.AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32
    ).eval()
    model = load_model(EMBEDDED, dtype="float32")
    texts = [
        "Q: What is the capital of France?\nA:",
        "Q: What is 12 * 12?\nA:",
        "Once upon a time, there was a lazy cat",
        "Here are two tips for staying healthy: 1. Balanced Diet. 2. Regular Exercise.\n\n",
        "Harry Potter is a character in Harry Potter. Fill in this card:\n",
        "To answer this question: What is 7 * 8? I need to use a",
    ]
    prompts = [model.tokenizer.encode(text) for text in texts]
    vocabulary = Vocabulary.of(
        model.tokenizer.token_bytes, model.tokenizer.eos_ids, model.config.vocab_size
    )
    scheduler = Scheduler(model.runner(600), vocabulary, EngineConfig(chunk_size=5))
    decode = Decode(max_tokens=40)
    streams = [StreamRequest((Extend(tuple(ids)), decode)) for ids in prompts]
    for ids, (found,) in zip(prompts, outputs(scheduler, streams), strict=True):
        with torch.inference_mode():
            wanted = reference.generate(
                torch.tensor([ids]), max_new_tokens=40, do_sample=False, pad_token_id=0
            )
        assert list(found) == wanted[0, len(ids) :].tolist()
