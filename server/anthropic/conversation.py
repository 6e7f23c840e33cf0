"""A conversation in Anthropic's form as one in OpenAI's, which is what prompts are made of.

Turns of one role that follow each other are one turn; its texts are joined by newlines. Answers of
tools stand before the text of their turn.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sglc.server.anthropic.body import (
    CountBody,
    MessageBody,
    MessagesBody,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from sglc.server.errors import bad_request
from sglc.server.openai.chat_body import ChatBody
from sglc.server.openai.formats import JsonSchemaFormat, ResponseFormat
from sglc.server.openai.messages import FunctionCall, Message, ToolCall
from sglc.server.openai.tools import FunctionName, FunctionTool, NamedTool, ToolBody, ToolChoice
from sglc.server.sampling import stops_of

DEFAULT_TEMPERATURE = 1.0


def chat_of(body: CountBody) -> ChatBody:
    """Return a body as that of a chat completion.

    Raises:
        ApiError: calls and answers of tools do not fit each other, or a tool is not known.
    """
    return ChatBody(
        model=body.model,
        messages=_messages(body),
        tools=_tools(body),
        tool_choice=_tool_choice(body),
        parallel_tool_calls=not (body.tool_choice and body.tool_choice.disable_parallel_tool_use),
        response_format=_format(body),
        **(_sampling(body) if isinstance(body, MessagesBody) else {}),
    )


def _sampling(body: MessagesBody) -> dict[str, Any]:
    stops_of(body.stop_sequences, "stop_sequences")
    temperature = DEFAULT_TEMPERATURE if body.temperature is None else body.temperature
    return {
        "max_tokens": max(1, body.max_tokens),
        "stop": body.stop_sequences,
        "stream": body.stream,
        "temperature": temperature,
        "top_p": body.top_p,
        "top_k": body.top_k,
    }


@dataclass(slots=True)
class _Turn:
    """What one role says until another one does."""

    role: str
    texts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    answers: list[Message] = field(default_factory=list)

    def messages(self) -> list[Message]:
        found = list(self.answers)
        if self.texts or self.calls or not found:
            text = "\n".join(self.texts)
            found.append(
                Message(role=self.role, content=text, tool_calls=self.calls or None)  # type: ignore[arg-type]  # a role of MessageBody
            )
        return found


def _messages(body: CountBody) -> list[Message]:
    turns: list[_Turn] = []
    open_calls: dict[str, str] = {}  # id -> where
    for i, message in enumerate(body.messages):
        if not turns or turns[-1].role != message.role:
            if open_calls and message.role != "user":
                raise _unanswered(open_calls)
            turns.append(_Turn(message.role))
        _add(turns[-1], message, f"messages[{i}]", open_calls)
        if message.role != "assistant" and open_calls:
            raise _unanswered(open_calls)
    if open_calls:
        raise _unanswered(open_calls)
    found = [message for turn in turns for message in turn.messages()]
    if body.system is not None:
        found.insert(0, Message(role="system", content=_text(body.system)))
    return found


def _add(turn: _Turn, message: MessageBody, place: str, open_calls: dict[str, str]) -> None:
    if isinstance(message.content, str):
        turn.texts.append(message.content)
        return
    for k, block in enumerate(message.content):
        where = f"{place}.content[{k}]"
        match block:
            case TextBlock():
                turn.texts.append(block.text)
            case ToolUseBlock():
                if message.role != "assistant":
                    raise bad_request(f"{where}: only an assistant uses tools", where)
                if block.id in open_calls:
                    raise bad_request(f"{where}.id: used before, at {open_calls[block.id]}", where)
                open_calls[block.id] = where
                call = FunctionCall(name=block.name, arguments=json.dumps(block.input))
                turn.calls.append(ToolCall(id=block.id, function=call))
            case ToolResultBlock():
                if message.role != "user":
                    raise bad_request(f"{where}: results of tools come from the user", where)
                if open_calls.pop(block.tool_use_id, None) is None:
                    raise bad_request(
                        f"{where}.tool_use_id: the assistant's turn before has no call "
                        f"{block.tool_use_id!r} without a result",
                        where,
                    )
                turn.answers.append(_answer(block))


def _answer(block: ToolResultBlock) -> Message:
    text = "" if block.content is None else _text(block.content)
    if block.is_error:
        text = f"Error: {text}"
    return Message(role="tool", content=text, tool_call_id=block.tool_use_id)


def _unanswered(open_calls: dict[str, str]) -> Exception:
    where = next(iter(open_calls.values()))
    return bad_request(f"{where}: the user's next message has no result of this call", where)


def _text(content: str | Sequence[TextBlock]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.text for block in content)


def _tools(body: CountBody) -> list[ToolBody] | None:
    if body.tools is None:
        return None
    return [
        ToolBody(
            type="function",
            function=FunctionTool(
                name=tool.name,
                description=tool.description,
                parameters=tool.input_schema,
                strict=tool.strict,
            ),
        )
        for tool in body.tools
    ]


def _tool_choice(body: CountBody) -> ToolChoice | None:
    choice = body.tool_choice
    if choice is None:
        return None
    if (choice.name is None) == (choice.type == "tool"):
        raise bad_request("tool_choice: `name` goes with the type `tool`", "tool_choice.name")
    names = [tool.name for tool in body.tools or ()]
    if choice.type in ("any", "tool") and not names:
        raise bad_request("tool_choice asks for a call, and there are no tools", "tool_choice")
    if choice.name is not None:
        if choice.name not in names:
            message = f"tool_choice.name: no tool is called `{choice.name}`: {', '.join(names)}"
            raise bad_request(message, "tool_choice.name")
        return NamedTool(type="function", function=FunctionName(name=choice.name))
    if choice.type == "any":
        return "required"
    return "none" if choice.type == "none" else "auto"


def _format(body: CountBody) -> ResponseFormat | None:
    if body.output_config is None or body.output_config.format is None:
        return None
    schema = JsonSchemaFormat(name="output", schema=body.output_config.format.schema_)
    return ResponseFormat(type="json_schema", json_schema=schema)
