"""The hash model for the interpreter and for the executor, and what it means that both agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sglc.compiler.interpreter import Outcome
from sglc.compiler.plan.data import Branch
from sglc.compiler.plan.segments import Segment
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.executor.run import Result
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

MAX_CONTEXT = 4096
TOKENIZER = ByteTokenizer()
EOS = 256


class HashModel:
    """The hash model for the interpreter, over the same encoder as the executor's."""

    vocab_size = TOKENIZER.vocab_size
    token_bytes = TOKENIZER.token_bytes
    eos_ids = TOKENIZER.eos_ids

    def __init__(self) -> None:
        self._encoder = PromptEncoder(TOKENIZER, CHATML)
        self._rows: dict[tuple[int, ...], list[float]] = {}

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        return self._encoder.encode(segments)

    def encode_healed(self, segments: Sequence[Segment]) -> tuple[list[int], bytes]:
        return self._encoder.encode_healed(segments)

    def text(self, segments: Sequence[Segment]) -> str:
        return self._encoder.text(segments)

    def logits(self, ids: Sequence[int]) -> list[float]:
        key = tuple(ids)
        if key not in self._rows:
            self._rows[key] = hash_logits(key, self.vocab_size, EOS)
        return self._rows[key]


def scheduler(num_slots: int, **limits: int) -> Scheduler:
    runner = HashRunner(TOKENIZER.vocab_size, num_slots, MAX_CONTEXT, eos_id=EOS)
    vocabulary = Vocabulary.of(TOKENIZER.token_bytes, TOKENIZER.eos_ids)
    return Scheduler(runner, vocabulary, EngineConfig(**limits), TOKENIZER)


def expect_same(result: Result, expected: Outcome) -> None:
    if expected.error is not None:
        assert result.error is not None
        assert expected.error.reason.rpartition(": ")[2] in result.error.message
        return
    assert result.error is None, result.error
    assert plain(result.value) == plain(expected.value)
    assert result.text == expected.text
    assert result.messages == expected.messages


def plain(value: Any) -> Any:
    """Branches with all they hold, so that equality looks at everything but the streams."""
    if isinstance(value, Branch):
        return ("branch", plain(value.fields), value.text, round(value.logprob or 0.0, 6))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(plain, value)]
    return (type(value).__name__, value)
