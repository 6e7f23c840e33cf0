"""``/v1/messages``: Anthropic's dialect."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.remote.capabilities import Capabilities
from sglc.runtime.remote.chat.conversation import conversation, picture_of
from sglc.runtime.remote.client import Client
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.schemas import WRAPPER_TOKENS, AnswerSchema, answer_schema, recurs
from sglc.runtime.remote.tokenizer import Message, RemoteTokenizer
from sglc.runtime.remote.wire import Answer, Ask, Bill, Piece, Scores

PATH: Final = "/v1/messages"
VERSION: Final = "2023-06-01"
ANTHROPIC: Final = Capabilities(
    name="Anthropic",
    prompts="chat",
    constraints=frozenset({"json_schema"}),
    schema_mode=True,
    images=True,
    blank_stops=False,
    sampling=frozenset({"temperature", "top_p", "top_k"}),
    max_temperature=1.0,
    bills=True,
)
_DEFAULTS: Final = SamplingParams(temperature=1.0)  # Anthropic's
_TOOL: Final = "answer"
_OLD: Final = re.compile(r"claude-(?:v?[123]\b|instant)")
_VERSION: Final = re.compile(r"claude-[a-z]+-(\d+)(?:-(\d{1,2}))?(?!\d)")
_ONE_OR_OTHER: Final = (4, 1)  # temperature or top_p
_BEGINS_ANEW: Final = (4, 6)  # and what came after it
_SAMPLES_AT_ONE: Final = (4, 7)
_THOUGHTS: Final = ("thinking", "redacted_thinking")
_NEWEST: Final = (1 << 30, 0)
# Of a schema's keywords, those that formats of answers do not take; what they say is checked after.
_LEFT_OUT: Final = frozenset(
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "pattern", "minItems", "maxItems",
    }
)  # fmt: skip
_FINISHES: Final[Mapping[str, Any]] = {
    "end_turn": "eos",
    "tool_use": "eos",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}


def capabilities_of(model: str) -> Capabilities:
    """Return what Anthropic's servers do for a model.

    Of late they begin every message anew, and sample as they like.
    """
    version = _version(model)
    if version < _SAMPLES_AT_ONE:
        return replace(
            ANTHROPIC,
            prefill=version < _BEGINS_ANEW,
            temperature_or_top_p=version >= _ONE_OR_OTHER,
        )
    return replace(
        ANTHROPIC,
        name="Anthropic, models since 4.7",
        prefill=False,
        sampling=frozenset(),
        max_temperature=None,
        only_temperature=1.0,
    )


def _version(model: str) -> tuple[int, int]:
    """Return the version in a model's name; of a name of theirs without one the newest."""
    found = _VERSION.search(model)
    if found:
        return int(found[1]), int(found[2] or 0)
    is_theirs = "claude-" in model and not _OLD.search(model)
    return _NEWEST if is_theirs else (0, 0)


class AnthropicWire:
    """Implements Wire.

    A type is asked for as the input of a tool that has to be called; of the newer models, which
    may think before they answer and cannot be made to call one then, as the format of the answer.
    """

    def __init__(self, capabilities: Capabilities, tokenizer: RemoteTokenizer, model: str) -> None:
        self.capabilities = capabilities
        self._tokenizer = tokenizer
        self._model = model
        self._has_formats = _version(model) >= _BEGINS_ANEW

    async def decode(self, client: Client, ask: Ask) -> AsyncGenerator[Piece | Answer | Bill]:
        """Yield what is written; see ``Wire``."""
        assert ask.samples == 1, "`max_samples` is 1"
        schema = None if ask.constraint is None else answer_schema(ask.constraint)
        body, blank = self._body(ask, schema)
        answer = _Answer(client.url + PATH, ask, schema, blank, calls="tools" in body)
        if not ask.stream:
            reply = await client.post(PATH, body)
            for part in answer.whole(reply):
                yield part
            return
        async with aclosing(client.events(PATH, body | {"stream": True})) as events:
            async for event in events:
                for part in answer.take(event):
                    yield part

    async def score(
        self, client: Client, prompt: Sequence[int], choices: Sequence[str], *, alone: bool
    ) -> Scores:
        """Anthropic's servers give no log probabilities."""
        raise AssertionError("`scoring` is no capability of Anthropic")

    def _body(self, ask: Ask, schema: AnswerSchema | None) -> tuple[dict[str, Any], str]:
        """Return a body, and the white space that its prefill may not end with."""
        said = conversation(self._tokenizer, ask.prompt)
        system, messages = _split(said.messages)
        begun = said.begun.rstrip()
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": ask.max_tokens + (WRAPPER_TOKENS if schema is not None else 0),
            "messages": [_message(each) for each in messages],
        }
        if system:
            body["system"] = "\n\n".join(each.text for each in system)
        if begun:
            assert self.capabilities.prefill, "check_place lets no other through"
            body["messages"].append({"role": "assistant", "content": begun})
        if ask.stop and schema is None:
            body["stop_sequences"] = list(ask.stop)
        for name in sorted(self.capabilities.sampling):
            if getattr(ask.sampling, name) != getattr(_DEFAULTS, name):
                body[name] = getattr(ask.sampling, name)
        if schema is not None and self._has_formats and _may_be_format(schema):
            form = {"type": "json_schema", "schema": _for_formats(schema.schema)}
            body["output_config"] = {"format": form}
        elif schema is not None:
            about = "Gives the answer."
            body["tools"] = [{"name": _TOOL, "description": about, "input_schema": schema.schema}]
            body["tool_choice"] = {
                "type": "tool", "name": _TOOL, "disable_parallel_tool_use": True,
            }  # fmt: skip
        return body, said.begun[len(begun) :]


