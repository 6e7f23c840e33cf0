"""``/chat/completions``: OpenAI's, Azure's, and that of any server with an address of its kind."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

from sglc.runtime.remote.capabilities import Capabilities
from sglc.runtime.remote.chat.conversation import conversation, picture_of
from sglc.runtime.remote.chat.flavors import Flavor
from sglc.runtime.remote.client import Client
from sglc.runtime.remote.completions import bill_of, ended
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.held import held_to
from sglc.runtime.remote.sampling import sampling_data
from sglc.runtime.remote.schemas import WRAPPER_TOKENS, AnswerSchema, answer_schema
from sglc.runtime.remote.tokenizer import Message, RemoteTokenizer
from sglc.runtime.remote.wire import Answer, Ask, Bill, Piece, Scores, Token

PATH: Final = "/chat/completions"
_NAMES: Final = {"min_new_tokens": "min_tokens"}


class ChatWire:
    """Implements Wire. ``model`` goes with every request, which goes to ``path``."""

    def __init__(
        self, flavor: Flavor, tokenizer: RemoteTokenizer, model: str, path: str = PATH
    ) -> None:
        self.flavor = flavor
        self._tokenizer = tokenizer
        self._model = model
        self._path = path

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do."""
        return self.flavor.capabilities

    async def decode(self, client: Client, ask: Ask) -> AsyncGenerator[Piece | Answer | Bill]:
        """Yield what is written; see ``Wire``."""
        schema = self._schema(ask)
        body = self._body(ask, schema)
        samples = [_Sample(client.url + self._path, i, ask, schema) for i in range(ask.samples)]
        if not ask.stream:
            reply = await client.post(self._path, body)
            found = _choices(client, self._path, reply, ask.samples)
            if len(found) != ask.samples:
                raise _odd(client, self._path, f"{len(found)} answers, not {ask.samples}")
            for choice in found:
                for part in samples[choice.get("index", 0)].take(choice, choice.get("message")):
                    yield part
            yield _bill(reply, samples)
            return
        options = {"include_usage": True}
        if self.flavor.counts_on:
            options["continuous_usage_stats"] = True
        body |= {"stream": True, "stream_options": options}
        async with aclosing(client.events(self._path, body)) as events:
            async for reply in events:
                for choice in _choices(client, self._path, reply, ask.samples):
                    for part in samples[choice.get("index", 0)].take(choice, choice.get("delta")):
                        yield part
                if reply.get("usage"):
                    yield _bill(reply, samples)

    async def score(
        self, client: Client, prompt: Sequence[int], choices: Sequence[str], *, alone: bool
    ) -> Scores:
        """Chat servers give no log probabilities of what they are sent."""
        raise AssertionError("`scoring` is no capability of chat servers")

    def _schema(self, ask: Ask) -> AnswerSchema | None:
        if ask.constraint is None or not self.capabilities.schema_mode:
            return None
        return answer_schema(ask.constraint)

    def _body(self, ask: Ask, schema: AnswerSchema | None) -> dict[str, Any]:
        said = conversation(self._tokenizer, ask.prompt)
        messages = [_message(each, self.capabilities) for each in said.messages]
        body: dict[str, Any] = {"model": self._model, "messages": messages}
        if said.begun:
            assert self.capabilities.prefill, "check_place lets no other through"
            messages.append({"role": "assistant", "content": said.begun})
            if self.flavor.continues:
                body |= {"continue_final_message": True, "add_generation_prompt": False}
        wrapper = WRAPPER_TOKENS if schema is not None and schema.is_wrapped else 0
        body[self.flavor.limit_field] = ask.max_tokens + wrapper
        body |= sampling_data(ask.sampling, self.capabilities.sampling, _NAMES)
        if ask.stop and schema is None:
            body["stop"] = list(ask.stop)
        if ask.ignore_eos:
            body["ignore_eos"] = True
        if ask.samples > 1:
            body["n"] = ask.samples
        if ask.seed is not None and self.capabilities.seeds:
            body["seed"] = ask.seed % 2**63
        if ask.with_tokens:
            body["logprobs"] = True
        if ask.constraint is not None:
            body |= self._held(ask, schema)
        return body

    def _held(self, ask: Ask, schema: AnswerSchema | None) -> dict[str, Any]:
        """Return the fields that hold a text to its type."""
        if schema is not None:
            return _response_format(schema.schema, is_strict=schema.is_strict)
        assert ask.constraint is not None
        held = held_to(ask.constraint, self.capabilities)
        assert held is not None, "check_decode lets no other through"
        if held.notation == "json_schema":
            return _response_format(json.loads(held.text), is_strict=False)
        fields: dict[str, Any] = {held.notation: held.text}
        return fields if self.flavor.guided == "body" else {self.flavor.guided: fields}


