"""Chat templates in the shapes that published models have."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from generators.templates import (
    BOS,
    CHATML_SOURCE,
    LLAMA3,
    MISTRAL,
    MOVES,
    NAMES,
    QWEN3,
    QWEN25,
    Names,
    probe,
)

from sglc.compiler.plan.segments import Special, Text
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.pieces import text_of
from sglc.runtime.tokenizer.template import ChatTemplate, template_source


def talk(*roles: str) -> list[dict[str, Any]]:
    return [{"role": role, "content": f"text {i}"} for i, role in enumerate(roles)]


def assembled(template: ChatTemplate, messages: list[dict[str, Any]]) -> str:
    text, ahead = "", None
    for message in messages:
        text += text_of(template.roles[message["role"]].opening(ahead)) + message["content"]
        text += text_of(template.closing(message["role"]))
        ahead = message["role"]
    return text


@pytest.mark.parametrize(
    ("source", "conversations"),
    [
        (CHATML_SOURCE, ["su", "suaua", "ua", "uu", "uatu"]),
        (QWEN25, ["su", "suaua", "ua", "uaua"]),
        (LLAMA3, ["su", "suaua", "ua", "uaua", "au"]),
        (MISTRAL, ["su", "suaua", "ua", "uaua"]),
    ],
    ids=["chatml", "default-system", "llama3", "mistral"],
)
def test_pieces_give_what_the_template_renders(source: str, conversations: list[str]) -> None:
    template = probe(source)
    names = {"s": "system", "u": "user", "a": "assistant", "t": "tool"}
    assert template.prefix_stable, template.why_unstable
    for letters in conversations:
        messages = talk(*(names[c] for c in letters))
        assert assembled(template, messages) == template.render(messages)


def test_chatml() -> None:
    template = probe(CHATML_SOURCE)
    begin = Special("<|im_start|>")
    assert template.roles["user"].first_prefix == (begin, Text("user\n"))
    assert template.roles["user"].prefix == (begin, Text("user\n"))
    assert template.roles["user"].suffix == (Special("<|im_end|>"), Text("\n"))
    assert template.generation == (begin, Text("assistant\n"))
    assert not template.has_system_default
    messages = talk("system", "user", "assistant", "user")
    for generation in (False, True):
        text = CHATML.render(messages, add_generation_prompt=generation)
        assert text == template.render(messages, add_generation_prompt=generation)
    for role, pieces in CHATML.roles.items():
        assert pieces == template.roles[role]


def test_default_system_prompt() -> None:
    template = probe(QWEN25)
    assert template.has_system_default
    assert template.default_system == "You are helpful."
    assert "You are helpful." in text_of(template.roles["user"].first_prefix)
    assert "You are helpful." not in text_of(template.roles["system"].first_prefix)


def test_llama3() -> None:
    template = probe(LLAMA3)
    assert template.roles["user"].first_prefix[0] == BOS
    assert template.roles["user"].prefix[0] == Special("<|start_header_id|>")
    assert text_of(template.generation) == "<|start_header_id|>assistant<|end_header_id|>\n\n"
    assert not template.has_system_default


def test_mistral() -> None:
    template = probe(MISTRAL)
    assert set(template.roles) == {"user", "assistant", "system"}
    user = template.roles["user"]
    assert user.first_prefix == (BOS, Special("[INST]"), Text(" "))
    assert user.after["system"] == ()
    assert template.closing("system") == (Text("\n\n"),)
    assert template.generation == ()
    assert template.roles["assistant"].suffix == (Special("</s>"),)
    assert not template.has_system_default
    with pytest.raises(ValueError, match="has no role `tool`; it has assistant, system, user"):
        template.opening("tool", "user")
    with pytest.raises(ValueError, match="refuses: roles must alternate"):
        template.render(talk("assistant"))


@pytest.mark.parametrize("source", [QWEN3, MOVES], ids=["thoughts", "moved-system"])
def test_templates_that_rewrite_history(source: str) -> None:
    template = probe(source)
    assert not template.prefix_stable
    assert template.why_unstable is not None
    messages = talk("user", "assistant", "user")
    assert template.render(messages).count("text") == 3


def test_thoughts_are_not_in_the_opening() -> None:
    assert text_of(probe(QWEN3).opening("assistant", "user")) == "<|im_start|>assistant\n"


def test_a_template_without_generation_prompt() -> None:
    source = (
        "{% for m in messages %}<|im_start|>{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}"
    )
    template = probe(source)
    assert text_of(template.generation) == "<|im_start|>assistant: "
    assert template.prefix_stable


def test_what_templates_may_use() -> None:
    source = (
        "{% generation %}{{ messages[0].content }}{% endgeneration %}{% for i in [1, 2] %}"
        "{% if i == 2 %}{% break %}{% endif %}{{ {'é': '<'} | tojson }}{% endfor %}"
        "{{ strftime_now('%Y') }}{{ extra }}"
    )
    template = ChatTemplate.from_source(source, Names(), NAMES, {"extra": "!"})
    assert template.render(talk("user")) == 'text 0{"é": "<"}' + str(datetime.now().year) + "!"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% if %}", "chat template, line 1"),
        ("{{ raise_exception('no') }}", "takes no message of any role"),
        ("{{ messages.__class__.__mro__ }}", "takes no message of any role"),
        ("fixed text", "takes no message of any role"),
    ],
)
def test_broken_templates(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        probe(source)


def test_the_sandbox_holds() -> None:
    source = (
        "{{ messages[0].content }}{% if messages | length > 1 %}{{ ''.__class__.mro() }}{% endif %}"
    )
    template = probe(source)
    with pytest.raises(ValueError, match="may not"):
        template.render(talk("user", "user"))


def test_where_templates_are_found(tmp_path: Path) -> None:
    assert template_source(tmp_path) is None
    config = tmp_path / "tokenizer_config.json"
    config.write_text(json.dumps({"chat_template": "plain"}))
    assert template_source(tmp_path) == "plain"
    named = [{"name": "default", "template": "one"}, {"name": "rag", "template": "two"}]
    config.write_text(json.dumps({"chat_template": named}))
    assert template_source(tmp_path) == "one"
    assert template_source(tmp_path, "rag") == "two"
    with pytest.raises(ValueError, match="no chat template `tool_use`; there are default, rag"):
        template_source(tmp_path, "tool_use")
    (tmp_path / "chat_template.jinja").write_text("own file")
    assert template_source(tmp_path) == "own file"


def test_from_dir(saved: Any) -> None:
    path = saved(
        tokenizer_config={"chat_template": LLAMA3, "bos_token": "<s>", "eos_token": "</s>"}
    )
    template = ChatTemplate.from_dir(path, Tokenizer.from_dir(path))
    assert template is not None
    assert template.roles["user"].first_prefix[0] == BOS
    assert ChatTemplate.from_dir(saved(tokenizer_config={}), Tokenizer.from_dir(path)) is None


@pytest.mark.parametrize("source", [CHATML_SOURCE, QWEN25, LLAMA3, MISTRAL, QWEN3])
def test_rendering_is_that_of_transformers(source: str) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    messages = talk("system", "user", "assistant", "user")
    rendered, _ = render_jinja_template(
        [messages], chat_template=source, add_generation_prompt=True, **NAMES
    )
    assert probe(source).render(messages, add_generation_prompt=True) == rendered[0]
