"""Prompts read back as messages: exactly, in every dialect, and with fields that clients know."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import anthropic.types
import openai.types.chat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Text
from sglc.constraints.types import Int
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.remote.chat.anthropic import ANTHROPIC, AnthropicWire, capabilities_of
from sglc.runtime.remote.chat.conversation import conversation
from sglc.runtime.remote.chat.flavors import OPENAI, SGLC
from sglc.runtime.remote.chat.gemini import GEMINI, GeminiWire
from sglc.runtime.remote.chat.openai import ChatWire
from sglc.runtime.remote.schemas import answer_schema
from sglc.runtime.remote.templates import MESSAGES
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.remote.wire import Ask
from sglc.runtime.tokenizer.prompt import PromptEncoder

TEXTS = st.text(st.sampled_from("a é\n<|>") | st.characters(codec="utf-8"), max_size=8) | (
    st.sampled_from(["<|end|>", "<|user|>", "<|begin|>", "<|image 0|>"])
)
TURNS = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), TEXTS), max_size=5)
Said = tuple[str, str]


def prompt_of(messages: list[Said], begun: str = "") -> tuple[RemoteTokenizer, tuple[int, ...]]:
    tokenizer = RemoteTokenizer()
    segments: list[Segment] = []
    for role, text in messages:
        segments += [RoleBegin(role), Text(text), RoleEnd(role)]
    segments += [RoleBegin("assistant"), Text(begun)]
    return tokenizer, tuple(PromptEncoder(tokenizer, MESSAGES).encode(segments))


def ask(prompt: tuple[int, ...], **more: Any) -> Ask:
    return Ask(prompt=prompt, max_tokens=4, sampling=SamplingParams(temperature=0.5), **more)


@given(system=TEXTS, turns=TURNS, begun=TEXTS)
def test_every_dialect_sends_what_was_said(system: str, turns: list[Said], begun: str) -> None:
    turns = [("user", "first"), *turns]
    tokenizer, prompt = prompt_of([("system", system), *turns], begun)
    read = conversation(tokenizer, prompt)
    assert [(each.role, each.text) for each in read.messages] == [("system", system), *turns]
    assert read.begun == begun

    def said(body: Mapping[str, Any]) -> list[Said]:
        return [(each["role"], each["content"]) for each in body["messages"]]

    body = ChatWire(SGLC, tokenizer, "m")._body(ask(prompt), None)
    opened = [("assistant", begun)] if begun else []
    assert said(body) == [("system", system), *turns, *opened]
    body, blank = AnthropicWire(ANTHROPIC, tokenizer, "m")._body(ask(prompt), None)
    assert body["system"] == system
    tail = said(body)[len(turns) :]
    assert said(body)[: len(turns)] == turns
    assert "".join(text for _, text in tail) + blank == begun
    _, bare = prompt_of([("system", system), *turns])
    contents = GeminiWire(GEMINI, tokenizer, "p")._body(ask(bare), None)["contents"]
    parts = [part["text"] for content in contents for part in content["parts"]]
    assert parts == [text for _, text in turns if text]
    roles = [content["role"] for content in contents]
    assert all(a != b for a, b in pairwise(roles))


@pytest.mark.parametrize("constraint", [None, Int(1, 9)])
def test_the_fields_are_those_of_the_providers_own_clients(constraint: Int | None) -> None:
    tokenizer, prompt = prompt_of([("system", "s"), ("user", "u")])
    given_ask = ask(prompt, constraint=constraint, stop=("a",), seed=3, with_tokens=True)
    schema = None if constraint is None else answer_schema(constraint)
    body = ChatWire(OPENAI, tokenizer, "m")._body(given_ask, schema)
    known = openai.types.chat.completion_create_params.CompletionCreateParamsNonStreaming
    assert set(body) <= known.__optional_keys__ | known.__required_keys__
    model = "claude-opus-5"
    body, _ = AnthropicWire(capabilities_of(model), tokenizer, model)._body(given_ask, schema)
    params = anthropic.types.message_create_params.MessageCreateParamsNonStreaming
    assert {"model", "max_tokens", "messages"} <= set(body)
    assert set(body) <= params.__optional_keys__ | params.__required_keys__
    if schema is not None:
        form = anthropic.types.JSONOutputFormatParam
        assert set(body["output_config"]["format"]) == set(form.__annotations__)
