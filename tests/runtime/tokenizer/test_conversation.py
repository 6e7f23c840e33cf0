"""Conversations: what a template writes, and nothing that a message holds, is special."""

from __future__ import annotations

from typing import Any

import pytest
from generators.templates import CHATML_SOURCE, LLAMA3, NAMES, QWEN25, Names
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.compiler.plan.segments import Special
from sglc.runtime.tokenizer.conversation import Conversations, Disguise, encode_conversation
from sglc.runtime.tokenizer.pieces import text_of
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate

TOOLS = """{{- bos_token + '<|im_start|>' + tools | tojson + '<|im_end|>' }}
{%- for m in messages %}{{- '[INST]' + m.content | trim + '[INST]' }}{%- endfor %}"""
TOKENIZER = Names()
SPECIALS = sorted(TOKENIZER.special_ids)
PARTS = sorted({s[:i] for s in SPECIALS for i in (1, 2, len(s) - 1)})
TEXTS = st.lists(
    st.sampled_from([*SPECIALS, *PARTS, *(s[1:] for s in SPECIALS), "\U000f0000", " ", "\n", "é"])
).map("".join)
MADE = {
    source: Conversations(TOKENIZER, ChatTemplate.from_source(source, TOKENIZER, NAMES))
    for source in (CHATML_SOURCE, QWEN25, LLAMA3, TOOLS)
}


@given(value=st.recursive(TEXTS, lambda inner: st.dictionaries(TEXTS, inner) | st.lists(inner)))
def test_what_is_hidden_is_revealed(value: Any) -> None:
    disguise = Disguise(SPECIALS)

    def revealed(hidden: Any) -> Any:
        if isinstance(hidden, str):
            assert not any(name in hidden for name in SPECIALS)
            return disguise.reveal(hidden)
        if isinstance(hidden, list):
            return [revealed(each) for each in hidden]
        return {revealed(key): revealed(each) for key, each in hidden.items()}

    assert revealed(disguise.hide(value)) == value


@given(texts=st.lists(TEXTS, min_size=2, max_size=2))
def test_texts_next_to_each_other_make_no_name(texts: list[str]) -> None:
    disguise = Disguise(SPECIALS)
    joined = "".join(map(disguise.hide, texts))
    assert not any(name in joined for name in SPECIALS)
    assert disguise.reveal(joined) == "".join(texts)


@pytest.mark.parametrize("source", MADE)
@settings(deadline=None)
@given(said=st.lists(TEXTS, min_size=1, max_size=4), tool=TEXTS)
def test_only_the_template_writes_special_tokens(source: str, said: list[str], tool: str) -> None:
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]
    plain = [{**message, "content": "x"} for message in messages]
    tools = [{"function": {"name": "f", "description": tool}}]
    conversations = MADE[source]
    pieces = conversations.pieces(messages, tools=tools)
    expected = conversations.pieces(plain, tools=[{"function": {}}])
    assert [p for p in pieces if isinstance(p, Special)] == [
        p for p in expected if isinstance(p, Special)
    ]
    whole = conversations.template.render(
        messages, add_generation_prompt=True, variables={"tools": tools}
    )
    assert text_of(pieces) == whole


def test_a_begin_token_is_there_only_if_the_template_writes_it() -> None:
    bos = TOKENIZER.special_ids["<s>"]

    class Beginning(Names):
        bos_ids = (bos,)

    tokenizer = Beginning()
    for source, count in ((CHATML_SOURCE, 0), (LLAMA3, 1)):
        template = ChatTemplate.from_source(source, tokenizer, NAMES)
        pieces = Conversations(tokenizer, template).pieces([{"role": "user", "content": "a<s>"}])
        ids = encode_conversation(PromptEncoder(tokenizer, template), pieces).ids()
        assert ids.count(bos) == count
