"""What ``input`` of ``/v1/responses`` holds: messages, calls of tools and their results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from sglc.server.http.body import Body
from sglc.server.openai.messages import MAX_MESSAGES, FunctionCall, Message, ToolCall

MAX_ITEMS = MAX_MESSAGES - 1  # and the instructions
_PARTS = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}


def _said(value: Any) -> Any:
    """Leave out what is null: clients give back items of replies with all the fields they know."""
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if each is not None}
    return value


def _only_text(content: Any) -> Any:
    """Return a content as one text; the part that this model cannot read is named."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ValueError("must be a text or a list of parts")
    texts = []
    for i, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str) or kind not in _PARTS:
            found = f"is of type {kind!r}" if isinstance(kind, str) else "has no type"
            raise ValueError(f"part [{i}] {found}; this model reads text only")
        text = part.get(_PARTS[kind])
        if not isinstance(text, str):
            raise ValueError(f"part [{i}] needs a text in `{_PARTS[kind]}`")
        known = {"type", _PARTS[kind], "annotations", "logprobs"}
        unknown = [key for key, each in part.items() if key not in known and each is not None]
        if unknown:
            raise ValueError(f"part [{i}] has an unknown field `{unknown[0]}`")
        texts.append(text)
    return "".join(texts)


_PARTS_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"enum": list(_PARTS)},
            "text": {"type": ["string", "null"]},
            "refusal": {"type": ["string", "null"]},
            "annotations": {},
            "logprobs": {},
        },
        "additionalProperties": {"type": "null"},
    },
}

Content = Annotated[
    str,
    BeforeValidator(_only_text),
    WithJsonSchema({"anyOf": [{"type": "string"}, _PARTS_SCHEMA]}),
]


class _Item(Body):
    """``id`` and ``status`` are those of an item of a reply that is given back."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": {"type": "null"}})

    id: str | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        return _said(value)


class MessageItem(_Item):
    """A message."""

    type: Literal["message"] | None = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: Content


class CallItem(_Item):
    """A call of a tool by the assistant; ``arguments`` is JSON text."""

    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str


class ResultItem(_Item):
    """What a tool has answered."""

    type: Literal["function_call_output"]
    call_id: str
    output: Content


def _kind(item: Any) -> str | None:
    kind = item.get("type") if isinstance(item, dict) else getattr(item, "type", None)
    kinds = {"function_call": "Call", "function_call_output": "Result"}
    return "Message" if kind in (None, "message") else kinds.get(str(kind))


InputItem = Annotated[
    Annotated[MessageItem, Tag("Message")]
    | Annotated[CallItem, Tag("Call")]
    | Annotated[ResultItem, Tag("Result")],
    Discriminator(
        _kind,
        custom_error_type="unknown_item",
        custom_error_message="an item is a message, a function_call or a function_call_output",
    ),
]
Input = Annotated[
    Annotated[str, Tag("Text")]
    | Annotated[list[InputItem], Field(min_length=1, max_length=MAX_ITEMS), Tag("Items")],
    Discriminator(lambda given: "Items" if isinstance(given, list) else "Text"),
]


def messages_of(instructions: str | None, given: str | Sequence[InputItem]) -> list[Message]:
    """Return the messages of a chat; calls that follow each other are of one turn."""
    found: list[Message] = []
    if instructions:
        found.append(Message(role="system", content=instructions))
    if isinstance(given, str):
        return [*found, Message(role="user", content=given)]
    for item in given:
        match item:
            case MessageItem():
                found.append(Message(role=item.role, content=item.content))
            case ResultItem():
                found.append(Message(role="tool", content=item.output, tool_call_id=item.call_id))
            case CallItem():
                function = FunctionCall(name=item.name, arguments=item.arguments)
                call = ToolCall(id=item.call_id, function=function)
                last = found[-1] if found else None
                if last is not None and last.role == "assistant":
                    calls = [*(last.tool_calls or ()), call]
                    found[-1] = last.model_copy(update={"tool_calls": calls})
                else:
                    found.append(Message(role="assistant", tool_calls=[call]))
    return found
