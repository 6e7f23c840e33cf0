"""The shares of ``select`` against sums by hand, over a model in which every prefix counts."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pytest
from generators.hash_model import expect_same
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.compiler.interpreter import Outcome, interpret
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.verify import VerifyError, verify
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.plan.segments import Segment
from sglc.compiler.plan.tokenizations import MAX_SCORED_TOKENS, Pieces
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder

# "a" and "ab" are there twice, "Q:" straddles the end of some prompts.
MERGED = (b"ab", b"abc", b"bc", b"re", b"red", b"ed", b"a", b"ab", b" r", b"Q:", b": ", b"aa")


class MergingTokenizer(ByteTokenizer):
    """Bytes and a few longer tokens; the longest that fits is taken, the first of equals."""

    vocab_size = ByteTokenizer.vocab_size + len(MERGED)

    def __init__(self) -> None:
        super().__init__()
        self.token_bytes = (*self.token_bytes, *MERGED)
        self.digest = "merging"
        self._ids: dict[bytes, int] = {}
        for token, piece in enumerate(self.token_bytes):
            self._ids.setdefault(piece, token)

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        data, ids = text.encode(), list[int]()
        while data:
            size = next(n for n in (3, 2, 1) if data[:n] in self._ids and len(data) >= n)
            ids.append(self._ids[data[:size]])
            data = data[size:]
        return ids

    def commit_points(self, text: str, following: Collection[int] | None = None) -> list[int]:
        return [0]  # the next letter may change any token


TOKENIZER = MergingTokenizer()
EOS = 256
SOURCE = """
prompt @main(%xs: list[str], %before: str) {
  %s0 = stream
  %s1 = put %s0, %before
  %s2, %v, %p = select %s1, %xs <OPTIONS>
  return %s2, v = %v, p = %p
}
"""


class Model:
    """The hash model over merged tokens, for the interpreter."""

    vocab_size = TOKENIZER.vocab_size
    token_bytes = TOKENIZER.token_bytes
    eos_ids = TOKENIZER.eos_ids

    def __init__(self) -> None:
        self._encoder = PromptEncoder(TOKENIZER, None)

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        return self._encoder.encode(segments)

    def text(self, segments: Sequence[Segment]) -> str:
        return self._encoder.text(segments)

    def logits(self, ids: Sequence[int]) -> list[float]:
        return hash_logits(ids, self.vocab_size, EOS)


def run_both(options: str, choices: Sequence[str], before: str = "xQ: ") -> tuple[Result, Outcome]:
    module = parse_module(SOURCE.replace("OPTIONS", options))
    verify(module)
    arguments = {"xs": list(choices), "before": before}
    runner = HashRunner(TOKENIZER.vocab_size, 4096, 512, eos_id=EOS)
    vocabulary = Vocabulary.of(TOKENIZER.token_bytes, TOKENIZER.eos_ids)
    backend = Scheduler(runner, vocabulary, EngineConfig(), TOKENIZER)
    executor = Executor(backend, PromptEncoder(TOKENIZER, None))
    result = executor.drive(executor.submit(lower_module(module, "main"), arguments))
    executor.close()
    assert backend.idle
    return result, interpret(module, "main", arguments, Model())


def logprob(ids: Sequence[int], token: int) -> float:
    row = hash_logits(ids, TOKENIZER.vocab_size, EOS)
    return row[token] - math.log(math.fsum(map(math.exp, row)))


def spellings(data: bytes) -> Iterator[list[int]]:
    """All ways to spell a text, over the whole vocabulary."""
    if not data:
        yield []
    for token, piece in enumerate(TOKENIZER.token_bytes):
        if piece and data.startswith(piece):
            for rest in spellings(data[len(piece) :]):
                yield [token, *rest]


def summed(ids: Sequence[int], tail: Sequence[int]) -> float:
    return math.fsum(logprob([*ids, *tail[:i]], token) for i, token in enumerate(tail))


def softmax(totals: Sequence[float]) -> list[float]:
    weights = [math.exp(total - max(totals)) for total in totals]
    return [weight / math.fsum(weights) for weight in weights]


CHOICES = ["abc", "aab", "red", "b"]


@pytest.mark.parametrize("method", ["token_avg", "greedy", "unconditional"])
def test_shares_of_every_method_are_those_of_the_choices_tokens(method: str) -> None:
    result, expected = run_both(f'by = "{method}"', CHOICES)
    expect_same(result, expected)
    context = TOKENIZER.encode("xQ:")  # the blank goes into " r", so it counts for that choice
    full = {choice: TOKENIZER.encode(f"xQ: {choice}") for choice in CHOICES}
    assert all(ids[: len(context)] == context for ids in full.values())
    totals = []
    for choice, ids in full.items():
        counted = len(ids)
        while sum(len(TOKENIZER.token_bytes[t]) for t in ids[counted:]) < len(choice):
            counted -= 1
        totals.append(summed(ids[:counted], ids[counted:]))
    shares = result.value["p"]
    assert list(shares) == CHOICES
    assert list(shares.values()) == pytest.approx(softmax(totals), abs=1e-6)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-6 * len(CHOICES))


@pytest.mark.parametrize("before", ["xQ: ", "xQ:", "x", "xQ", "Qa"])
def test_all_tokenizations_are_summed(before: str) -> None:
    result, expected = run_both('tokenizations = "all"', CHOICES, before)
    expect_same(result, expected)
    stream = TOKENIZER.encode(before)
    full = [TOKENIZER.encode(before + choice) for choice in CHOICES]
    context = 0
    while all(ids[: context + 1] == stream[: context + 1] for ids in full):
        context += 1
        if context == len(stream):
            break
    done = b"".join(TOKENIZER.token_bytes[t] for t in stream[:context])
    totals = []
    for choice in CHOICES:
        tail = (before + choice).encode()[len(done) :]
        ways = [summed(stream[:context], ids) for ids in spellings(tail)]
        assert len(ways) > 1 or choice == "b"
        totals.append(math.log(math.fsum(map(math.exp, ways))))
    shares = list(result.value["p"].values())
    assert shares == pytest.approx(softmax(totals), abs=1e-6)
    assert result.value["v"] == CHOICES[max(range(4), key=totals.__getitem__)]


def test_canonical_is_the_default() -> None:
    plain, _ = run_both('rng = "1"', CHOICES)
    named, _ = run_both('tokenizations = "canonical"', CHOICES)
    assert plain.value == named.value
    assert plain.value["p"] != run_both('tokenizations = "all"', CHOICES)[0].value["p"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.text("abcred ", min_size=1, max_size=5), min_size=1, max_size=4, unique=True),
    st.text("xQ:a ", min_size=1, max_size=4),
)
def test_executor_and_interpreter_agree(choices: list[str], before: str) -> None:
    expect_same(*run_both('tokenizations = "all"', choices, before))


@pytest.mark.parametrize(
    ("choices", "before", "message"),
    [
        (["b", "aab" * 12], "xQ: ", r"\d+ of them of 'aab.*: 20000 can be scored"),
        (["a", "b"], "", "needs a text before the choices"),
        (["a", "bc"], "Q", None),
    ],
)
def test_what_cannot_be_summed_is_refused(
    choices: list[str], before: str, message: str | None
) -> None:
    result, expected = run_both('tokenizations = "all"', choices, before)
    expect_same(result, expected)
    if message is None:
        assert result.error is None
    else:
        assert result.error is not None
        assert result.error.code == "option"
        assert re.search(message, result.error.message), result.error.message


@given(st.text("abcred", max_size=7))
def test_counts_are_those_of_a_trie(text: str) -> None:
    pieces = Pieces(TOKENIZER.token_bytes, TOKENIZER.eos_ids)
    found = pieces.sequences(text.encode())
    assert sorted(found) == sorted(map(tuple, spellings(text.encode())))
    assert pieces.count(text.encode()) == len({s[:n] for s in found for n in range(1, len(s) + 1)})


def test_counting_needs_no_list() -> None:
    pieces = Pieces(TOKENIZER.token_bytes, TOKENIZER.eos_ids)
    assert pieces.count(b"aab" * 400) > 10**100 > MAX_SCORED_TOKENS
    assert pieces.count(b"") == 0
    assert Pieces([b"ab"], ()).count(b"aba") == 0


def test_a_method_does_not_go_with_all_tokenizations() -> None:
    module = parse_module(SOURCE.replace("OPTIONS", 'by = "greedy", tokenizations = "all"'))
    with pytest.raises(VerifyError, match="by no other method") as caught:
        verify(module)
    assert "select" in str(caught.value)


def plan_with(options: str) -> Any:
    return lower_module(parse_module(SOURCE.replace("OPTIONS", options)), "main")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('by = "greedy", tokenizations = "all"', "by no other method"),
        ('tokenizations = "some"', "unknown tokenizations 'some'"),
    ],
)
def test_a_plan_is_checked_too(options: str, message: str, world: Any) -> None:
    executor = world.executor()
    run = executor.submit(plan_with(options), {"xs": ["a"], "before": "x"})
    error = executor.drive(run).error
    assert (error.code, message in error.message) == ("option", True)
