"""Chat templates in the shapes that published models have, and a tokenizer with their tokens."""

from __future__ import annotations

from sglc.compiler.plan.segments import Special
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.template import ChatTemplate

CHATML_SOURCE = """
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
QWEN25 = (
    """
{%- if messages[0]['role'] != 'system' %}
    {{- '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}
{%- endif %}"""
    + CHATML_SOURCE
)
LLAMA3 = """{% set loop_messages = messages %}{% for message in loop_messages %}
{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'
    + message['content'] | trim + '<|eot_id|>' %}
{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}
{%- endfor %}{% if add_generation_prompt %}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"""
MISTRAL = """{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] %}{%- set turns = messages[1:] %}
{%- else %}{%- set turns = messages %}{%- endif %}
{{- bos_token }}
{%- for message in turns %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('roles must alternate user/assistant') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {%- if loop.first and system is defined %}
            {{- '[INST] ' + system + '\\n\\n' + message['content'] + '[/INST]' }}
        {%- else %}
            {{- '[INST] ' + message['content'] + '[/INST]' }}
        {%- endif %}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + message['content'] + eos_token }}
    {%- else %}
        {{- raise_exception('only user and assistant roles are supported') }}
    {%- endif %}
{%- endfor %}"""
# Writes empty thoughts into the last answer only: the next turn takes them out again.
QWEN3 = """{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.role == 'assistant' and loop.last %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
    {{- message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
# Moves the system prompt into the last user message.
MOVES = MISTRAL.replace("loop.first and", "loop.last and").replace("loop_first", "loop_last")

NAMES = {"bos_token": "<s>", "eos_token": "</s>"}
BOS = Special("<s>")


class Names(ByteTokenizer):
    """Bytes, with the special tokens of all templates here."""

    def __init__(self) -> None:
        super().__init__()
        extra = ("<s>", "</s>", "[INST]", "[/INST]", "<|eot_id|>")
        extra += ("<|start_header_id|>", "<|end_header_id|>")
        self.special_ids |= {name: 259 + i for i, name in enumerate(extra)}


def probe(source: str) -> ChatTemplate:
    return ChatTemplate.from_source(source, Names(), NAMES)
