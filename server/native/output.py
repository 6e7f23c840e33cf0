"""One output of a request: what is known of it so far, and how SGLang writes that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sglc.runtime.core.events import DecodeResult
from sglc.runtime.tokenizer import token_rows
from sglc.runtime.tokenizer.token_rows import Pairs, TokenTexts
from sglc.server.engine.messages import PromptLogprobs, Sampled, Written
from sglc.server.native.prompt import Prompt

_LONG_ROWS = 1000


class Output:
    """Sample ``number`` of a prompt.

    ``with_text`` is whether log probabilities name the tokens; ``as_ids`` whether the reply has
    ids in the place of text.
    """

    def __init__(
        self, prompt: Prompt, number: int, texts: TokenTexts, *, with_text: bool, as_ids: bool
    ) -> None:
        self.prompt = prompt
        self.number = number
        self.ids: tuple[int, ...] = ()
        self.result: DecodeResult | None = None
        self.is_over = False
        self._texts = texts
        self._named = texts if with_text else None
        self._as_ids = as_ids
        self._text = ""
        self._logprobs: tuple[float, ...] = ()
        self._tops: tuple[Pairs, ...] = ()
        self._rows: list[token_rows.Triple] = []
        self._top_rows: list[list[token_rows.Triple]] = []
        self._cached_tokens: int | None = None
        self._scores: PromptLogprobs | None = None
        self._finish: dict[str, Any] | None = None
        self._input: dict[str, Any] | None = None

    @property
    def rid(self) -> str:
        """What the output is called."""
        return self.prompt.item.rids[self.number]

    @property
    def is_long(self) -> bool:
        """Whether its reply takes so long to write that it is done beside the event loop."""
        rows = len(self.ids) + (len(self.prompt.ids) if self._scores is not None else 0)
        scored = self.prompt.logprob_start is not None
        return rows * (1 + (self.prompt.item.num_top if scored else 0)) > _LONG_ROWS

    def add(self, written: Written) -> None:
        """Take more of it."""
        self._text += written.text
        self.ids += written.ids
        self._logprobs += written.logprobs
        self._tops += written.top_logprobs

    def end(self, sampled: Sampled) -> None:
        """Take what it came to in the end."""
        self.is_over = True
        self._cached_tokens = sampled.stats.cached_tokens
        self._scores = sampled.prompt
        result = self.result = sampled.result
        self._finish = finish_reason(None if self.prompt.peeks else result)
        if result is not None:
            self._text, self.ids, self._logprobs = result.text, result.ids, result.logprobs
            self._tops = result.top_logprobs or ()

    def end_empty(self) -> None:
        """End where nothing was given and nothing is to be written."""
        self.is_over = True
        self._cached_tokens = 0
        self._finish = finish_reason(None)

    def abort(self, message: str) -> None:
        """End with what is there."""
        self.is_over = True
        self._finish = {"type": "abort", "message": message}

    def to_data(self, index: int | None = None) -> dict[str, Any]:
        """Return the reply. Mid-way, what is known only at the end is null."""
        data: dict[str, Any] = {}
        if self._as_ids:
            data["token_ids"] = self._shown_ids
        else:
            data["text"] = self._visible()
        data["output_ids"] = self._shown_ids
        data["meta_info"] = self._meta()
        if index is not None:
            data["index"] = index
        return data

    def _meta(self) -> dict[str, Any]:
        forced = 0 if self.result is None else self.result.num_forced
        meta: dict[str, Any] = {
            "id": self.rid,
            "finish_reason": self._finish,
            "prompt_tokens": len(self.prompt.ids),
            "completion_tokens": len(self._shown_ids),
            "completion_tokens_wo_jump_forward": (
                len(self._shown_ids) - forced if self.is_over else None
            ),
            "cached_tokens": self._cached_tokens,
        }
        if self.prompt.logprob_start is not None:
            meta |= self._input_logprobs()
            meta |= self._output_logprobs()
        return meta

    def _output_logprobs(self) -> dict[str, Any]:
        """Return what is known of the output; what an earlier event had is not made again."""
        done, num_top = len(self._rows), self.prompt.item.num_top
        self._rows += token_rows.triples(self._logprobs[done:], self.ids[done:], self._named)
        found: dict[str, Any] = {"output_token_logprobs": self._rows}
        if num_top:
            done = len(self._top_rows)
            self._top_rows += token_rows.tops(self._tops[done:], num_top, self._named)
            found["output_top_logprobs"] = self._top_rows
        return found

    def _input_logprobs(self) -> dict[str, Any]:
        """Return what is known of the prompt."""
        start, ids = self.prompt.logprob_start, self.prompt.ids
        assert start is not None
        if self._input is not None:
            return self._input
        scores = self._scores
        found = token_rows.input_rows(
            ids,
            start,
            () if scores is None else scores.logprobs,
            None if scores is None else scores.top_logprobs,
            self.prompt.item.num_top,
            self._named,
        )
        if self.is_over:
            self._input = found
        return found

    @property
    def _shown_ids(self) -> tuple[int, ...]:
        return () if self.prompt.peeks else self.ids

    def _visible(self) -> str:
        if self.prompt.peeks:
            return ""
        params, result = self.prompt.item.params, self.result
        text = self._text
        if not params.skip_special_tokens:
            ids = self.ids if result is None else result.ids[: result.num_kept]
            text = with_specials(text, ids, self._texts)
        if params.no_stop_trim and result is not None and result.matched is not None:
            matched = result.matched
            if isinstance(matched, str):
                return text + matched
            if not (params.skip_special_tokens and self._texts.is_special(matched)):
                return text + self._texts.text_of(matched)
        return text


def finish_reason(result: DecodeResult | None) -> dict[str, Any]:
    """Return why an output ended. A constraint that is fulfilled is a stop that matched nothing."""
    if result is None or result.finish == "length":
        return {"type": "length", "length": len(result.ids) if result else 0}
    return {"type": "stop", "matched": result.matched}


def with_specials(text: str, ids: Sequence[int], texts: TokenTexts) -> str:
    """Return a text with the names of the special tokens that ``ids``, which wrote it, have.

    A special token is left out as long as the text before it is not all there.
    """
    shown: list[str] = []
    at = 0
    run: list[bytes] = []
    for token in (*ids, None):
        if token is not None and not texts.is_special(token):
            run.append(texts.bytes_of(token))
            continue
        piece = b"".join(run).decode(errors="replace")
        run.clear()
        shown.append(text[at : at + len(piece)])
        at += len(piece)
        if at > len(text):
            break
        if token is not None:
            shown.append(texts.text_of(token))
    return "".join(shown) + text[at:]
