"""A model that chooses by itself to call, on a real engine.

The embedded model does not know any form of calls. The form here begins with three tokens, and all
three are favoured, so that in some answer they come in a row.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jsonschema
from generators.scripted_answers import scripted_service

from sglc.runtime.models.files import load_files
from sglc.runtime.options import LocalOptions
from sglc.runtime.tokenizer.template import ChatTemplate
from sglc.server.engine.client import EngineClient
from sglc.server.http.body import check
from sglc.server.openai.chat import complete, stream
from sglc.server.openai.chat_body import ChatBody
from sglc.server.operations.tenant import ANYONE

TEMPLATE = """{{- (tools or '') | string }}
{%- for m in messages %}
    {{- '<|im_start|>' + m.role + '\\n' + m.content }}
    {%- for call in m.tool_calls or [] %}
        {{- '[c]' + call.function.name + ':' + call.function.arguments | tojson }}
    {%- endfor %}{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
PARAMETERS = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["n"],
    "additionalProperties": False,
}
TOOLS = [
    {"type": "function", "function": {"name": "dice", "parameters": PARAMETERS}},
    {"type": "function", "function": {"name": "now"}},
]


def test_a_model_calls_in_the_middle_of_a_text() -> None:
    files = load_files("embedded")
    template = ChatTemplate.from_source(TEMPLATE, files.tokenizer, files.tokenizer.named)
    favoured = {str(files.tokenizer.encode(text)[0]): 100 for text in "[c]"}
    asked: Any = {
        "messages": [{"role": "user", "content": "hi"}],
        "tools": TOOLS,
        "temperature": 2,
        "seed": 1,
        "n": 3,
        "logit_bias": favoured,
        "frequency_penalty": 2,
        "max_tokens": 100,
    }

    async def main() -> tuple[dict[str, Any], list[bytes]]:
        engine = EngineClient(LocalOptions())
        await engine.start()
        try:
            service = scripted_service(files.tokenizer, template, engine)
            reply = await complete(service, ANYONE, check(asked, ChatBody))
            body = check(asked | {"stream": True}, ChatBody)
            return reply, [event async for event in stream(service, ANYONE, body)]
        finally:
            await engine.close()

    reply, events = asyncio.run(main())
    streamed = b"".join(events).decode()
    for choice in reply["choices"]:
        message = choice["message"]
        calls = message.get("tool_calls", ())
        assert (choice["finish_reason"] == "tool_calls") == bool(calls)
        assert "[c]" not in (message["content"] or "")
        for call in calls:
            arguments = json.loads(call["function"]["arguments"])
            if call["function"]["name"] == "dice":
                jsonschema.validate(arguments, PARAMETERS)
            else:
                assert arguments == {}
    names = [
        c["function"]["name"]
        for each in reply["choices"]
        for c in each["message"].get("tool_calls", ())
    ]
    assert names
    assert sorted(names) == sorted(
        call["function"]["name"]
        for line in streamed.splitlines()
        if line.startswith("data: {")
        for each in json.loads(line.removeprefix("data: "))["choices"]
        for call in each["delta"].get("tool_calls", ())
        if "name" in call["function"]
    )
