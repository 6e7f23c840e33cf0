"""``/v1/completions``: OpenAI's, and that of any server with an address of its kind."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from sglc.runtime.remote.capabilities import Capabilities
from sglc.runtime.remote.client import Client
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.held import held_to
from sglc.runtime.remote.sampling import sampling_data
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.remote.wire import Answer, Ask, Bill, Piece, Scores, Token

PATH: Final = "/v1/completions"
_GIVEN_UP: Final = frozenset({"error", "abort", "cancelled", "insufficient_system_resource"})
_NAMES: Final = {"min_new_tokens": "min_tokens"}


class CompletionsWire:
    """Implements Wire. ``model`` is the name that goes with every request."""

    def __init__(self, capabilities: Capabilities, tokenizer: RemoteTokenizer, model: str) -> None:
        self.capabilities = capabilities
        self._tokenizer = tokenizer
        self._model = model

    async def decode(self, client: Client, ask: Ask) -> AsyncGenerator[Piece | Answer | Bill]:
        """Yield what is written; see ``Wire``."""
        body = self._body(ask)
        if not ask.stream:
            reply = await client.post(PATH, body)
            for choice in _choices(client, reply, ask.samples):
                for part in _parts(client, choice, ask):
                    yield part
            yield bill_of(reply)
            return
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        async with aclosing(client.events(PATH, body)) as events:
            async for reply in events:
                for choice in _choices(client, reply, ask.samples, some=True):
                    for part in _parts(client, choice, ask):
                        yield part
                if reply.get("usage"):
                    yield bill_of(reply)

    async def score(
        self, client: Client, prompt: Sequence[int], choices: Sequence[str], *, alone: bool
    ) -> Scores:
        """Score choices by the log probabilities of a prompt that is echoed."""
        text, _ = self._tokenizer.text_of(prompt)
        rows, bills = [], []
        for before in (text, "") if alone else (text,):
            body = {
                "model": self._model,
                "prompt": [before + choice for choice in choices],
                "max_tokens": 0,
                "echo": True,
                "logprobs": 0,
                "temperature": 0,
            }
            reply = await client.post(PATH, body)
            found = _choices(client, reply, len(choices))
            rows.append(tuple(_counted(client, each, len(before)) for each in found))
            bills.append(bill_of(reply))
        return Scores(rows[0], _sum(bills), rows[1] if alone else None)

    def _body(self, ask: Ask) -> dict[str, Any]:
        text, media = self._tokenizer.text_of(ask.prompt)
        if media:
            raise ValueError(f"{self.capabilities.name} takes no pictures: ask a chat server")
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": text,
            "max_tokens": ask.max_tokens,
        }
        body |= sampling_data(ask.sampling, self.capabilities.sampling, _NAMES)
        if ask.stop:
            body["stop"] = list(ask.stop)
        if ask.ignore_eos:
            body["ignore_eos"] = True
        if ask.stop_ids:
            body["stop_token_ids"] = sorted(ask.stop_ids)
        if ask.samples > 1:
            body["n"] = ask.samples
        if ask.seed is not None and self.capabilities.seeds:
            body["seed"] = ask.seed % 2**63
        if ask.with_tokens:
            body["logprobs"] = 0
        if ask.constraint is not None:
            held = held_to(ask.constraint, self.capabilities)
            assert held is not None, "check_decode lets no other through"
            body[held.notation] = held.text
        return body


def _choices(client: Client, reply: Any, most: int, *, some: bool = False) -> list[dict[str, Any]]:
    """Return the choices of a reply, by their number; ``some``: there may be fewer."""
    found = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _odd(client, "no choices")
    numbers = [each.get("index", 0) for each in found]
    if some:
        if not all(type(n) is int and 0 <= n < most for n in numbers):
            raise _odd(client, f"choices numbered {numbers}")
        return found
    if sorted(map(str, numbers)) != sorted(map(str, range(most))):
        raise _odd(client, f"choices numbered {numbers}, and {most} were asked for")
    return sorted(found, key=lambda each: int(each.get("index", 0)))


def _parts(client: Client, choice: Mapping[str, Any], ask: Ask) -> list[Piece | Answer]:
    number, text = int(choice.get("index", 0)), choice.get("text") or ""
    if not isinstance(text, str):
        raise _odd(client, f"a text {text!r}")
    parts: list[Piece | Answer] = []
    tokens: tuple[Token, ...] = ()
    if ask.with_tokens and choice.get("logprobs") is not None:
        names, values = _logprobs(client, choice)
        tokens = tuple(Token(n, float(v or 0.0)) for n, v in zip(names, values, strict=True))
    if text or tokens:
        parts.append(Piece(text, tokens, number))
    reason = choice.get("finish_reason")
    if not (reason is None or isinstance(reason, str)):
        raise _odd(client, f"finish_reason {reason!r}")
    if reason:
        parts.append(ended(client.url + PATH, reason, choice, ask, number))
    return parts


def ended(place: str, reason: str, choice: Mapping[str, Any], ask: Ask, number: int) -> Answer:
    """Return the end of a choice: some servers say which stop text it was, others do not.

    Raises:
        RemoteError: the text is not all that was to come.
    """
    if reason in _GIVEN_UP:
        raise RemoteError(f"{place} gave up the answer ({reason}); see the server's log")
    if reason.startswith("content_filter"):
        raise RemoteError(
            f"{place}: the provider's content filter has stopped the answer; change the prompt, or "
            "the filter's settings"
        )
    if reason == "length":
        return Answer("length", None, None, number)
    matched = choice.get("matched_stop", choice.get("stop_reason"))
    matched = matched if type(matched) in (str, int) else None
    if (isinstance(matched, str) and matched in ask.stop) or matched in ask.stop_ids:
        return Answer("stop", None, matched, number)
    says = "matched_stop" in choice or "stop_reason" in choice
    return Answer("eos" if says or not ask.stop else "stop", None, None, number)


def _logprobs(client: Client, choice: Mapping[str, Any]) -> tuple[list[str], list[float | None]]:
    found = choice.get("logprobs")
    names = found.get("tokens") if isinstance(found, dict) else None
    values = found.get("token_logprobs") if isinstance(found, dict) else None
    if not (isinstance(names, list) and isinstance(values, list) and len(names) == len(values)):
        raise _odd(client, "no log probabilities")
    if not all(isinstance(name, str) for name in names):
        raise _odd(client, f"tokens {names!r}")
    if not all(v is None or (type(v) in (int, float) and v <= 0.001) for v in values):
        raise _odd(client, f"log probabilities {values!r}")
    return names, values


def _counted(client: Client, choice: Mapping[str, Any], begin: int) -> tuple[float, ...]:
    """Return the log probabilities of the tokens that hold text from character ``begin`` on.

    A first token of all has none, which counts as 0.
    """
    _, values = _logprobs(client, choice)
    offsets = choice["logprobs"].get("text_offset")
    text = choice.get("text")
    is_list = isinstance(offsets, list) and all(type(offset) is int for offset in offsets)
    if not (is_list and offsets and len(offsets) == len(values) and isinstance(text, str)):
        raise _odd(client, "no text_offset of the tokens")
    ends = [*offsets[1:], len(text)]
    found = tuple(float(v or 0.0) for v, end in zip(values, ends, strict=True) if end > begin)
    if not found:
        raise _odd(client, "no log probabilities of a choice")
    return found


def bill_of(reply: Mapping[str, Any]) -> Bill:
    """Return the ``usage`` of a reply of OpenAI's dialects."""
    usage = reply.get("usage")
    if not isinstance(usage, dict):
        return Bill(None, None)
    given, written = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
    thought = _detail(usage, "completion_tokens_details", "reasoning_tokens")
    return Bill(
        given, written or 0 if given is not None else None, min(cached, given or 0), thought > 0
    )


def _detail(usage: Mapping[str, Any], name: str, count: str) -> int:
    details = usage.get(name)
    return _count(details.get(count)) or 0 if isinstance(details, dict) else 0


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _sum(bills: Sequence[Bill]) -> Bill:
    if any(bill.input_tokens is None for bill in bills):
        return Bill(None, None)
    return Bill(
        sum(bill.input_tokens or 0 for bill in bills),
        sum(bill.output_tokens or 0 for bill in bills),
        sum(bill.cached_tokens for bill in bills),
    )


def _odd(client: Client, what: str) -> RemoteError:
    return RemoteError(
        f"{client.url}{PATH} has sent {what}; check that it is a server of OpenAI's dialect"
    )
