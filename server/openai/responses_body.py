"""The body of ``/v1/responses``, as a chat."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from sglc.server.errors import ApiError
from sglc.server.http.body import Body, OnlyFalse
from sglc.server.openai.chat_body import MAX_TOP_LOGPROBS, ChatBody
from sglc.server.openai.fields import Refused
from sglc.server.openai.formats import JsonSchemaFormat, ResponseFormat
from sglc.server.openai.responses_items import Input, messages_of
from sglc.server.openai.tools import (
    MAX_TOOLS,
    AllowedTools,
    FunctionName,
    FunctionTool,
    NamedTool,
    ToolBody,
    ToolsAllowed,
)

LOGPROBS = "message.output_text.logprobs"


class TextFormat(Body):
    """``text.format``: text, any JSON object, or JSON of a schema."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class TextOptions(Body):
    """``text``."""

    format: TextFormat | None = None
    verbosity: Refused = None


class ResponsesTool(FunctionTool):
    """A function."""

    type: Literal["function"]

    @model_validator(mode="before")
    @classmethod
    def _is_a_function(cls, value: Any) -> Any:
        kind = value.get("type", "function") if isinstance(value, dict) else "function"
        if kind != "function":
            raise ValueError(f"tools of type {kind!r} are not run here; a tool is a function")
        return value


class NamedFunction(FunctionName):
    """``tool_choice``: this function, and no text."""

    type: Literal["function"]


class AllowedFunctions(Body):
    """``tool_choice``: a choice among some of the tools."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: list[NamedFunction] = Field(min_length=1, max_length=MAX_TOOLS)


def _kind(choice: Any) -> str:
    given = choice.get("type") if isinstance(choice, dict) else getattr(choice, "type", None)
    return {"function": "Named", "allowed_tools": "Allowed"}.get(str(given), "Word")


Choice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("Word")]
    | Annotated[NamedFunction, Tag("Named")]
    | Annotated[AllowedFunctions, Tag("Allowed")],
    Discriminator(_kind),
]


class ResponsesStream(Body):
    """``stream_options``: events are not padded."""

    include_obfuscation: OnlyFalse = False


class CountedBody(Body):
    """What the tokens of an input depend on: the body of ``/v1/responses/input_tokens``.

    No response is kept, so there is none to go on with.
    """

    model: str = Field(default="default", max_length=1024)
    input: Input
    instructions: str | None = None
    tools: list[ResponsesTool] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: Choice | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    truncation: Literal["disabled"] | None = None
    reasoning: Refused = None
    conversation: Refused = None
    previous_response_id: Refused = None

    def chat(self, **more: Any) -> ChatBody:
        """Return the chat that asks the same; ``more`` are fields of it.

        Raises:
            ApiError: a format has no schema.
        """
        given = {
            "model": self.model,
            "messages": messages_of(self.instructions, self.input),
            "tools": [_tool(tool) for tool in self.tools] if self.tools else None,
            "tool_choice": _choice(self.tool_choice),
            "parallel_tool_calls": self.parallel_tool_calls,
            "response_format": _format(self.text),
            **more,
        }
        return ChatBody(**given)


class ResponsesBody(CountedBody):
    """The body of ``/v1/responses``.

    No response is kept: ``store`` may be false only. ``user``, ``metadata`` and what has another
    service group, cache or log requests mean nothing here. ``include`` asks for log probabilities
    of the text; of a model that gives no thoughts there are none to include.
    """

    max_output_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=MAX_TOP_LOGPROBS)
    include: list[Literal["message.output_text.logprobs", "reasoning.encrypted_content"]] | None = (
        None
    )
    stream: bool | None = None
    stream_options: ResponsesStream | None = None
    store: OnlyFalse | None = None
    background: OnlyFalse | None = None
    max_tool_calls: Refused = None
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    user: str | None = None
    service_tier: Literal["auto", "default"] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None

    @property
    def given_temperature(self) -> float:
        """What answers are drawn with; 1 unless it is given."""
        return 1.0 if self.temperature is None else self.temperature

    @property
    def has_logprobs(self) -> bool:
        """Whether the reply has log probabilities."""
        return LOGPROBS in (self.include or ()) or bool(self.top_logprobs)

    def asked(self) -> ChatBody:
        """Return the chat that asks the same.

        Raises:
            ApiError: a format has no schema.
        """
        return self.chat(
            max_tokens=self.max_output_tokens,
            temperature=self.given_temperature,
            top_p=self.top_p,
            logprobs=self.has_logprobs,
            top_logprobs=self.top_logprobs if self.has_logprobs else None,
            stream=self.stream,
        )


def _tool(tool: ResponsesTool) -> ToolBody:
    function = FunctionTool(**tool.model_dump(exclude={"type"}))
    return ToolBody(type="function", function=function)


def _choice(choice: Choice | None) -> Any:
    def named(name: NamedFunction) -> NamedTool:
        return NamedTool(type="function", function=FunctionName(name=name.name))

    if isinstance(choice, NamedFunction):
        return named(choice)
    if isinstance(choice, AllowedFunctions):
        allowed = AllowedTools(mode=choice.mode, tools=[named(each) for each in choice.tools])
        return ToolsAllowed(type="allowed_tools", allowed_tools=allowed)
    return choice


def _format(text: TextOptions | None) -> ResponseFormat | None:
    form = None if text is None else text.format
    if form is None:
        return None
    if (form.type == "json_schema") != (form.schema_ is not None):
        message = "text.format: a schema goes with the type `json_schema`, and only with that"
        raise ApiError(400, message, param="text.format")
    if form.schema_ is None:
        return ResponseFormat(type=form.type)
    name = form.name or "response"
    schema = JsonSchemaFormat(name=name, schema=form.schema_, strict=form.strict)
    return ResponseFormat(type="json_schema", json_schema=schema)


_NAMES = (
    (re.compile(r"^messages.*"), "input"),
    (re.compile(r"^max_tokens"), "max_output_tokens"),
    (re.compile(r"^response_format"), "text.format"),
    (re.compile(r"^tool_choice(\.allowed_tools)?(.*?)\.function\.name"), r"tool_choice\2.name"),
)


def renamed(error: ApiError) -> ApiError:
    """Return an error about a chat with the fields that a response has for them."""
    param, message = error.param, error.message
    for pattern, name in _NAMES:
        if param is not None and pattern.match(param):
            said = pattern.sub(name, param)
            message = said + message[len(param) :] if message.startswith(param) else message
            param = said
            break
    return ApiError(error.status, message, param=param, code=error.code, headers=error.headers)
