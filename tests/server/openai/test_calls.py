"""Calls of tools: what the model writes in its template's form is what the reply says."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from generators.scripted_answers import ScriptedEngine, scripted_service
from generators.templates import CHATML_SOURCE, NAMES, Names
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.runtime.tokenizer.conversation import Conversations
from sglc.runtime.tokenizer.pieces import text_of
from sglc.runtime.tokenizer.template import ChatTemplate
from sglc.server.http.body import check
from sglc.server.openai.chat import complete, stream
from sglc.server.openai.chat_body import ChatBody
from sglc.server.operations.tenant import ANYONE

# Calls that nothing marks, one in a turn; and a list of them behind a special token.
BARE = """{{- (tools or '') | string }}
{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}
{%- if m.tool_calls and m.tool_calls | length > 1 %}{{- raise_exception('one') }}{%- endif %}
{%- for call in m.tool_calls or [] %}
    {{- '{"name": "' + call.function.name + '", "parameters": ' }}
    {{- call.function.arguments | tojson + '}' }}
{%- endfor %}{{- m.content + '<|im_end|>' }}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
LISTED = """{%- for m in messages %}
{%- if m.role == 'user' %}{{- '[INST]' + (tools or '') | string + m.content + '[/INST]' }}
{%- elif m.tool_calls %}{{- '[TOOL_CALLS][' }}
    {%- for call in m.tool_calls %}
        {{- call.function | tojson + (']' if loop.last else ', ') }}
    {%- endfor %}{{- '</s>' }}
{%- else %}{{- m.content + '</s>' }}{%- endif %}{%- endfor %}"""


class _Tokenizer(Names):
    def __init__(self) -> None:
        super().__init__()
        self.special_ids |= {"[TOOL_CALLS]": 290}
        self.token_bytes += (b"",) * 40


TOKENIZER = _Tokenizer()
TEMPLATES = {
    name: ChatTemplate.from_source(source, TOKENIZER, NAMES)
    for name, source in (("own", CHATML_SOURCE), ("bare", BARE), ("listed", LISTED))
}
FORMS = {name: Conversations(TOKENIZER, each).call_form for name, each in TEMPLATES.items()}


def test_the_forms_are_what_they_should_be() -> None:
    assert not FORMS["own"].is_native
    assert not FORMS["bare"].has_mark
    assert FORMS["bare"].between is None
    assert FORMS["listed"].special == "[TOOL_CALLS]"
    assert FORMS["listed"].between is not None


