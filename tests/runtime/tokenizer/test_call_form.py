"""How templates write calls of tools, in the shapes that published models have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from generators.templates import CHATML_SOURCE, NAMES, Names

from sglc.compiler.plan.segments import Special, Text
from sglc.runtime.tokenizer.call_form import OWN_FORM, CallForm, call_form
from sglc.runtime.tokenizer.pieces import Cutter
from sglc.runtime.tokenizer.template import ChatTemplate

SPECIALS = ("[TOOL_CALLS]", "[/TOOL_RESULTS]", "<|call|>", "<|sep|>", "<|calls|>")

# Thinks in a last answer, as Qwen3: what it writes there is not how calls begin.
TAGGED = """{%- if tools %}
    {{- '<|im_start|>system\\n' + tools | tojson + '<|im_end|>\\n' }}
{%- endif %}
{%- for m in messages %}
    {%- if m.role == 'tool' %}
        {{- '<|im_start|>user\\n<tool_response>\\n' + m.content }}
        {{- '\\n</tool_response><|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + m.role + '\\n' }}
        {%- if m.role == 'assistant' and loop.last %}
            {{- '<think>\\n\\n</think>\\n\\n' }}
        {%- endif %}
        {{- m.content }}
        {%- for call in m.tool_calls or [] %}
            {%- if not loop.first or m.content %}{{- '\\n' }}{%- endif %}
            {{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
            {{- call.function.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""

# One call in a turn, with nothing that marks it, as Llama 3.1.
BARE = """{{- bos_token }}
{%- if tools %}{{- 'Tools: ' + tools | tojson }}{%- endif %}
{%- for m in messages %}
    {%- if m.tool_calls and m.tool_calls | length > 1 %}
        {{- raise_exception('only single tool-calls at once') }}
    {%- endif %}
    {{- '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' }}
    {%- if m.tool_calls %}
        {%- set call = m.tool_calls[0].function %}
        {{- '{"name": "' + call.name + '", "parameters": ' + call.arguments | tojson + '}' }}
    {%- else %}{{- m.content | trim }}{%- endif %}
    {{- '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}"""

# A list behind a special token, with ids of nine characters, as Mistral.
LISTED = """{{- bos_token }}
{%- for m in messages %}
    {%- if m.role == 'user' %}{{- '[INST]' + tools | tojson + m.content + '[/INST]' }}
    {%- elif m.role == 'tool' %}{{- '[TOOL_RESULTS]' + m.content + '[/TOOL_RESULTS]' }}
    {%- elif m.tool_calls %}
        {{- '[TOOL_CALLS] [' }}
        {%- for call in m.tool_calls %}
            {%- if call.id | length < 9 %}{{- raise_exception('nine letters') }}{%- endif %}
            {%- set written = call.function | tojson %}
            {{- written[:-1] + ', "id": "' + call.id[-9:] + '"}' }}
            {%- if not loop.last %}{{- ', ' }}{%- endif %}
        {%- endfor %}
        {{- ']' + eos_token }}
    {%- else %}{{- m.content + eos_token }}{%- endif %}
{%- endfor %}"""

# Special tokens before every call and between them, arguments as text, as DeepSeek.
FENCED = """{{- bos_token }}
{%- for m in messages %}
    {%- if m.role == 'user' %}{{- '[INST]' + (tools or []) | tojson + m.content + '[/INST]' }}
    {%- elif m.role == 'tool' %}{{- '[TOOL_RESULTS]' + m.content + '[/TOOL_RESULTS]' }}
    {%- elif m.tool_calls %}
        {{- '<|calls|>' }}
        {%- for call in m.tool_calls %}
            {{- '<|call|>function<|sep|>' + call.function.name + '\\n' }}
            {{- call.function.arguments + '\\n<|eot_id|>' }}
        {%- endfor %}
        {{- '</s>' }}
    {%- else %}{{- m.content + '</s>' }}{%- endif %}
{%- endfor %}"""

# Arguments one by one, as Qwen3-Coder: not JSON.
LINES = TAGGED.replace(
    "{{- call.function.arguments | tojson }}",
    "{%- for key in call.function.arguments %}{{- '<' + key + '>' }}{%- endfor %}",
)


class _Tokenizer(Names):
    def __init__(self) -> None:
        super().__init__()
        self.special_ids |= {name: 400 + i for i, name in enumerate(SPECIALS)}


def form_of(source: str) -> CallForm:
    tokenizer = _Tokenizer()
    template = ChatTemplate.from_source(source, tokenizer, NAMES)
    return call_form(template, Cutter(tokenizer.special_ids))


def test_a_tag_is_what_calls_begin_with() -> None:
    form = form_of(TAGGED)
    assert form == CallForm(
        begin='<tool_call>\n{"name": "',
        middle='", "arguments": ',
        between='}\n</tool_call>\n<tool_call>\n{"name": "',
        tail="}\n</tool_call>",
        layout="spaced",
    )
    assert (form.trigger, form.has_mark) == ("<tool_call>", True)
    assert form.trigger + form.behind_trigger == form.begin


def test_a_call_without_a_mark_is_one_call() -> None:
    form = form_of(BARE)
    assert (form.begin, form.middle) == ('{"name": "', '", "parameters": ')
    assert form.between is None
    assert not form.has_mark
    assert form.trigger == form.begin


def test_a_special_token_is_what_calls_begin_with() -> None:
    form = form_of(LISTED)
    assert form.special == "[TOOL_CALLS]"
    assert form.begin == ' [{"name": "'
    assert form.between is not None
    assert form.between.startswith(', "id": "')
    assert form.behind_trigger == form.begin


def test_special_tokens_may_be_several_and_arguments_text() -> None:
    form = form_of(FENCED)
    assert form.takes_text
    assert form.opening == (
        Special("<|calls|>"),
        Special("<|call|>"),
        Text("function"),
        Special("<|sep|>"),
    )
    assert (form.begin, form.middle, form.between) == ("", "\n", None)


@pytest.mark.parametrize("source", [CHATML_SOURCE, LINES])
def test_a_form_of_our_own_stands_in(source: str) -> None:
    assert form_of(source) == OWN_FORM


@pytest.mark.parametrize("source", [TAGGED, LISTED, CHATML_SOURCE])
@pytest.mark.parametrize("count", [1, 2])
def test_calls_are_written_as_the_template_does(source: str, count: int) -> None:
    form = form_of(source)
    given: list[tuple[str, Any]] = [("f", {"a": 1}), ("g", {"b": ["x"]})][:count]
    text = form.text(given)
    assert text.endswith(form.tail)
    at = len("".join(p.text if isinstance(p, Text) else p.name for p in form.opening))
    for i, (name, arguments) in enumerate(given):
        head = (form.between if i else form.begin) or ""
        part = head + name + form.middle + json.dumps(arguments)
        assert text[at:].startswith(part)
        at += len(part)
    assert text[at:] == form.tail
