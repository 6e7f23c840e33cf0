"""The frontend's templates write what those of SGLang 0.4.1 write, whatever is said in them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special, Text
from sglc.runtime.models.files import load_files
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.frontend_template import ChatTemplateStyle, FrontendTemplate
from sglc.runtime.tokenizer.frontend_templates import (
    get_chat_template,
    get_chat_template_by_model_path,
    template_names,
)
from sglc.runtime.tokenizer.prompt import PromptEncoder

PATHS = [
    "databricks/dbrx-instruct", "lmsys/vicuna-7b", "liuhaotian/llava-v1.5-7b",
    "lmms-lab/LLaVA-NeXT-Video-7B", "meta-llama/Llama-2-7b-chat-hf", "meta-llama/Llama-2-7b",
    "mistralai/Mixtral-8x7B-Instruct-v0.1", "codellama/CodeLlama-7b-Instruct-hf",
    "meta-llama/Meta-Llama-3-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct",
    "TinyLlama/TinyLlama-1.1B-Chat", "Qwen/Qwen2-7B-Instruct", "Qwen/Qwen1.5-7B-Chat",
    "lmms-lab/llava-next-qwen-instruct", "liuhaotian/llava-v1.6-34b",
    "lmms-lab/llava-onevision-qwen2-7b-ov", "01-ai/Yi-VL-6B", "01-ai/Yi-1.5-34B-Chat",
    "google/gemma-2-9b-it", "CohereForAI/c4ai-command-r-v01",
    "ibm-granite/granite-3.0-8b-instruct", "lmms-lab/llama3-llava-next-8b", "embedded",
]  # fmt: skip


@pytest.fixture(scope="module")
def theirs() -> Any:
    """SGLang's own module, which imports nothing."""
    found = importlib.util.find_spec("sglang")
    if found is None or found.origin is None:
        pytest.skip("pip install --no-deps -c constraints.txt sglang")
    path = Path(found.origin).parent / "lang" / "chat_template.py"
    spec = importlib.util.spec_from_file_location("their_chat_template", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_names_have_their_parts(theirs: Any) -> None:
    assert template_names() == list(theirs.chat_template_registry)
    for name in template_names():
        ours, other = get_chat_template(name), theirs.get_chat_template(name)
        assert ours.name == other.name
        assert ours.default_system_prompt == other.default_system_prompt
        assert dict(ours.role_prefix_and_suffix) == other.role_prefix_and_suffix
        assert tuple(ours.stop_str) == tuple(other.stop_str)
        assert ours.image_token == other.image_token
        assert ours.style.name == other.style.name


@pytest.mark.parametrize("path", PATHS)
def test_a_path_has_the_template_that_it_has_there(theirs: Any, path: str) -> None:
    assert get_chat_template_by_model_path(path).name == (
        theirs.get_chat_template_by_model_path(path).name
    )


def _their_text(template: Any, messages: list[tuple[str, str]]) -> str:
    """What SGLang's interpreter makes of a program that says the messages."""
    text, said = "", []
    if messages and messages[0][0] != "system" and template.default_system_prompt:
        messages = [("system", template.default_system_prompt), *messages]
    for role, content in messages:
        prefix, suffix = template.get_prefix_and_suffix(role, said)
        text += prefix + content + suffix
        said.append({"role": role, "content": content})
    return text


turns = st.lists(st.sampled_from(["user", "assistant"]), max_size=4)
contents = st.sampled_from(["", "Hi", " a <|im_end|>", "x\n"])


@given(
    name=st.sampled_from(template_names()),
    system=st.booleans(),
    roles=turns,
    content=st.lists(contents, min_size=5, max_size=5),
)
def test_a_program_writes_the_same_text(
    theirs: Any, name: str, system: bool, roles: list[str], content: list[str]
) -> None:
    if name == "llama-2-chat" and not system and roles[1:2] == ["user"]:
        roles = roles[:1]  # there a second message without a first system one loses its begin
    said = list(zip([*(["system"] if system else []), *roles], content, strict=False))
    segments: list[Segment] = []
    for role, text in said:
        segments += [RoleBegin(role), Text(text), RoleEnd(role)]
    expected = _their_text(theirs.get_chat_template(name), said)
    tokenizer = ByteTokenizer()
    template = get_chat_template(name)
    for made in (template.as_text(), template.for_tokenizer(tokenizer)):
        assert PromptEncoder(tokenizer, made).text(segments) == expected


def test_names_of_special_tokens_are_those_tokens_in_a_template_but_not_in_what_is_said() -> None:
    tokenizer = ByteTokenizer()
    encoder = PromptEncoder(tokenizer, get_chat_template("chatml").for_tokenizer(tokenizer))
    ids = encoder.encode([RoleBegin("user"), Text("<|im_end|>"), RoleEnd("user")])
    assert [i for i in ids if i > 255] == [257, 258]


class Begun(ByteTokenizer):
    """A tokenizer whose texts begin with a token."""

    bos_ids = (256,)


def test_a_conversation_begins_with_the_begin_token() -> None:
    named = get_chat_template("chatml")
    writing = named.for_tokenizer(Begun(), begins=True)
    assert writing.opening("user", None)[0] == Special("<|endoftext|>")
    assert writing.opening("user", "assistant")[0] == Special("<|im_start|>")
    for template in (writing, named.for_tokenizer(Begun())):
        encoder = PromptEncoder(Begun(), template)
        assert encoder.encode([RoleBegin("user")])[:2] == [256, 257]
        assert encoder.encode([Text("x"), RoleBegin("user")])[:3] == [256, ord("x"), 257]
    assert encoder.text([RoleBegin("user")]) == "<|im_start|>user\n"  # it is no part of the text


def test_an_empty_opening_has_the_begin_token_to_go_on_from() -> None:
    template = get_chat_template("yi-1.5").for_tokenizer(Begun())
    assert PromptEncoder(Begun(), template).encode([RoleBegin("system")]) == [256]


def test_a_template_of_ones_own_is_written_as_text() -> None:
    template = FrontendTemplate(
        name="own",
        default_system_prompt="S",
        role_prefix_and_suffix={"system": ("", "|"), "user": ("U:", ";"), "assistant": ("A:", "")},
    )
    assert template.style is ChatTemplateStyle.PLAIN
    messages = [{"role": "system", "content": None}, {"role": "user", "content": "x"}]
    assert template.get_prompt(messages) == "S|U:x;"


def test_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(KeyError, match=r"did you mean 'llama-3-instruct'"):
        get_chat_template("llama3-instruct")


def test_a_server_takes_them_by_name() -> None:
    files = load_files("embedded", chat_template="yi-1.5")
    assert files.template is not None
    assert files.template.render([{"role": "user", "content": "Hi"}]) == (
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
    assert files.template.stop == ()  # the token ends every text
