"""``generateContent``: Gemini's dialect, of the API with keys and of Vertex AI."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

from sglc.runtime.remote.capabilities import OPENAI_SAMPLING, Capabilities
from sglc.runtime.remote.chat.conversation import conversation, picture_of
from sglc.runtime.remote.client import Client
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.sampling import sampling_data
from sglc.runtime.remote.schemas import WRAPPER_TOKENS, AnswerSchema, answer_schema
from sglc.runtime.remote.tokenizer import Message, RemoteTokenizer
from sglc.runtime.remote.wire import Answer, Ask, Bill, Piece, Scores

GEMINI: Final = Capabilities(
    name="Gemini",
    prompts="chat",
    prefill=False,
    constraints=frozenset({"json_schema"}),
    schema_mode=True,
    images=True,
    max_stops=5,
    max_samples=8,
    seeds=True,
    sampling=frozenset({"temperature", "top_p", "top_k"}),
    max_temperature=2.0,
    bills=True,
)
GEMINI_2_0: Final = replace(GEMINI, name="Gemini 2.0", sampling=GEMINI.sampling | OPENAI_SAMPLING)
GEMINI_3: Final = replace(GEMINI, name="Gemini, models since 3", max_samples=1)
_VERSION: Final = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_NAMES: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
}
_ROLES: Final = {"user": "user", "assistant": "model"}
_FORMATS: Final = frozenset({"enum", "date-time", "float", "double", "int32", "int64"})
_KEYWORDS: Final = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
        "enum", "minimum", "maximum", "anyOf", "description", "title", "format", "pattern",
    }
)  # fmt: skip


def capabilities_of_gemini(model: str) -> Capabilities:
    """Return what Google's servers do for a model; one without a version is taken for the newest.

    Penalties are those of 2.0 alone, and of late an answer has one text.
    """
    found = _VERSION.search(model)
    version = (int(found[1]), int(found[2] or 0)) if found else (3, 0)
    if version >= (3, 0):
        return GEMINI_3
    return GEMINI_2_0 if version == (2, 0) else GEMINI


def path_of(model: str, *, project: str | None = None, location: str = "global") -> str:
    """Return where a model is asked, without the method; of Vertex AI if there is a project."""
    if project is None:
        return f"/v1beta/models/{model}"
    return f"/v1/projects/{project}/locations/{location}/publishers/google/models/{model}"


class GeminiWire:
    """Implements Wire. ``path`` is that of the model; see ``path_of``."""

    def __init__(self, capabilities: Capabilities, tokenizer: RemoteTokenizer, path: str) -> None:
        self.capabilities = capabilities
        self._tokenizer = tokenizer
        self._path = path

    async def decode(self, client: Client, ask: Ask) -> AsyncGenerator[Piece | Answer | Bill]:
        """Yield what is written; see ``Wire``."""
        schema = None if ask.constraint is None else answer_schema(ask.constraint)
        body = self._body(ask, schema)
        place = client.url + self._path
        samples = [_Sample(place, i, ask, schema) for i in range(ask.samples)]
        if not ask.stream:
            reply = await client.post(f"{self._path}:generateContent", body)
            for part in _parts(place, reply, samples):
                yield part
            return
        path = f"{self._path}:streamGenerateContent?alt=sse"
        async with aclosing(client.events(path, body)) as events:
            async for reply in events:
                for part in _parts(place, reply, samples):
                    yield part

    async def score(
        self, client: Client, prompt: Sequence[int], choices: Sequence[str], *, alone: bool
    ) -> Scores:
        """Gemini gives no log probabilities of what it is sent."""
        raise AssertionError("`scoring` is no capability of Gemini")

    def _body(self, ask: Ask, schema: AnswerSchema | None) -> dict[str, Any]:
        said = conversation(self._tokenizer, ask.prompt)
        assert not said.begun, "check_place lets no other through"
        system = [each for each in said.messages if each.role in ("system", "developer")]
        others = said.messages[len(system) :]
        if list(said.messages[: len(system)]) != system:
            raise ValueError(
                "Gemini takes system messages at the beginning only: write it as a `user` message"
            )
        wrapper = WRAPPER_TOKENS if schema is not None and schema.is_wrapped else 0
        config: dict[str, Any] = {"maxOutputTokens": ask.max_tokens + wrapper}
        config |= sampling_data(ask.sampling, self.capabilities.sampling, _NAMES)
        if ask.stop and schema is None:
            config["stopSequences"] = list(ask.stop)
        if ask.samples > 1:
            config["candidateCount"] = ask.samples
        if ask.seed is not None:
            config["seed"] = ask.seed % 2**31
        if schema is not None:
            config["responseMimeType"] = "application/json"
            own = own_schema(schema.schema)
            if own is None:
                config["responseJsonSchema"] = schema.schema
            else:
                config["responseSchema"] = own
        body: dict[str, Any] = {"contents": _contents(others), "generationConfig": config}
        if system:
            body["systemInstruction"] = {"parts": [{"text": each.text} for each in system]}
        return body


def own_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a JSON Schema in the words of Gemini's own; None if it has others than those."""
    if not set(schema) <= _KEYWORDS:
        return None
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "type":
            if not isinstance(value, str) or value == "null":
                return None
            made["type"] = value.upper()
        elif name == "properties":
            inner = {key: own_schema(each) for key, each in value.items()}
            if None in inner.values():
                return None
            made |= {"properties": inner, "propertyOrdering": list(inner)}
        elif name == "items":
            item = own_schema(value)
            if item is None:
                return None
            made["items"] = item
        elif name == "anyOf":
            rest = [each for each in value if each != {"type": "null"}]
            options = [own_schema(each) for each in rest]
            if None in options:
                return None
            if len(rest) < len(value):
                made["nullable"] = True
            if len(options) == 1:
                made |= options[0] or {}
            else:
                made["anyOf"] = options
        elif name == "additionalProperties":
            if value is not False:
                return None
        elif name == "format":
            if value not in _FORMATS:
                return None
            made["format"] = value
        elif name == "enum":
            if not all(isinstance(each, str) for each in value):
                return None
            made["enum"] = value
        else:
            made[name] = value
    return made


