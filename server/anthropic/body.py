"""The bodies of ``/v1/messages`` and ``/v1/messages/count_tokens``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from sglc.server.http.body import Body, OnlyTrue

MAX_MESSAGES = 16384
MAX_TOOLS = 128


class CacheControl(Body):
    """Where a prompt is cached: here everywhere, so it changes nothing."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class TextBlock(Body):
    """Text."""

    type: Literal["text"]
    text: str
    cache_control: CacheControl | None = None
    citations: None = None


class ToolUseBlock(Body):
    """A call of a tool by an assistant."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]
    cache_control: CacheControl | None = None


def _only(*kinds: str) -> BeforeValidator:
    """Name the block that this model cannot read, before anything else is said of a content."""

    def check(content: Any) -> Any:
        for i, block in enumerate(content if isinstance(content, list) else ()):
            kind = block.get("type") if isinstance(block, dict) else None
            if kind not in kinds:
                found = f"is of type {kind!r}" if isinstance(kind, str) else "has no type"
                known = ", ".join(kinds)
                raise ValueError(f"block [{i}] {found}; this model reads text only ({known})")
        return content

    return BeforeValidator(check)


def _kind_of(content: Any) -> str:
    return "str" if isinstance(content, str) else "list[]"


_Text = Annotated[str, Tag("str")]
# a tag that is no identifier is not part of the names of fields in errors
TextContent = Annotated[
    _Text | Annotated[list[TextBlock], Tag("list[]")], Discriminator(_kind_of), _only("text")
]


class ToolResultBlock(Body):
    """What a tool has answered; with ``is_error`` the model is told that it failed."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: TextContent | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


def _tag_of(block: Any) -> str:
    kind = block.get("type") if isinstance(block, dict) else getattr(block, "type", None)
    return f"<{kind}>"


Block = Annotated[
    Annotated[TextBlock, Tag("<text>")]
    | Annotated[ToolUseBlock, Tag("<tool_use>")]
    | Annotated[ToolResultBlock, Tag("<tool_result>")],
    Discriminator(_tag_of),
]
Content = Annotated[
    _Text | Annotated[list[Block], Tag("list[]")],
    Discriminator(_kind_of),
    _only("text", "tool_use", "tool_result"),
]


class MessageBody(Body):
    """One message; a last one of the assistant is what the answer begins with."""

    role: Literal["user", "assistant", "system"]
    content: Content


class ToolBody(Body):
    """A tool that the model may call: its input is held to the schema, be it ``strict`` or not."""

    type: Literal["custom"] | None = None
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    description: str | None = None
    input_schema: dict[str, Any]
    strict: bool | None = None
    cache_control: CacheControl | None = None
    eager_input_streaming: OnlyTrue | None = None


class ToolChoiceBody(Body):
    """Whether tools are called: as the model likes, at least one, this one, none."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class ThinkingBody(Body):
    """Thinking is off: there is no model here that does it in this form."""

    type: Literal["disabled"]


class OutputFormat(Body):
    """The text is JSON that is valid against ``schema``."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


class OutputConfig(Body):
    """What an answer is like."""

    format: OutputFormat | None = None


class MetadataBody(Body):
    """Who is behind a request: for the service's own use, which is none here."""

    user_id: str | None = None


class CountBody(Body):
    """What a prompt is made of. ``model`` may be any name, and is echoed."""

    model: str = Field(max_length=1024)
    messages: list[MessageBody] = Field(min_length=1, max_length=MAX_MESSAGES)
    system: TextContent | None = None
    tools: list[ToolBody] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: ToolChoiceBody | None = None
    thinking: ThinkingBody | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None


class MessagesBody(CountBody):
    """The body of ``/v1/messages``. ``max_tokens`` 0 fills the cache, and nothing is written."""

    max_tokens: int = Field(ge=0)
    stop_sequences: list[str] | None = None
    stream: bool = False
    temperature: float | None = Field(default=None, ge=0, le=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    metadata: MetadataBody | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