def _response_format(schema: Mapping[str, Any], *, is_strict: bool) -> dict[str, Any]:
    named = {"name": "answer", "schema": schema, "strict": is_strict}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _message(message: Message, capabilities: Capabilities) -> dict[str, Any]:
    """Return a message of a body.

    Raises:
        ValueError: this kind of server takes no such message.
    """
    if message.role == "tool":
        raise ValueError(
            f"{capabilities.name} takes the answer of a tool only behind a call of its own kind: "
            "write it as a `user` message"
        )
    if all(isinstance(part, str) for part in message.parts):
        return {"role": message.role, "content": message.text}
    if not capabilities.images:
        raise ValueError(f"{capabilities.name} takes no pictures")
    content: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
        else:
            content.append({"type": "image_url", "image_url": {"url": picture_of(part).url}})
    return {"role": message.role, "content": content}


class _Sample:
    """One answer on its way. One that is held to a schema is a text only when it is whole."""

    def __init__(self, place: str, number: int, ask: Ask, schema: AnswerSchema | None) -> None:
        self._place = place
        self._number = number
        self._ask = ask
        self._schema = schema
        self._json: list[str] = []
        self.has_thought = False

    def take(self, choice: Mapping[str, Any], said: Any) -> Iterator[Piece | Answer]:
        """Yield what a choice of a reply adds; ``said`` is its message or delta.

        Raises:
            RemoteError: the answer was refused or filtered.
        """
        said = said if isinstance(said, dict) else {}
        if said.get("refusal"):
            raise RemoteError(f"{self._place}: the model refuses to answer: {said['refusal']}")
        self.has_thought |= bool(said.get("reasoning_content") or said.get("reasoning"))
        text = said.get("content") or ""
        if not isinstance(text, str):
            raise RemoteError(f"{self._place} has sent a text that is none: {text!r}")
        tokens = tuple(self._tokens(choice)) if self._ask.with_tokens else ()
        if self._schema is not None:
            self._json.append(text)
        elif text or tokens:
            yield Piece(text, tokens, self._number)
        reason = choice.get("finish_reason")
        if not reason:
            return
        end = ended(self._place, str(reason), choice, self._ask, self._number)
        if self._schema is not None:
            yield Piece(self._schema.text_of("".join(self._json)), (), self._number)
            end = end if end.finish == "length" else Answer("eos", None, None, self._number)
        yield end

    def _tokens(self, choice: Mapping[str, Any]) -> Iterator[Token]:
        found = choice.get("logprobs")
        content = found.get("content") if isinstance(found, dict) else None
        for each in content or ():
            data = each.get("bytes")
            text = bytes(data).decode(errors="replace") if data else str(each.get("token", ""))
            yield Token(text, float(each.get("logprob") or 0.0))


def _bill(reply: Mapping[str, Any], samples: Sequence[_Sample]) -> Bill:
    """Return what a reply has cost; thoughts may be counted, or told, or both."""
    bill = bill_of(reply)
    return replace(bill, has_thought=True) if any(s.has_thought for s in samples) else bill


def _choices(client: Client, path: str, reply: Any, most: int) -> list[dict[str, Any]]:
    found = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _odd(client, path, "no choices")
    numbers = [each.get("index", 0) for each in found]
    if not all(type(n) is int and 0 <= n < most for n in numbers):
        raise _odd(client, path, f"choices numbered {numbers}")
    return found


def _odd(client: Client, path: str, what: str) -> RemoteError:
    return RemoteError(
        f"{client.url}{path} has sent {what}; check that it is a server of OpenAI's chat dialect"
    )