def _contents(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return the turns; messages of one role that follow each other are parts of one.

    Raises:
        ValueError: there are none, or one is of a role that is not taken.
    """
    found: list[dict[str, Any]] = []
    for message in messages:
        if message.role not in _ROLES:
            raise ValueError(
                "Gemini takes the answer of a tool only behind a call of its own kind: write it "
                "as a `user` message"
            )
        role = _ROLES[message.role]
        if not found or found[-1]["role"] != role:
            found.append({"role": role, "parts": []})
        for part in message.parts:
            if isinstance(part, str):
                found[-1]["parts"].append({"text": part})
                continue
            picture = picture_of(part)
            if picture.data is not None:
                data = {"mimeType": picture.mime, "data": picture.data}
                found[-1]["parts"].append({"inlineData": data})
            else:
                kind = {"mimeType": picture.mime} if picture.mime else {}
                found[-1]["parts"].append({"fileData": {"fileUri": picture.url, **kind}})
    if not found:
        raise ValueError("the conversation has no message of the user")
    return found


class _Sample:
    """One answer on its way."""

    def __init__(self, place: str, number: int, ask: Ask, schema: AnswerSchema | None) -> None:
        self._place = place
        self._number = number
        self._ask = ask
        self._schema = schema
        self._json: list[str] = []

    def take(self, candidate: Mapping[str, Any]) -> Iterator[Piece | Answer]:
        """Yield what a candidate of a reply adds.

        Raises:
            RemoteError: the answer was stopped by a filter.
        """
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        said = [part for part in parts or () if isinstance(part, dict) and not part.get("thought")]
        text = "".join(str(part.get("text", "")) for part in said)
        if self._schema is not None:
            self._json.append(text)
        elif text:
            yield Piece(text, (), self._number)
        reason = candidate.get("finishReason")
        if reason in (None, "FINISH_REASON_UNSPECIFIED"):
            return
        if reason not in ("STOP", "MAX_TOKENS"):
            about = candidate.get("finishMessage") or "change the prompt, or the safety settings"
            raise RemoteError(f"{self._place}: the answer was stopped by {reason}; {about}")
        if self._schema is not None:
            yield Piece(self._schema.text_of("".join(self._json)), (), self._number)
        if reason == "MAX_TOKENS":
            yield Answer("length", None, None, self._number)
        else:
            is_open = bool(self._ask.stop) and self._schema is None
            yield Answer("stop" if is_open else "eos", None, None, self._number)


def _parts(place: str, reply: Any, samples: Sequence[_Sample]) -> Iterator[Piece | Answer | Bill]:
    if not isinstance(reply, dict):
        raise _odd(place, "no object")
    blocked = (reply.get("promptFeedback") or {}).get("blockReason")
    if blocked:
        raise RemoteError(
            f"{place}: the prompt was blocked ({blocked}); change it, or the safety settings"
        )
    candidates = reply.get("candidates") or []
    if not candidates and "usageMetadata" not in reply:
        raise _odd(place, "no candidates")
    for candidate in candidates:
        number = candidate.get("index", 0) if isinstance(candidate, dict) else None
        if type(number) is not int or not 0 <= number < len(samples):
            raise _odd(place, f"a candidate number {number!r}")
        yield from samples[number].take(candidate)
    usage = reply.get("usageMetadata")
    if isinstance(usage, dict):
        thought = _count(usage, "thoughtsTokenCount")
        written = _count(usage, "candidatesTokenCount") + thought
        cached = _count(usage, "cachedContentTokenCount")
        yield Bill(_count(usage, "promptTokenCount"), written, cached, thought > 0)


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if type(value) is int else 0


def _odd(place: str, what: str) -> RemoteError:
    return RemoteError(f"{place} has sent {what}; check that it is a server of Gemini's dialect")
