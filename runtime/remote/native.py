"""SGLang's own dialect, ``/generate``: our server, and SGLang's from 0.2 to 0.5."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from sglc.compiler.plan.segments import Media
from sglc.runtime.remote.capabilities import Capabilities
from sglc.runtime.remote.client import Client
from sglc.runtime.remote.held import held_to
from sglc.runtime.remote.meta_info import PATH, MetaInfo, odd_answer
from sglc.runtime.remote.sampling import sampling_data
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.remote.wire import Answer, Ask, Bill, Piece, Scores, Token


class NativeWire:
    """Implements Wire. Prompts are sent as SGLang's own frontend sends them."""

    def __init__(self, capabilities: Capabilities, tokenizer: RemoteTokenizer) -> None:
        self.capabilities = capabilities
        self._tokenizer = tokenizer

    async def decode(self, client: Client, ask: Ask) -> AsyncGenerator[Piece | Answer | Bill]:
        """Yield what is written; see ``Wire``."""
        body = self._body(ask)
        state = [_Sample(number, ask.stop_ids) for number in range(ask.samples)]
        if not ask.stream:
            found = await client.post(PATH, body)
            replies = found if isinstance(found, list) else [found]
            if len(replies) != ask.samples:
                raise odd_answer(client, f"{len(replies)} texts, and {ask.samples} were asked for")
            for sample, reply in zip(state, replies, strict=True):
                for part in sample.take(client, reply):
                    yield part
            yield _bill(state)
            return
        async with aclosing(client.events(PATH, body | {"stream": True})) as events:
            async for reply in events:
                number = reply.get("index", 0) if isinstance(reply, dict) else 0
                if type(number) is not int or not 0 <= number < ask.samples:
                    raise odd_answer(client, f"a text number {number!r}")
                for part in state[number].take(client, reply):
                    yield part
                yield _bill(state)

    async def score(
        self, client: Client, prompt: Sequence[int], choices: Sequence[str], *, alone: bool
    ) -> Scores:
        """Score choices as SGLang's frontend does: behind a prefix that is computed once."""
        text, media = self._tokenizer.text_of(prompt)
        images = {"image_data": self._images(media)} if media else {}
        nothing = {"max_new_tokens": 0}
        prefix = MetaInfo(
            client, await client.post(PATH, {"text": text, "sampling_params": nothing, **images})
        )
        start = max(prefix.count("prompt_tokens") - 2, 0)  # a choice may change the last token
        body = {
            "text": [text + choice for choice in choices],
            "sampling_params": {**nothing, "temperature": 0},
            "return_logprob": True,
            "return_text_in_logprobs": True,
            "logprob_start_len": start,
        }
        if media:
            body["image_data"] = [images["image_data"]] * len(choices)
        metas = _metas(client, await client.post(PATH, body), len(choices))
        rows = [_counted(meta, text, prefix.count("prompt_tokens")) for meta in metas]
        without: list[MetaInfo] = []
        if alone:
            bare = {
                "input_ids": [[token for _, token, _ in row] for row in rows],
                "sampling_params": nothing,
                "return_logprob": True,
                "logprob_start_len": 0,
            }
            without = _metas(client, await client.post(PATH, bare), len(choices))
        spent = [prefix, *metas, *without]
        return Scores(
            tuple(tuple(logprob for logprob, _, _ in row) for row in rows),
            Bill(
                sum(meta.count("prompt_tokens") for meta in spent),
                0,
                sum(meta.count("cached_tokens", 0) for meta in spent),
            ),
            tuple(_alone(meta, len(row)) for meta, row in zip(without, rows, strict=False))
            if alone
            else None,
            tuple(tuple((token, text) for _, token, text in row) for row in rows),
        )

    def _body(self, ask: Ask) -> dict[str, Any]:
        text, media = self._tokenizer.text_of(ask.prompt)
        params: dict[str, Any] = {"max_new_tokens": ask.max_tokens, "stop": list(ask.stop)}
        params |= sampling_data(ask.sampling, self.capabilities.sampling)
        if ask.stop_ids:
            params["stop_token_ids"] = sorted(ask.stop_ids)
        if ask.ignore_eos:
            params["ignore_eos"] = True
        if ask.samples > 1:
            params["n"] = ask.samples
        if ask.seed is not None and self.capabilities.seeds:
            params["sampling_seed"] = ask.seed % 2**63
        if ask.constraint is not None:
            held = held_to(ask.constraint, self.capabilities)
            assert held is not None, "check_decode lets no other through"
            params[held.notation] = held.text
        body: dict[str, Any] = {"text": text, "sampling_params": params}
        if media:
            body["image_data"] = self._images(media)
        if ask.with_tokens:
            body |= {
                "return_logprob": True, "return_text_in_logprobs": True, "logprob_start_len": -1,
            }  # fmt: skip
            if ask.report is not None:
                body["logprob_start_len"] = ask.report.start
                body["top_logprobs_num"] = ask.report.num_top
        return body

    def _images(self, media: Sequence[Media]) -> str | list[str]:
        """Return what is sent of pictures: one is sent alone, as SGLang's frontend does.

        Raises:
            ValueError: the server takes none.
        """
        if not self.capabilities.images:
            raise ValueError(f"{self.capabilities.name} takes text only: no images, no videos")
        urls = [each.url for each in media]
        return urls if len(urls) > 1 else urls[0]


