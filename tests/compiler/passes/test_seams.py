"""Repaired seams: what a model wrote is not prefilled again, and nothing else changes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from generators.hash_model import TOKENIZER as BYTES

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.verify import VerifyError, verify
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.source import SourceFile
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.events import Decoded, Event
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate

FOLDER = Path(__file__).parents[3] / "runtime" / "embedded"
TOKENIZER = Tokenizer.from_dir(FOLDER)
TEMPLATE = ChatTemplate.from_dir(FOLDER, TOKENIZER)
# A random model: most of what it writes is not what the tokenizer makes of that text.
STEPS = """
prompt main(q: str):
    "Question: {q}\\n"
    for i in 1..6:
        "Step {i}:"
        step = gen(/[a-zA-Z ,.]{40,60}/, max_tokens=60, temperature=1)
        "\\n"
    "Answer:"
    a = gen(/[a-z ]{30,40}/, max_tokens=60)
"""
TURNS = """
prompt main(q: str):
    user:
        "Question: {q}"
    for i in 1..6:
        assistant:
            step = gen(/[a-zA-Z ,.]{40,60}/, max_tokens=60, temperature=1)
        user:
            "And {i}?"
    assistant:
        a = gen(/[a-z ]{30,40}/, max_tokens=60)
"""
CHOICES = """
prompt main(q: str):
    "Question: {q}\\n"
    a = gen(/[a-zA-Z ,.]{40,60}/, max_tokens=60, temperature=1)
    v = select(["ly", " yes", ", no"])
    b = gen(/[a-z ]{10,20}/, max_tokens=30, temperature=1)
"""
HEALED = """
prompt main(q: str):
    "Question: {q} Once upon a tim"
    a = gen(/[a-zA-Z ,.]{40,60}/, max_tokens=60, temperature=1, healing=true)
    " and a hal"
    b = gen(/[a-z ]{10,20}/, max_tokens=30, temperature=1, healing=true)
"""


class Backend(Scheduler):
    """A scheduler over the hash model that remembers what it was asked, and what it wrote."""

    def __init__(self, tokenizer: TokenizerLike) -> None:
        runner = HashRunner(tokenizer.vocab_size, 8000, 4096, eos_id=min(tokenizer.eos_ids))
        vocabulary = Vocabulary.of(tokenizer.token_bytes, tokenizer.eos_ids)
        super().__init__(runner, vocabulary, EngineConfig(), tokenizer)
        self.requests: list[StreamRequest] = []
        self.written: list[tuple[int, ...]] = []
        self.num_fed: list[int] = []  # of those: the last one has K/V if one more was drawn

    def submit(self, request: StreamRequest) -> int:
        self.requests.append(request)
        return super().submit(request)

    def step(self) -> list[Event]:
        events = super().step()
        for event in events:
            if isinstance(event, Decoded):
                ids, kept = event.result.ids, event.result.num_kept
                self.written.append(ids[:kept])
                self.num_fed.append(min(kept, len(ids) - 1))
        return events

    @property
    def prompts(self) -> list[tuple[int, ...]]:
        """The ids of every call."""
        found = []
        for request in self.requests:
            assert isinstance(request.script[0], Extend)
            found.append(request.script[0].ids)
        return found


def run(
    text: str, pipeline: str, seed: int = 5, tokenizer: TokenizerLike = TOKENIZER
) -> tuple[Result, Backend]:
    sink = DiagnosticSink()
    optimization = Optimization(parse_pipeline(pipeline))
    program = compile_source(SourceFile("t.sgl", text), sink, optimization=optimization)
    assert program is not None, sink.diagnostics
    backend = Backend(tokenizer)
    executor = Executor(backend, PromptEncoder(tokenizer, TEMPLATE))
    result = executor.drive(executor.submit(program.plan, {"q": "why is it?"}, seed=seed))
    executor.close()
    assert result.error is None, result.error
    return result, backend


def shared(a: Sequence[int], b: Sequence[int]) -> int:
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(map(len, (a, b)))
    )


def spelled(ids: Sequence[int]) -> str:
    return b"".join(map(TOKENIZER.token_bytes.__getitem__, ids)).decode()


@pytest.mark.parametrize(("text", "canonical", "repaired"), [(STEPS, 51, 43), (TURNS, 117, 98)])
def test_only_seams_are_prefilled(text: str, canonical: int, repaired: int) -> None:
    _, plain = run(text, "")
    result, backend = run(text, "seams")
    assert plain.stats()["prefilled_tokens"] == canonical
    assert backend.stats()["prefilled_tokens"] == repaired
    assert len(backend.prompts) == len(backend.written) == 7
    expected = len(backend.prompts[0])
    for number, ids in enumerate(backend.prompts[1:]):
        before, wrote = backend.prompts[number], backend.written[number]
        kept = shared(ids, before + wrote)
        again = spelled((before + wrote)[kept:])
        assert TOKENIZER.commit_points(again)[-1] == 0, "one word at most is encoded again"
        expected += len(ids) - min(kept, len(before) + backend.num_fed[number])
    assert backend.stats()["prefilled_tokens"] == expected
    assert result.text.count(" ") > 10


@pytest.mark.parametrize("text", [STEPS, TURNS, CHOICES, HEALED])
def test_a_model_of_texts_writes_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it makes no difference to a model how a text is cut, it makes none to the program."""

    def logits(ids: Sequence[int], vocab_size: int, eos_id: int | None) -> list[float]:
        data = b"".join(TOKENIZER.token_bytes[i] or b"%d;" % i for i in ids)
        return hash_logits(list(data), vocab_size, eos_id)

    monkeypatch.setattr("sglc.runtime.engine.hash_runner.hash_logits", logits)
    num_other = 0
    for seed in range(6):
        expected, plain = run(text, "", seed)
        result, backend = run(text, "seams", seed)
        num_other += backend.prompts != plain.prompts
        assert result.text == expected.text
        assert result.messages == expected.messages
        assert result.captures == expected.captures
    assert num_other, "no run wrote what the tokenizer would not give"


