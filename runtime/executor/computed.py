"""Model calls that write nothing: a prompt is computed, scored or embedded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sglc.runtime.core.events import Decoded, Scored, ScoreResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode, Embed, Extend, Score, StreamRequest
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.errors import OpError
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.modelcall import ModelCall
from sglc.runtime.executor.prompt_scores import prompt_rows, prompt_script, report_of
from sglc.runtime.executor.stream import Stream


class PrefillCall(ModelCall):
    """``prefill``: the prompt's K/V is there afterwards, with the log probabilities asked for.

    The version behind it is the one before; the value is empty text.
    """

    __slots__ = ("_ids", "_report", "_scored")

    def __init__(self, frame: Frame, node: NodeCode) -> None:
        super().__init__(frame, node)
        self._report = report_of(node.attrs)
        self._scored: ScoreResult | None = None

    def requests(self) -> Sequence[StreamRequest]:
        ids = self._ids = self.stream.ids()
        if not ids:
            raise OpError("model", "the stream is empty: there is nothing to compute")
        script = prompt_script(ids, self._report)
        if len(script) == 1:  # a script of extends alone would tell of no end
            script = (Extend(ids), Decode(1, SamplingParams(temperature=0.0)))
            if len(ids) > 1:
                script = (Extend(ids[:-1]), Score((ids[-1:],)), Extend(ids[-1:]))
        return (StreamRequest(script, deltas=False),)

    def receive(self, number: int, event: Decoded | Scored) -> bool:
        if isinstance(event, Scored):
            self._scored = event.result
        return True

    def finish(self) -> tuple[str, float, tuple[Any, ...]]:
        return "", 0.0, ("",)

    def appended(self, text: str, logprob: float) -> Stream:
        return self.stream

    def meta(self) -> dict[str, Any]:
        """Return what is known of the prompt, by the names of SGLang's ``meta_info``."""
        found: dict[str, Any] = {
            "finish_reason": {"type": "length", "length": 0},
            "prompt_tokens": len(self._ids),
            "completion_tokens": 0,
            "completion_tokens_wo_jump_forward": 0,
        }
        if self.cached_tokens is not None:
            found["cached_tokens"] = self.cached_tokens
        if self._report is not None:
            is_wanted = self._report.start >= 0 and len(self._ids) > self._report.start + 1
            scored = self._scored if is_wanted else None
            tokenizer = self.stream.encoder.tokenizer
            found |= prompt_rows(self._ids, self._report, scored, tokenizer)
            found["output_token_logprobs"] = []
            if self._report.num_top:
                found["output_top_logprobs"] = []
        return found


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

    def meta(self) -> dict[str, Any]:
        """Return what is known of the prompt, by the names of SGLang's ``meta_info``."""
        return {
            "finish_reason": {"type": "length", "length": 0},
            "prompt_tokens": len(self._ids),
            "completion_tokens": 0,
        }