class _Sample:
    """One text on its way: events hold all of it so far."""

    def __init__(self, number: int, stop_ids: frozenset[int]) -> None:
        self._number = number
        self._stop_ids = stop_ids
        self._text = ""
        self._num_tokens = 0
        self.meta: MetaInfo | None = None

    def take(self, client: Client, reply: Any) -> list[Piece | Answer]:
        """Return what is new in a reply."""
        meta = self.meta = MetaInfo(client, reply, self._stop_ids)
        text = reply.get("text")
        if not isinstance(text, str):
            raise odd_answer(client, "no text")
        parts: list[Piece | Answer] = []
        rows = meta.rows("output_token_logprobs")
        new = rows[self._num_tokens :]
        if any(row.logprob is None for row in new):
            raise meta.odd("a token of a text without log probability")
        tokens = tuple(Token(row.text, row.logprob or 0.0) for row in new)
        self._num_tokens = len(rows)
        if text.startswith(self._text) and (len(text) > len(self._text) or tokens):
            parts.append(Piece(text[len(self._text) :], tokens, self._number))
            self._text = text
        finish = meta.finish()
        if finish is not None:
            if not self._text.startswith(text):
                raise odd_answer(
                    client, f"a text that is not the one it began with: {text[-40:]!r}"
                )
            kind, matched = finish
            num_tokens = meta.count("completion_tokens")
            # of what was shown, the begin of a stop text may be taken back
            parts.append(Answer(kind, num_tokens, matched, self._number, len(text), meta.given))
        return parts


def _metas(client: Client, replies: Any, count: int) -> list[MetaInfo]:
    if not isinstance(replies, list) or len(replies) != count:
        raise odd_answer(client, f"no list of {count} replies")
    return [MetaInfo(client, reply) for reply in replies]


def _counted(meta: MetaInfo, prompt: str, num_prompt: int) -> list[tuple[float, int, str]]:
    """Return log probability, id and text of the tokens that hold text of a choice.

    They stand behind the prompt, ``num_prompt`` tokens of it alone. The last of these counts too
    unless it is the same with the choice behind it: then it ends the prompt's text.
    """
    count = meta.count("prompt_tokens") - max(num_prompt - 1, 0)
    rows = meta.rows("input_token_logprobs")[-count:] if count > 0 else []
    if rows and num_prompt and prompt.endswith(rows[0].text):
        rows = rows[1:]
    found = [(row.logprob, row.id, row.text) for row in rows if row.logprob is not None]
    if not found:
        raise meta.odd("no log probabilities of a choice")
    return found


def _alone(meta: MetaInfo, count: int) -> tuple[float, ...]:
    """Return the log probabilities of tokens with nothing before them; the first has none: 0."""
    found = tuple(row.logprob or 0.0 for row in meta.rows("input_token_logprobs"))[-count:]
    return (0.0,) * (count - len(found)) + found


def _bill(samples: Sequence[_Sample]) -> Bill:
    metas = [sample.meta for sample in samples if sample.meta is not None]
    return Bill(
        max(meta.count("prompt_tokens") for meta in metas),
        sum(meta.count("completion_tokens") for meta in metas),
        min(meta.count("cached_tokens", 0) for meta in metas),
    )