def tool(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    function = {"name": name, "parameters": parameters | {"additionalProperties": False}}
    return {"type": "function", "function": function}


TOOLS = [
    tool("get", {"city": {"type": "string"}}),
    tool("get_2", {"n": {"type": "integer"}, "on": {"type": "boolean"}}),
    {"type": "function", "function": {"name": "now"}},
]
CALLS = st.lists(
    st.one_of(
        st.builds(lambda city: ("get", {"city": city}), st.text('a"\\é{}<\n', max_size=5)),
        st.builds(lambda n, on: ("get_2", {"n": n, "on": on}), st.integers(), st.booleans()),
        st.just(("now", {})),
    ),
    max_size=3,
)
TEXTS = st.text('ab \n<{"', max_size=8)


def body(**more: Any) -> ChatBody:
    asked = {"messages": [{"role": "user", "content": "hi"}], "tools": TOOLS, **more}
    return check(asked, ChatBody)


def both(form: str, scripts: list[str], sizes: list[int], **more: Any) -> list[dict[str, Any]]:
    """Return the choices of a reply, which are what the stream's deltas join to."""
    template = TEMPLATES[form]

    async def run() -> list[dict[str, Any]]:
        service = scripted_service(TOKENIZER, template, ScriptedEngine(TOKENIZER, scripts))
        reply = await complete(service, ANYONE, body(**more))
        service = scripted_service(TOKENIZER, template, ScriptedEngine(TOKENIZER, scripts, sizes))
        options = {"include_usage": True}
        events = stream(service, ANYONE, body(**more, stream=True, stream_options=options))
        *chunks, done = [event.decode() async for event in events]
        assert done == "data: [DONE]\n\n"
        *data, last = [json.loads(chunk.removeprefix("data: ")) for chunk in chunks]
        assert last["usage"] == reply["usage"]
        choices: list[dict[str, Any]] = reply["choices"]
        assert [_joined(data, i) for i in range(len(choices))] == [_bare(c) for c in choices]
        return choices

    return asyncio.run(run())


def _joined(chunks: list[dict[str, Any]], index: int) -> dict[str, Any]:
    mine = [each for chunk in chunks for each in chunk["choices"] if each["index"] == index]
    first, *rest = mine
    assert first["delta"] == {"role": "assistant", "content": "", "refusal": None}
    text, calls = "", list[dict[str, Any]]()
    for each in rest:
        text += each["delta"].get("content", "")
        for call in each["delta"].get("tool_calls", ()):
            if call["index"] == len(calls):
                assert call["id"].startswith("call_")
                calls.append({"name": call["function"]["name"], "arguments": ""})
            calls[call["index"]]["arguments"] += call["function"]["arguments"]
    return {"content": text, "calls": calls, "finish": rest[-1]["finish_reason"]}


def _bare(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice["message"]
    calls = [call["function"] for call in message.get("tool_calls", ())]
    return {
        "content": message["content"] or "",
        "calls": calls,
        "finish": choice["finish_reason"],
    }


SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=3)


@settings(deadline=None)
@given(form=st.sampled_from(list(FORMS)), text=TEXTS, calls=CALLS, sizes=SIZES)
def test_a_model_chooses_between_text_and_calls(
    form: str, text: str, calls: list[tuple[str, Any]], sizes: list[int]
) -> None:
    given_form = FORMS[form]
    if form == "bare" and text.strip():
        calls = []  # they are no calls there
    script = text + (given_form.text(calls) if calls else "")
    (choice,) = both(form, [script], sizes)
    wanted = calls if given_form.between is not None else calls[:1]
    found = _bare(choice)
    assert found["content"] == text
    assert [(c["name"], json.loads(c["arguments"])) for c in found["calls"]] == wanted
    assert found["finish"] == ("tool_calls" if calls else "stop")


@settings(deadline=None)
@given(form=st.sampled_from(list(FORMS)), calls=CALLS.filter(len), sizes=SIZES)
def test_a_call_can_be_forced(form: str, calls: list[tuple[str, Any]], sizes: list[int]) -> None:
    script = FORMS[form].text(calls)
    (choice,) = both(
        form,
        [script.removeprefix(text_of(FORMS[form].opening))],  # that is part of the prompt
        sizes,
        tool_choice="required",
        parallel_tool_calls=False,
    )
    (found,) = _bare(choice)["calls"]
    assert (found["name"], json.loads(found["arguments"])) == calls[0]
    assert choice["message"]["content"] is None


def test_choices_go_on_by_themselves() -> None:
    form = FORMS["own"]
    scripts = [
        "a" + form.text([("now", {})]),
        "b",
        form.text([("now", {}), ("get", {"city": "x"})]),
    ]
    first, second, third = map(_bare, both("own", scripts, [2], n=3))
    assert (first["content"], len(first["calls"])) == ("a", 1)
    assert (second["content"], second["finish"]) == ("b", "stop")
    assert [each["name"] for each in third["calls"]] == ["now", "get"]


def test_what_begins_like_a_call_in_a_text_is_text() -> None:
    script = 'see: {"name": "get", "parameters": {"city": "x"}} ok'
    (choice,) = both("bare", [script], [3])
    assert _bare(choice) == {"content": script, "calls": [], "finish": "stop"}


def test_a_text_of_a_form_or_a_call() -> None:
    form: Any = {"type": "json_object"}
    for script, wanted in (('{"a": [1]}', []), (FORMS["own"].text([("now", {})]), ["now"])):
        (choice,) = both("own", [script], [4], response_format=form)
        found = _bare(choice)
        assert [each["name"] for each in found["calls"]] == wanted
        assert found["content"] == ("" if wanted else script)


@pytest.mark.parametrize(
    ("script", "more", "finish"),
    [
        ("ab <tool_call>", {"max_tokens": 14}, "length"),  # no room for the call
        ("abcd", {"max_tokens": 2}, "length"),
        ("ab.cd", {"stop": "."}, "stop"),
        ("ab", {"tool_choice": "none"}, "stop"),
    ],
)
def test_why_an_answer_ends(script: str, more: dict[str, Any], finish: str) -> None:
    (choice,) = both("own", [script], [1], **more)
    assert choice["finish_reason"] == finish
    assert not _bare(choice)["calls"]


def test_cached_tokens_of_a_prompt_count_once() -> None:
    engine = ScriptedEngine(TOKENIZER, ["a" + FORMS["own"].text([("now", {})]), "b"], cached=7)
    service = scripted_service(TOKENIZER, TEMPLATES["own"], engine)
    usage = asyncio.run(complete(service, ANYONE, body(n=2)))["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 7}
    assert usage["prompt_tokens"] == len(engine.generations[0].ids)


def test_only_what_is_allowed_is_called() -> None:
    allowed: Any = {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "required",
            "tools": [{"type": "function", "function": {"name": "now"}}],
        },
    }
    service = scripted_service(TOKENIZER, TEMPLATES["own"], ScriptedEngine(TOKENIZER, [""]))
    with pytest.raises(AssertionError, match="is cut off"):  # by the script: none is allowed
        asyncio.run(complete(service, ANYONE, body(tool_choice=allowed)))
    (choice,) = both("own", [FORMS["own"].text([("now", {})])], [1], tool_choice=allowed)
    assert [each["name"] for each in _bare(choice)["calls"]] == ["now"]