LAW = """
config:
    max_branches = 1000
prompt main(q: str):
    "Question: {q}\\n"
    a = gen(/[a-zA-Z ,.]{60}/, max_tokens=50, temperature=1)
    ":"
    fork i in 1..1000 as views:
        x = gen(max_tokens=1, temperature=1)
"""


@pytest.mark.parametrize("pipeline", ["", "seams"])
def test_what_follows_is_drawn_as_the_model_says_behind_the_ids_that_are_there(
    pipeline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    likely = TOKENIZER.encode("The cat sat, on 12 mats; and then?")[:12]

    def logits(ids: Sequence[int], vocab_size: int, eos_id: int | None) -> list[float]:
        row = hash_logits(ids, vocab_size, None)
        if len(ids) and TOKENIZER.token_bytes[ids[-1]].endswith(b":"):
            row = [x / 4 for x in row]
            for token in likely:
                row[token] += 8.0  # a small vocabulary, so that every token is drawn often
        return row

    monkeypatch.setattr("sglc.runtime.engine.hash_runner.hash_logits", logits)
    _, backend = run(LAW, pipeline, seed=2)
    (prompt,) = set(backend.prompts[1:])
    row = logits(prompt, TOKENIZER.vocab_size, None)
    total = math.fsum(map(math.exp, row))
    drawn = Counter(ids[0] for ids in backend.written[1:] if ids)
    count = drawn.total()
    assert count > 950  # ends of sequence are no tokens of the stream
    cells = [(drawn[t], count * math.exp(row[t]) / total) for t in sorted(set(likely))]
    cells.append((count - sum(n for n, _ in cells), count - math.fsum(e for _, e in cells)))
    assert all(expected > 5 for _, expected in cells)
    assert sum((n - e) ** 2 / e for n, e in cells) < 35  # p < 0.001 with 12 degrees of freedom
    if pipeline:
        given = TOKENIZER.encode(spelled(prompt))
        other = logits(given, TOKENIZER.vocab_size, None)
        assert tuple(given) != prompt
        assert other != row, "the test would not see the other law"


def test_choices_are_scored_behind_the_ids_that_were_written() -> None:
    _, backend = run(CHOICES, "seams", seed=2)
    first, scored, last = backend.prompts
    (wrote, _) = backend.written
    given = TOKENIZER.encode(spelled(first + wrote))
    assert shared(first + wrote, given) < shared(first + wrote, scored)
    assert spelled((first + wrote)[: len(scored)]) == spelled(scored)
    score = backend.requests[1].script[1]
    assert isinstance(score, Score)
    ends = [spelled(scored + choice) for choice in score.choices]
    assert [end.removeprefix(spelled(first + wrote)) for end in ends] == ["ly", " yes", ", no"]
    assert last in [scored + choice for choice in score.choices]


def test_healing_withholds_what_was_written_last() -> None:
    _, backend = run(HEALED.replace('    " and a hal"\n', ""), "seams")
    first, second = backend.requests
    assert isinstance(first.script[1], Decode)
    assert first.script[1].heal == b" tim"
    before = backend.prompts[0] + backend.written[0]
    heal = second.script[1].heal if isinstance(second.script[1], Decode) else b""
    assert backend.prompts[1] == before[: len(backend.prompts[1])]
    withheld = before[len(backend.prompts[1]) :]
    assert heal == b"".join(TOKENIZER.token_bytes[i] for i in withheld) != b""


def test_bytes_have_one_way_to_spell_a_text() -> None:
    for text in (STEPS, CHOICES):
        expected, plain = run(text, "", tokenizer=BYTES)
        result, backend = run(text, "seams", tokenizer=BYTES)
        assert backend.prompts == plain.prompts
        assert result.text == expected.text


def test_decodes_with_other_seams_are_not_merged() -> None:
    text = """
prompt @main(%q: str) -> str {
  %s0 = stream
  %s1 = put %s0, %q
  %a1, %a = gen %s1 <max_tokens = 4, rng = "1", seam = "repair">
  %b1, %b = gen %s1 <max_tokens = 4, rng = "2">
  %c1, %c = gen %s1 <max_tokens = 4, rng = "3", seam = "repair">
  %a2, %x = gen %a1 <max_tokens = 4, rng = "4">
  %b2, %y = gen %b1 <max_tokens = 4, rng = "5">
  %c2, %z = gen %c1 <max_tokens = 4, rng = "6">
  %out = concat %x, %y, %z
  return %s1, result = %out
}
"""
    module = parse_module(text)
    made = parse_pipeline("gvn").run(module, Context())
    assert [op.attrs["rng"] for _, op in made.walk() if op.spec.model] == ["1", "2", "4", "5"]


def gens(text: str) -> list[Any]:
    module = parse_module(text)
    verify(module)
    return [op.attrs.get("seam") for _, op in module.walk() if op.spec.model]


def test_the_canonical_policy_takes_repairs_back() -> None:
    sink = DiagnosticSink()
    seams: Callable[[str], list[Any]] = lambda pipeline: [  # noqa: E731
        op.attrs.get("seam")
        for _, op in compile_source(
            SourceFile("t.sgl", STEPS), sink, None, Optimization(parse_pipeline(pipeline))
        ).optimized.walk()
        if op.spec.site
    ]
    assert seams("seams") == ["repair", None]
    assert seams("seams,seams{policy=canonical}") == [None, None]
    assert seams("seams{policy=canonical}") == [None, None]


def test_a_seam_is_one_of_two() -> None:
    with pytest.raises(ValueError, match="policy is one of canonical, repair, not keep"):
        parse_pipeline("seams{policy=keep}")
    text = """
prompt @p() {
  %s0 = stream
  %s1, %x = gen %s0 <max_tokens = 1, rng = "1", seam = "SEAM">
  return %s1
}
"""
    assert gens(text.replace("SEAM", "repair")) == ["repair"]
    with pytest.raises(VerifyError, match="attribute seam: 'keep' is none of canonical, repair"):
        gens(text.replace("SEAM", "keep"))
