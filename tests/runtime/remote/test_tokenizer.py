"""Prompts as bytes and special tokens: read back exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special, Text
from sglc.runtime.remote.templates import MESSAGES, TEXT_CHATML
from sglc.runtime.remote.tokenizer import BEGIN, ROLES, Message, RemoteTokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["<|user|>", "<|end|>", "<|begin|>", "<|image 0|>", "\n"]
)
MESSAGE = st.tuples(st.sampled_from(ROLES), st.lists(TEXTS, max_size=3))


@given(said=st.lists(MESSAGE, min_size=1, max_size=4), is_open=st.booleans())
def test_messages_are_read_back(said: list[tuple[str, list[str]]], is_open: bool) -> None:
    tokenizer = RemoteTokenizer()
    segments: list[Segment] = []
    for role, texts in said:
        segments += [RoleBegin(role), *map(Text, texts), RoleEnd(role)]
    if is_open:
        segments.pop()
    found = tokenizer.messages(PromptEncoder(tokenizer, MESSAGES).encode(segments))
    assert [(m.role, m.text) for m in found] == [(role, "".join(texts)) for role, texts in said]
    assert [m.is_open for m in found] == [False] * (len(said) - 1) + [is_open]


@given(texts=st.lists(TEXTS, max_size=4))
def test_a_text_is_read_back(texts: list[str]) -> None:
    tokenizer = RemoteTokenizer()
    encoder = PromptEncoder(tokenizer, TEXT_CHATML)
    assert tokenizer.text_of(encoder.encode(list(map(Text, texts)))) == ("".join(texts), ())


def test_a_stream_of_nothing_can_be_gone_on_from() -> None:
    tokenizer = RemoteTokenizer()
    empty = PromptEncoder(tokenizer, None).encode(())
    assert empty == [tokenizer.special_ids[BEGIN]]
    assert tokenizer.text_of(empty) == ("", ())


def test_pictures_are_one_token_each_and_read_back() -> None:
    tokenizer = RemoteTokenizer()
    pictures = [tokenizer.new_media("image", f"data:{n}", "<image>") for n in range(2)]
    segments = [RoleBegin("user"), pictures[0], Text("and"), pictures[1]]
    (message,) = tokenizer.messages(PromptEncoder(tokenizer, MESSAGES).encode(segments))
    assert message == Message("user", (pictures[0], "and", pictures[1]), is_open=True)


def test_a_picture_that_nobody_holds_is_told() -> None:
    tokenizer = RemoteTokenizer()
    ids = PromptEncoder(tokenizer, None).encode([tokenizer.new_media("image", "data:", "")])
    with pytest.raises(ValueError, match="a picture that is there no more"):
        tokenizer.text_of(ids)


def test_text_between_messages_is_told() -> None:
    tokenizer = RemoteTokenizer()
    ids = PromptEncoder(tokenizer, MESSAGES).encode([Text("hello"), RoleBegin("user")])
    with pytest.raises(ValueError, match="the text 'hello' stands outside of them"):
        tokenizer.messages(ids)


def test_messages_are_no_text() -> None:
    tokenizer = RemoteTokenizer()
    ids = PromptEncoder(tokenizer, MESSAGES).encode([RoleBegin("user"), Text("hello")])
    with pytest.raises(ValueError, match="the server takes text, and the prompt has messages"):
        tokenizer.text_of(ids)


def test_an_unknown_special_token_is_told() -> None:
    tokenizer = RemoteTokenizer()
    with pytest.raises(ValueError, match=r"no special token `<\|x\|>`; it has"):
        PromptEncoder(tokenizer, None).encode([Special("<|x|>")])
