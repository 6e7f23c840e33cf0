"""The hash model for the interpreter and for the executor, and what it means that both agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sglc.compiler import reference_stream as reference
from sglc.compiler.interpreter import Outcome
from sglc.compiler.plan.data import Branch
from sglc.runtime.config import EngineConfig
from sglc.runtime.core import segments as runtime
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

    def encode(self, segments: Sequence[reference.Segment]) -> list[int]:
        return self._encoder.encode([_segment(s) for s in segments])

    def text(self, segments: Sequence[reference.Segment]) -> str:
        return self._encoder.text([_segment(s) for s in segments])

    def logits(self, ids: Sequence[int]) -> list[float]:
        key = tuple(ids)
        if key not in self._rows:
            self._rows[key] = hash_logits(key, self.vocab_size, EOS)
        return self._rows[key]


def _segment(segment: reference.Segment) -> runtime.Segment:
    match segment:
        case reference.Text(text):
            return runtime.Text(text)
        case reference.Special(name):
            return runtime.Special(name)
        case reference.RoleBegin(role):
            return runtime.RoleBegin(role)
        case reference.RoleEnd(role):
            return runtime.RoleEnd(role)


def scheduler(num_slots: int, **limits: int) -> Scheduler:
    runner = HashRunner(TOKENIZER.vocab_size, num_slots, MAX_CONTEXT, eos_id=EOS)
    vocabulary = Vocabulary.of(TOKENIZER.token_bytes, TOKENIZER.eos_ids)
    return Scheduler(runner, vocabulary, EngineConfig(**limits))


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
