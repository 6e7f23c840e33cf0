"""Conversations by name and as JSON files are written as SGLang writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.conversations import CONVERSATIONS, Conversation, read_conversation
from sglc.runtime.tokenizer.template import ChatTemplate

TURNS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "Bye"},
]
SYSTEM = {"role": "system", "content": 'Be "brief".'}


def written(conversation: Conversation, messages: list[dict[str, str]]) -> str:
    template = ChatTemplate.from_source(conversation.jinja(), ByteTokenizer())
    return template.render(messages, add_generation_prompt=True)


CHATML = (
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
    "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"
)
LLAMA3 = (
    "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)


@pytest.mark.parametrize(
    ("name", "with_system"),
    [
        ("chatml", f'<|im_start|>system\nBe "brief".<|im_end|>\n{CHATML}'),
        ("qwen2-vl", f'<|im_start|>system\nBe "brief".<|im_end|>\n{CHATML}'),
        (
            "llama-2",
            '[INST] <<SYS>>\nBe "brief".\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Bye [/INST]',
        ),
        ("vicuna_v1.1", 'Be "brief". USER: Hi ASSISTANT: Hello</s>USER: Bye ASSISTANT:'),
        (
            "llava_llama_3",
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
            f'Be "brief".<|eot_id|>{LLAMA3}',
        ),
    ],
)
def test_known_conversations(name: str, with_system: str) -> None:
    assert written(CONVERSATIONS[name], [SYSTEM, *TURNS]) == with_system


def test_a_system_text_is_there_unless_one_is_given() -> None:
    assert written(CONVERSATIONS["chatml"], TURNS) == (
        f"<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{CHATML}"
    )
    assert written(CONVERSATIONS["vicuna_v1.1"], TURNS[:1]).startswith("A chat between a curious")
    assert written(CONVERSATIONS["llama-2"], TURNS[:1]) == "[INST] Hi [/INST]"


FILE: dict[str, Any] = {
    "name": "mine",
    "system": "SYS",
    "system_message": "Be kind.",
    "user": "U",
    "assistant": "A",
    "sep_style": "ADD_COLON_SINGLE",
    "sep": "|",
    "stop_str": ["U:", "|"],
}


def save(folder: Path, **changes: Any) -> Path:
    path = folder / "mine.json"
    data = {key: value for key, value in {**FILE, **changes}.items() if value is not None}
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("ADD_COLON_SINGLE", "SYS\nBe kind.|U: Hi|A: Hello|U: Bye|A:"),
        ("ADD_COLON_SPACE_SINGLE", "SYS\nBe kind.|U: Hi|A: Hello|U: Bye|A: "),
        ("ADD_NEW_LINE_SINGLE", "SYS\nBe kind.|U\nHi|A\nHello|U\nBye|A\n"),
        ("NO_COLON_SINGLE", "SYS\nBe kind.UHi|AHello|UBye|A"),
        ("CHATML", "SYS\nBe kind.|\nU\nHi|\nA\nHello|\nU\nBye|\nA\n"),
    ],
)
def test_a_file_says_what_stands_around_messages(tmp_path: Path, style: str, text: str) -> None:
    conversation = read_conversation(save(tmp_path, sep_style=style))
    assert written(conversation, TURNS) == text
    assert conversation.stop == ("U:", "|")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sep_style": "OTHER"}, "`sep_style` is 'OTHER'; known: CHATML"),
        ({"user": None}, "`user` must be a text"),
        ({"sep": 1}, "`sep` must be a text"),
        ({"stop_str": [""]}, "`stop_str` must be"),
        ({"other": "x"}, "unknown key `other`"),
    ],
)
def test_a_mistake_in_a_file_is_named(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_conversation(save(tmp_path, **changes))
    with pytest.raises(ValueError, match="no such file"):
        read_conversation(tmp_path / "none.json")
