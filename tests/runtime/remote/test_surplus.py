"""API speculative execution: fewer prompts are paid for, and nothing else is different."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from generators.document_model import DocumentModel
from generators.remote_runs import Runner
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import RunningServer
from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.ir.verify import verify
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.source import SourceFile
from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode
from sglc.runtime.remote.capabilities import OPENAI_COMPLETIONS, SGLC
from sglc.runtime.remote.open import open_remote
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.surplus import Surplus
from sglc.runtime.remote.wire import Token

TEXT = "Ada Lovelace wrote the first program. " * 5 + "\n"
DOCUMENT = TEXT + "Name: Ada Lovelace\nBorn: 1815\nJob: mathematician\n"
EXTRACT = """prompt extract(text: str):
    "{text}"
    "Name:{name = gen(stop="\\n", max_tokens=16)}"
    "\\nBorn:{born = gen(stop="\\n", max_tokens=16)}"
    "\\nJob:{job = gen(stop="\\n", max_tokens=16)}"
"""
FIELDS = {"name": " Ada Lovelace", "born": " 1815", "job": " mathematician"}


class Shop:
    """Runs programs on a document model and says what was paid."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self.runners: list[Runner] = []

    def run(self, kind: Any, model: DocumentModel, program: Any = EXTRACT, **policy: Any) -> Any:
        self._server.answer = model
        capabilities = OPENAI_COMPLETIONS if kind == "completions" else SGLC
        if not model.has_logprobs:
            capabilities = replace(capabilities, logprobs=False)
        if kind == "native":
            self._server.replies.append(Reply(body={"model_path": "m"}))
        remote = open_remote(
            kind, url=self._server.url, model="m", capabilities=capabilities,
            policy=Policy(max_retries=0, **policy),
        )  # fmt: skip
        self.runners.append(Runner(remote))
        result = self.runners[-1].run(program, text=TEXT)
        assert result.error is None, result.error
        return result.captures, remote.backend.usage


@pytest.fixture
def shop(scripted: ScriptedServer) -> Iterator[Shop]:
    made = Shop(scripted)
    yield made
    for runner in made.runners:
        runner.close()


@pytest.mark.parametrize("has_logprobs", [True, False])
@pytest.mark.parametrize("kind", ["native", "completions"])
def test_three_fields_cost_one_prompt(shop: Shop, kind: str, has_logprobs: bool) -> None:
    plain, plain_usage = shop.run(kind, DocumentModel(DOCUMENT, has_logprobs))
    model = DocumentModel(DOCUMENT, has_logprobs)
    ahead, usage = shop.run(kind, model, speculate=64)
    assert plain == ahead == FIELDS
    assert plain_usage.requests == 3
    assert (usage.requests, usage.saved_requests, model.requests) == (1, 2, 1)
    assert usage.input_tokens == model.input_tokens
    assert plain_usage.input_tokens >= 2.5 * usage.input_tokens


def test_a_program_says_so_itself(shop: Shop) -> None:
    sink = DiagnosticSink()
    program = compile_source(SourceFile("a.sgl", EXTRACT), sink)
    assert program is not None
    module = program.optimized.with_hint("num_api_spec_tokens", 64)
    verify(module)
    plan = lower_module(module, "extract")
    _, usage = shop.run("native", DocumentModel(DOCUMENT), plan)
    assert (usage.requests, usage.saved_requests) == (1, 2)


def test_what_is_not_there_is_asked_for(shop: Shop) -> None:
    short = EXTRACT.replace("max_tokens=16", "max_tokens=4")
    captures, usage = shop.run("native", DocumentModel(DOCUMENT), short, speculate=8)
    assert captures == FIELDS
    assert usage.requests == 2  # the third field was not within eight tokens of the first
    assert usage.saved_requests == 1


def test_text_that_the_program_does_not_go_on_with_is_not_used(shop: Shop) -> None:
    model = DocumentModel(DOCUMENT.replace("Born:", "Year:"))
    captures, usage = shop.run("native", model, speculate=64)
    assert captures["name"] == FIELDS["name"]
    assert usage.requests == 3  # what the model has behind `Born:` is nothing
    assert captures["born"] == captures["job"] == ""


