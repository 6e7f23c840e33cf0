"""Model calls that write nothing: a prompt is computed, scored or embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from sglc.runtime.core.events import Decoded, DecodeResult, Scored, ScoreResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode, Embed, Extend, Score, StreamRequest
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.errors import OpError
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.modelcall import Meta, ModelCall
from sglc.runtime.executor.prompt_scores import prompt_script, report_of, reported
from sglc.runtime.executor.stream import Stream


class PrefillCall(ModelCall):
    """``prefill``: the prompt's K/V is there afterwards, with the log probabilities asked for.

    The version behind it is the one before; the value is empty text. With ``peek`` the log
    probabilities of a next token are told too, as if the most probable one were written.
    ``whole``: the backend is a server, which knows the tokens.
    """

    __slots__ = ("_ids", "_is_whole", "_peeks", "_report", "_result", "_scored")

    def __init__(self, frame: Frame, node: NodeCode, *, whole: bool = False) -> None:
        super().__init__(frame, node)
        self._report = report_of(node.attrs)
        self._is_whole = whole
        self._peeks = whole or (node.attrs.get("peek") is True and self._report is not None)
        self._scored: ScoreResult | None = None
        self._result: DecodeResult | None = None

    def requests(self) -> Sequence[StreamRequest]:
        ids = self._ids = self.stream.ids()
        if not ids:
            raise OpError("model", "the stream is empty: there is nothing to compute")
        script = (Extend(ids),) if self._is_whole else prompt_script(ids, self._report)
        if self._peeks:
            script = (*script, self._next())
        elif len(script) == 1:  # a script of extends alone would tell of no end
            script = (Extend(ids), _NEXT)
            if len(ids) > 1:
                script = (Extend(ids[:-1]), Score((ids[-1:],)), Extend(ids[-1:]))
        return (StreamRequest(script, deltas=False),)

    def _next(self) -> Decode:
        report = self._report
        if report is None:
            return _NEXT
        if self._is_whole:
            return replace(_NEXT, num_logprobs=0, report=report)
        return replace(_NEXT, num_logprobs=report.num_top)

    def receive(self, number: int, event: Decoded | Scored) -> bool:
        if isinstance(event, Scored):
            self._scored = event.result
            return not self._peeks
        self._result = event.result
        return True

    def finish(self) -> tuple[str, float, tuple[Any, ...]]:
        return "", 0.0, ("",)

    def appended(self, text: str, logprob: float) -> Stream:
        return self.stream

    def meta(self) -> Meta:
        """Return what is known of the prompt, by the names of SGLang's ``meta_info``."""
        nothing = {
            "finish_reason": {"type": "length", "length": 0},
            "completion_tokens": 0,
            "completion_tokens_wo_jump_forward": 0,
        }
        result = self._result
        if self._is_whole and result is not None:
            return {**(result.meta or {}), **nothing}.copy
        found: dict[str, Any] = {**nothing, "prompt_tokens": len(self._ids)}
        if self.cached_tokens is not None:
            found["cached_tokens"] = self.cached_tokens
        if self._report is None:
            return found.copy
        is_wanted = self._report.start >= 0 and len(self._ids) > self._report.start + 1
        scored = self._scored if is_wanted else None
        written = result if self._peeks and result is not None else _NO_TEXT
        tokenizer = self.stream.encoder.tokenizer
        return partial(reported, found, self._ids, scored, written, self._report, tokenizer)


_NEXT: Final = Decode(1, SamplingParams(temperature=0.0), ignore_eos=True)
_NO_TEXT: Final = DecodeResult((), "", "length")


class EmbedCall(ModelCall):
    """``embed``: the value is the hidden state of the last token, of length 1."""

    __slots__ = ("_ids", "vector")

    def __init__(self, frame: Frame, node: NodeCode) -> None:
        super().__init__(frame, node)
        self.vector: tuple[float, ...] = ()

    def requests(self) -> Sequence[StreamRequest]:
        self._ids = self.stream.ids()
        if not self._ids:
            raise OpError("model", "the stream is empty: there is no token to embed")
        return (StreamRequest((Extend(self._ids), Embed()), deltas=False),)

    def finish(self) -> tuple[str, float, tuple[Any, ...]]:
        return "", 0.0, (list(self.vector),)

    def appended(self, text: str, logprob: float) -> Stream:
        return self.stream

    def meta(self) -> Meta:
        """Return what is known of the prompt, by the names of SGLang's ``meta_info``."""
        return {
            "finish_reason": {"type": "length", "length": 0},
            "prompt_tokens": len(self._ids),
            "completion_tokens": 0,
        }.copy
