"""Messages of a conversation as OpenAI's clients send them, and as chat templates read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sglc.server.errors import bad_request
from sglc.server.http.body import Body
from sglc.server.http.json_text import read_json

MAX_MESSAGES = 16384


class TextPart(Body):
    """A part of a content that is text."""

    type: Literal["text", "refusal"]
    text: str | None = None
    refusal: str | None = None

    @model_validator(mode="after")
    def _has_its_text(self) -> Self:
        if getattr(self, self.type) is None:
            raise ValueError(f"a part of type `{self.type}` has a field `{self.type}`")
        return self

    @property
    def content(self) -> str:
        """What it says."""
        return str(getattr(self, self.type))


def _only_text(content: Any) -> Any:
    """Name the part that this model cannot read, before anything else is said of the content."""
    for i, part in enumerate(content if isinstance(content, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in ("text", "refusal"):
            found = f"is of type {kind!r}" if isinstance(kind, str) else "has no type"
            raise ValueError(f"part [{i}] {found}; this model reads text only")
    if isinstance(content, list | str) or content is None:
        return content
    raise ValueError("must be a text or a list of parts")


Content = Annotated[str | list[TextPart] | None, BeforeValidator(_only_text)]


class FunctionCall(Body):
    """What an assistant has called: ``arguments`` is JSON text."""

    name: str
    arguments: str


class ToolCall(Body):
    """A call of a tool by an assistant."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(Body):
    """One message. Only an assistant calls tools; only a tool answers a ``tool_call_id``."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = Field(default=None, max_length=1024)
    tool_call_id: str | None = None
    annotations: list[Any] | None = Field(default=None, max_length=0)
    audio: None = None
    function_call: None = None

    @model_validator(mode="after")
    def _belongs_to_its_role(self) -> Self:
        if self.role != "assistant" and (self.tool_calls or self.refusal is not None):
            raise ValueError(f"only an assistant has tool_calls or a refusal, not a {self.role}")
        if (self.tool_call_id is None) == (self.role == "tool"):
            raise ValueError("a tool, and only a tool, has a tool_call_id")
        if self.content is None and not self.tool_calls and self.refusal is None:
            raise ValueError(f"a message of role {self.role} needs content")
        return self

    @property
    def text(self) -> str:
        """Its content as one text."""
        if isinstance(self.content, list):
            return "".join(part.content for part in self.content)
        return self.content if self.content is not None else self.refusal or ""


def template_messages(
    messages: Sequence[Message], *, developer: bool, takes_text: bool
) -> list[dict[str, Any]]:
    """Return messages as chat templates read them: contents are text, arguments are data.

    ``developer``: whether the template knows that role; it is ``system`` otherwise. With
    ``takes_text`` arguments stay JSON text.

    Raises:
        ApiError: arguments of a call are no JSON object, or a call has no answer.
    """
    found: list[dict[str, Any]] = []
    open_calls: dict[str, str] = {}
    for i, message in enumerate(messages):
        if open_calls and message.role != "tool":
            raise _unanswered(open_calls, i - 1)
        role = "system" if message.role == "developer" and not developer else message.role
        made: dict[str, Any] = {"role": role, "content": message.text}
        if message.name is not None:
            made["name"] = message.name
        if message.role == "tool":
            assert message.tool_call_id is not None
            if message.tool_call_id not in open_calls:
                raise bad_request(
                    f"messages[{i}]: no call before it has the id {message.tool_call_id!r}",
                    f"messages[{i}].tool_call_id",
                )
            made["tool_call_id"] = message.tool_call_id
            made.setdefault("name", open_calls.pop(message.tool_call_id))
        if message.tool_calls:
            made["tool_calls"] = [
                _template_call(call, takes_text, f"messages[{i}].tool_calls[{k}]")
                for k, call in enumerate(message.tool_calls)
            ]
            open_calls = {call.id: call.function.name for call in message.tool_calls}
        found.append(made)
    if open_calls:
        raise _unanswered(open_calls, len(messages) - 1)
    return found


def _template_call(call: ToolCall, takes_text: bool, place: str) -> dict[str, Any]:
    try:
        arguments = read_json((call.function.arguments or "{}").encode())
    except ValueError as error:
        field = f"{place}.function.arguments"
        raise bad_request(f"{field} is not JSON: {error}", field) from None
    if not isinstance(arguments, dict):
        field = f"{place}.function.arguments"
        raise bad_request(f"{field} must be a JSON object", field)
    given = call.function.arguments if takes_text else arguments
    function = {"name": call.function.name, "arguments": given}
    return {"id": call.id, "type": "function", "function": function}


def _unanswered(open_calls: dict[str, str], place: int) -> Exception:
    ids = ", ".join(open_calls)
    return bad_request(
        f"messages[{place}]: an assistant's tool_calls are followed by a tool's message for each; "
        f"there is none for {ids}",
        f"messages[{place}]",
    )