def _may_be_format(schema: AnswerSchema) -> bool:
    """Whether an answer may have a schema as its format: those are strict and do not recur."""
    return schema.is_strict and not recurs(schema.schema)


def _for_formats(schema: Any, *, is_names: bool = False) -> Any:
    """Return a schema without the keywords that formats of answers do not take.

    ``is_names``: the keys are names of properties and not keywords.
    """
    if isinstance(schema, list):
        return [_for_formats(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _for_formats(each, is_names=name in ("properties", "$defs") and not is_names)
        for name, each in schema.items()
        if is_names or name not in _LEFT_OUT
    }


def _split(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """Return the messages of the system that a conversation begins with, and all others.

    Raises:
        ValueError: there is one of the system or of a tool later on, or nothing else.
    """
    count = 0
    while count < len(messages) and messages[count].role in ("system", "developer"):
        count += 1
    for message in messages[count:]:
        if message.role not in ("user", "assistant"):
            reason = (
                "the answer of a tool only behind a call of its own kind"
                if message.role == "tool"
                else f"{message.role} messages at the beginning only"
            )
            raise ValueError(f"Anthropic takes {reason}: write it as a `user` message")
    if count == len(messages):
        raise ValueError("the conversation has no message of the user")
    return messages[:count], messages[count:]


def _message(message: Message) -> dict[str, Any]:
    if all(isinstance(part, str) for part in message.parts):
        return {"role": message.role, "content": message.text}
    content: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
            continue
        picture = picture_of(part)
        source = {"type": "url", "url": picture.url}
        if picture.data is not None:
            source = {"type": "base64", "media_type": picture.mime, "data": picture.data}
        content.append({"type": "image", "source": source})
    return {"role": message.role, "content": content}


class _Answer:
    """One answer on its way.

    ``calls``: what is held to a schema is the input of a call.
    ``blank`` is white space at the end of the prompt that could not be sent: the model writes it
    first, and it is no part of the text.
    """

    def __init__(
        self, place: str, ask: Ask, schema: AnswerSchema | None, blank: str, *, calls: bool
    ) -> None:
        self._calls = calls
        self._place = place
        self._ask = ask
        self._schema = schema
        self._blank = blank
        self._json: list[str] = []
        self._input_tokens = 0
        self._cached_tokens = 0
        self._has_thought = False

    def whole(self, reply: Any) -> Iterator[Piece | Answer | Bill]:
        """Yield the parts of a reply that is no stream."""
        content = reply.get("content") if isinstance(reply, dict) else None
        if not isinstance(content, list):
            raise self._odd("no content")
        for block in content:
            if block.get("type") == "tool_use":
                self._json.append(json.dumps(block.get("input")))
            elif block.get("type") in _THOUGHTS:
                self._has_thought = True
            elif block.get("type") == "text":
                yield from self._text(str(block.get("text", "")))
        yield self._bill(reply.get("usage"))
        yield from self._end(reply)

    def take(self, event: Any) -> Iterator[Piece | Answer | Bill]:
        """Yield what an event of a stream adds.

        Raises:
            RemoteError: the model refuses.
        """
        kind = event.get("type") if isinstance(event, dict) else None
        if kind == "message_start":
            yield self._bill(event.get("message", {}).get("usage"))
        elif kind == "content_block_start":
            self._has_thought |= event.get("content_block", {}).get("type") in _THOUGHTS
        elif kind == "content_block_delta":
            delta = event.get("delta", {})
            if delta.get("type") == "input_json_delta":
                self._json.append(str(delta.get("partial_json", "")))
            elif delta.get("type") == "text_delta":
                yield from self._text(str(delta.get("text", "")))
        elif kind == "message_delta":
            yield self._bill(event.get("usage"))
            yield from self._end(event.get("delta", {}))
        elif kind is None:
            raise self._odd("an event without a type")

    def _text(self, text: str) -> Iterator[Piece]:
        if self._schema is not None:
            if not self._calls:  # else it talks before it calls
                self._json.append(text)
            return
        if self._blank:
            rest = text.lstrip()
            if not rest:
                return
            text, self._blank = rest, ""
        if text:
            yield Piece(text)

    def _bill(self, usage: Any) -> Bill:
        if not isinstance(usage, dict):
            return Bill(None, None)
        cached = _count(usage, "cache_read_input_tokens")
        given = _count(usage, "input_tokens") + _count(usage, "cache_creation_input_tokens")
        if given + cached:
            self._input_tokens, self._cached_tokens = given + cached, cached
        written = _count(usage, "output_tokens")
        return Bill(self._input_tokens, written, self._cached_tokens, self._has_thought)

    def _end(self, said: Mapping[str, Any]) -> Iterator[Piece | Answer]:
        reason = said.get("stop_reason")
        if reason is None:
            return
        if reason == "refusal":
            raise RemoteError(f"{self._place}: the model refuses to answer; change the prompt")
        if reason not in _FINISHES:
            raise self._odd(f"an answer that ended by {reason!r}")
        if self._schema is not None:
            yield Piece(self._schema.text_of("".join(self._json)))
        matched = said.get("stop_sequence")
        yield Answer(_FINISHES[reason], None, matched if isinstance(matched, str) else None)

    def _odd(self, what: str) -> RemoteError:
        return RemoteError(
            f"{self._place} has sent {what}; check that it is a server of Anthropic's dialect"
        )


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if type(value) is int else 0