def test_our_server_writes_the_same(server: RunningServer) -> None:
    answers = []
    for policy in (Policy(), Policy(speculate=48)):
        runner = Runner(open_remote("native", url=server.url, policy=policy))
        text = "The capital of France is Paris.\nThe capital of Italy is Rome.\n"
        result = runner.run(EXTRACT.replace("Name:", "The capital of Spain is"), text=text)
        assert result.error is None
        answers.append(result.captures)
        runner.close()
    assert answers[0] == answers[1]


# The law: what is cut out of a longer text is what the plain decode would have written.

WORDS = st.lists(st.sampled_from(["a", "ab", "b", ".", " ", "é", "ba."]), max_size=12)


def plainly(tokens: list[str], op: Decode, is_whole: bool) -> DecodeResult | None:
    """Write token by token; None if the tokens run out before it is known how it ends."""
    text = ""
    for count, token in enumerate(tokens, 1):
        text += token
        found = sorted((text.find(s) + len(s), text.find(s)) for s in op.stop if s in text)
        if found:
            at = found[0][1]
            return DecodeResult((), text[:at], "stop", num_tokens=count)
        if count == op.max_tokens:
            return DecodeResult((), text, "length", num_tokens=count)
    return DecodeResult((), text, "eos", num_tokens=len(tokens)) if is_whole else None


@given(
    tokens=WORDS,
    before=st.integers(0, 12),
    stops=st.lists(st.text("ab. é", min_size=1, max_size=3), max_size=2),
    most=st.integers(1, 8),
    is_whole=st.booleans(),
    tells_tokens=st.booleans(),
)
def test_a_cut_is_what_the_plain_decode_writes(
    tokens: list[str],
    before: int,
    stops: list[str],
    most: int,
    is_whole: bool,
    tells_tokens: bool,
) -> None:
    """The first decode takes ``before`` tokens, the second goes on behind them."""
    text, known = "".join(tokens), [Token(token, -1.0) for token in tokens]
    surplus, prompt = Surplus(), (1, 2, 3)
    first = Decode(max(before, 1), SamplingParams())
    made = surplus.cut("", prompt, first, text, known if tells_tokens else (), is_whole=is_whole)
    if made is None:
        return
    taken = made.text
    op = Decode(most, SamplingParams(), stop=tuple(stops))
    found = surplus.take("", (*prompt, *taken.encode()), op)
    if found is None:
        return
    skipped, size = 0, 0
    while size < len(taken):
        size += len(tokens[skipped])
        skipped += 1
    wanted = plainly(tokens[skipped:], op, is_whole)
    assert wanted is not None
    assert (found.text, found.finish) == (wanted.text, wanted.finish)
    if tells_tokens:
        assert found.num_tokens == wanted.num_tokens


def test_sampled_text_is_given_out_once() -> None:
    surplus, hot = Surplus(), SamplingParams(temperature=1.0)
    first = Decode(1, hot)
    tokens = [Token(char, -1.0) for char in string.ascii_lowercase]
    surplus.cut("", (1,), first, string.ascii_lowercase, tokens, is_whole=False)
    second, behind = Decode(2, hot), (1, *b"a")
    one, other = surplus.take("", behind, second), surplus.take("", behind, second)
    assert one is not None
    assert one.text == "bc"
    assert other is None
    assert surplus.take("other tenant", (1, *b"abc"), second) is None
    assert surplus.take("", (1, *b"abc"), Decode(2, SamplingParams())) is None


def test_greedy_text_answers_every_branch() -> None:
    surplus = Surplus()
    tokens = [Token(char, -1.0) for char in string.ascii_lowercase]
    surplus.cut("", (1,), Decode(1), string.ascii_lowercase, tokens, is_whole=False)
    for _ in range(3):
        found = surplus.take("", (1, *b"a"), Decode(2))
        assert found is not None
        assert found.text == "bc"
