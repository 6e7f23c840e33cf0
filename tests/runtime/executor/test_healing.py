"""Healing: what a prompt ends with is written again, as part of longer tokens where that fits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Program, compile_source
from sglc.compiler.interpreter import interpret
from sglc.compiler.plan.segments import Segment
from sglc.compiler.source import SourceFile
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.script import Decode, Extend, StreamRequest
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder

TOKENIZER = Tokenizer.from_dir(Path(__file__).parents[3] / "runtime" / "embedded")
(EOS, *_) = sorted(TOKENIZER.eos_ids)


class Model:
    """The hash model for the interpreter, over a tokenizer whose tokens are long."""

    vocab_size = TOKENIZER.vocab_size
    token_bytes = TOKENIZER.token_bytes
    eos_ids: Collection[int] = TOKENIZER.eos_ids

    def __init__(self) -> None:
        self._encoder = PromptEncoder(TOKENIZER, None)

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        return self._encoder.encode(segments)

    def encode_healed(self, segments: Sequence[Segment]) -> tuple[list[int], bytes]:
        return self._encoder.encode_healed(segments)

    def text(self, segments: Sequence[Segment]) -> str:
        return self._encoder.text(segments)

    def logits(self, ids: Sequence[int]) -> list[float]:
        return hash_logits(ids, self.vocab_size, EOS)


class Backend(Scheduler):
    """A scheduler over the hash model that remembers what it was asked."""

    def __init__(self, *, jump: bool) -> None:
        runner = HashRunner(TOKENIZER.vocab_size, 4000, 500, eos_id=EOS)
        vocabulary = Vocabulary.of(TOKENIZER.token_bytes, TOKENIZER.eos_ids)
        super().__init__(runner, vocabulary, EngineConfig(jump_forward=jump), TOKENIZER)
        self.requests: list[StreamRequest] = []

    def submit(self, request: StreamRequest) -> int:
        self.requests.append(request)
        return super().submit(request)


def compiled(source: str) -> Program:
    sink = DiagnosticSink()
    program = compile_source(SourceFile("a.sgl", source), sink)
    assert program is not None, sink.diagnostics
    return program


def run(program: Program, backend: Backend, seed: int = 0, **arguments: Any) -> Result:
    executor = Executor(backend, PromptEncoder(TOKENIZER, None))
    result = executor.drive(executor.submit(program.plan.with_entry("p"), arguments, seed=seed))
    executor.close()
    return result


@pytest.mark.parametrize(
    "options",
    [
        "max_tokens=6",
        'max_tokens=9, stop="a"',
        "/[a-z]{1,6}( [a-z]+)?/, max_tokens=8",
        '"king"|"kind of"|"kin", max_tokens=8',
        'line, stop=["e", " b"], max_tokens=9',
    ],
)
@pytest.mark.parametrize("prompt", ["Once upon a tim", "What is 1", "I am a ", "x: "])
def test_executor_and_interpreter_heal_alike(options: str, prompt: str) -> None:
    program = compiled(
        f'prompt p():\n    "{prompt}{{x = gen({options}, healing=true, temperature=1)}} so"\n'
    )
    for seed in range(3):
        expected = interpret(program.graph, "p", {}, Model(), seed=seed)
        result = run(program, Backend(jump=False), seed)
        assert result.error is None, result.error
        assert expected.error is None
        assert result.text == expected.text
        assert result.captures == expected.captures
        assert result.text.startswith(prompt)


@pytest.mark.parametrize("healing", [True, False])
def test_the_last_word_is_withheld(healing: bool) -> None:
    options = f"max_tokens=4, healing={str(healing).lower()}"
    source = f'prompt p():\n    "Once upon a tim{{x = gen({options})}}"\n'
    backend = Backend(jump=True)
    run(compiled(source), backend)
    ((extend, decode),) = [request.script for request in backend.requests]
    assert isinstance(extend, Extend)
    assert isinstance(decode, Decode)
    text = "Once upon a" if healing else "Once upon a tim"
    assert list(extend.ids) == TOKENIZER.encode(text)
    assert decode.heal == (b" tim" if healing else b"")


def test_it_is_set_for_a_file_or_a_block_too() -> None:
    for source in (
        'config:\n    healing = true\nprompt p():\n    "Once upon a tim{gen(max_tokens=4)}"\n',
        'prompt p():\n    with healing=true:\n        "Once upon a tim{gen(max_tokens=4)}"\n',
        'prompt p(h: bool):\n    "Once upon a tim{gen(max_tokens=4, healing=h)}"\n',
    ):
        backend = Backend(jump=True)
        run(compiled(source), backend, **({"h": True} if "h: bool" in source else {}))
        (decode,) = [op for op in backend.requests[0].script if isinstance(op, Decode)]
        assert decode.heal == b" tim"


def test_a_healed_value_is_of_its_type_with_jumps_too() -> None:
    program = compiled('prompt p():\n    "It is tr{x = gen("true"|"trend", healing=true)}"\n')
    for seed in range(5):
        result = run(program, Backend(jump=True), seed)
        assert result.error is None
        assert result.captures["x"] in ("true", "trend")
        assert result.text == f"It is tr{result.captures['x']}"


@pytest.mark.parametrize("options", ["healing=true", "healing=h"])
def test_a_budget_that_is_inferred_has_room_for_the_word_that_is_written_again(
    options: str,
) -> None:
    program = compiled(
        f'prompt p(h: bool):\n    "Once upon a time{{x = gen("s"|"d", {options})}}"\n'
    )
    result = run(program, Backend(jump=False), h=True)
    assert result.error is None
    assert result.captures["x"] in ("s", "d")
