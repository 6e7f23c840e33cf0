"""The body of a chat completion, and the question that it asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from sglc.compiler.plan.segments import Text
from sglc.constraints.types import Type
from sglc.runtime.tokenizer.conversation import Conversations, encode_conversation
from sglc.runtime.tokenizer.encoded import Encoded
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.server.errors import bad_request
from sglc.server.openai.choices import Question
from sglc.server.openai.fields import SamplingFields, check_least
from sglc.server.openai.formats import ResponseFormat
from sglc.server.openai.limits import within_limits
from sglc.server.openai.messages import MAX_MESSAGES, Message, template_messages
from sglc.server.openai.tools import (
    MAX_TOOLS,
    ToolBody,
    ToolChoice,
    calling_of,
    template_tools,
    told,
)
from sglc.server.operations.tenant import Tenant
from sglc.server.sampling import check_room, fitting
from sglc.server.service import Service

DEFAULT_TEMPERATURE = 0.7  # SGLang's
MAX_TOP_LOGPROBS = 20
# A conversation that is longer, or has tools of any length, is encoded beside the event loop.
_LONG_CHARS = 1 << 10
_MANY_MESSAGES = 32


class ChatBody(SamplingFields):
    """The body of ``/v1/chat/completions``.

    ``chat_template_kwargs`` are variables for the chat template, such as ``enable_thinking``.
    """

    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=MAX_TOP_LOGPROBS)
    response_format: ResponseFormat | None = None
    tools: list[ToolBody] | None = Field(default=None, max_length=MAX_TOOLS)
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    modalities: list[Literal["text"]] | None = None
    chat_template_kwargs: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs goes with `logprobs: true` only")
        if None not in (self.max_tokens, self.max_completion_tokens):
            raise ValueError("max_tokens and max_completion_tokens exclude each other: give one")
        return self

    @property
    def most_tokens(self) -> int | None:
        """The limit of an answer, by whichever name it was given."""
        return self.max_tokens if self.max_tokens is not None else self.max_completion_tokens

    def constraint(self) -> Type | None:
        """Return the type that the text of an answer is held to.

        Raises:
            ApiError: there is more than one.
        """
        own = self.own_constraint()
        form = None if self.response_format is None else self.response_format.constraint()
        if own is not None and form is not None:
            name = "regex" if self.regex is not None else "ebnf"
            raise bad_request(f"response_format and {name} exclude each other: give one", name)
        return own if own is not None else form


async def question_of(service: Service, tenant: Tenant, body: ChatBody) -> Question:
    """Return what a body asks.

    Raises:
        ApiError: a field is wrong, or the conversation does not fit; names the field.
    """
    body.check_stream()
    conversations = conversations_of(service)
    ready = service.engine.ready
    assert ready is not None
    tools = body.tools or []
    calling = calling_of(
        conversations.call_form,
        tools,
        body.tool_choice,
        parallel=body.parallel_tool_calls is not False,
    )
    constraint = body.constraint()
    may_choose = calling is not None and not calling.is_forced
    if may_choose and constraint is not None and conversations.call_form.special is not None:
        raise bad_request(
            "this model cannot choose between a call and a text of a given form: give "
            'tool_choice "none" or "required", or no response_format',
            "tool_choice",
        )
    sampling = body.sampling(DEFAULT_TEMPERATURE, ready.vocab_size)
    template = service.files.template
    stops = tuple(dict.fromkeys((*body.stops, *(template.stop if template else ()))))
    stop_ids = body.stop_ids(ready.vocab_size)
    if may_choose and constraint is not None and (body.stops or stop_ids):
        field = "stop" if body.stops else "stop_token_ids"
        raise bad_request(
            f"{field} does not go with a text of a given form or a call: give one of the three",
            field,
        )
    prompt = await prompt_of(service, body)
    num_tokens = len(prompt.ids())
    check_room(num_tokens, service.max_context, "messages")
    max_tokens = within_limits(
        tenant,
        fitting(body.most_tokens, num_tokens, service.max_context),
        body.num_choices,
        is_given=body.most_tokens is not None,
    )
    check_least(sampling, max_tokens)
    return Question(
        prompt=prompt,
        max_tokens=max_tokens,
        sampling=sampling,
        seed=service.draw_seed(body.given_seed),
        num_choices=body.num_choices,
        stops=stops,
        stop_ids=stop_ids,
        ignore_eos=body.ignore_eos,
        keeps_stop=body.no_stop_trim,
        constraint=None if calling is not None and calling.is_forced else constraint,
        constraint_field=body.constraint_field if calling is None else "tools",
        num_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        calling=calling,
        streams=bool(body.stream),
    )


def conversations_of(service: Service) -> Conversations:
    """Return what writes conversations for the model.

    Raises:
        ApiError: it has no chat template.
    """
    conversations = service.conversations
    if conversations is None:
        raise bad_request(
            "the model has no chat template: use /v1/completions, or start the server with "
            "--chat-template",
            "messages",
        )
    return conversations


async def prompt_of(service: Service, body: ChatBody) -> Encoded:
    """Return what the model is given, however long it is.

    Raises:
        ApiError: the chat template refuses the conversation.
    """
    conversations = conversations_of(service)
    shown = [] if body.tool_choice == "none" else body.tools or []
    num_chars = sum(len(message.text) for message in body.messages)
    service.check_chars(num_chars, "messages")
    has_tools = bool(shown) or any(message.tool_calls for message in body.messages)
    if has_tools or num_chars > _LONG_CHARS or len(body.messages) > _MANY_MESSAGES:
        encoder = PromptEncoder(service.encoder.tokenizer, service.encoder.template)
        return await asyncio.to_thread(_prompt, conversations, encoder, body, shown)
    return _prompt(conversations, service.encoder, body, shown)


def _prompt(
    conversations: Conversations,
    encoder: PromptEncoder,
    body: ChatBody,
    tools: Sequence[ToolBody],
) -> Encoded:
    """Encode a conversation; a last message of the assistant is what the answer begins with."""
    template, form = conversations.template, conversations.call_form
    said = list(body.messages)
    begun: str | None = None
    if said[-1].role == "assistant" and not said[-1].tool_calls:
        begun = said.pop().text
    messages = template_messages(
        said, developer=template.mentions("developer"), takes_text=form.takes_text
    )
    if not form.is_native:
        messages = told(messages, form, tools, set(template.roles))
    try:
        pieces = conversations.pieces(
            messages,
            tools=template_tools(tools) if form.is_native else (),
            variables=body.chat_template_kwargs,
        )
        if begun:
            pieces = (*pieces, Text(begun))
        return encode_conversation(encoder, pieces)
    except ValueError as error:
        raise bad_request(f"messages: {error}", "messages") from None
