"""A text of a server on its way to the result of a decode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sglc.runtime.core.events import DecodeResult, Finish
from sglc.runtime.core.script import Decode
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.stops import StopScan
from sglc.runtime.remote.wire import Answer, Bill, Piece, Token


class Writing:
    """Collects the pieces of one sample; ``take_delta`` gives what is certain by now.

    ``billed_tokens``: how many the server bills for it alone, None where it does not say; ``bill``
    is that of the whole request.
    """

    def __init__(self, op: Decode) -> None:
        self._op = op
        self._scan = StopScan(op.stop)
        self._sent = 0
        self._tokens: list[Token] = []
        self.answer: Answer | None = None
        self.billed_tokens: int | None = None
        self.bill: Bill | None = None

    def add(self, piece: Piece) -> None:
        """More of the text."""
        self._scan.add(piece.text)
        self._tokens += piece.tokens

    def end(self, answer: Answer) -> None:
        """The server has written all of it."""
        self.answer = answer
        if answer.num_chars is not None:
            self._scan.drop(answer.num_chars)

    @property
    def has_stopped(self) -> bool:
        """Whether there is a stop text."""
        return self._scan.match is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is wanted."""
        return self.answer is not None or self._scan.match is not None

    @property
    def text(self) -> str:
        """The text so far, without a stop text."""
        return self._scan.text

    @property
    def tokens(self) -> Sequence[Token]:
        """The tokens of the whole text, where they were asked for."""
        return self._tokens

    def take_delta(self) -> str:
        """Return what has become certain of the text since the last time."""
        certain = len(self.text) if self.answer is not None else self._scan.num_certain
        new = self.text[self._sent : certain]
        self._sent = max(self._sent, certain)
        return new

    def check(self) -> None:
        """Refuse a text that is over and is none.

        Raises:
            RemoteError: the model has done nothing but think.
        """
        is_cut = self.answer is not None and self.answer.finish == "length"
        if is_cut and not self.text and self.bill is not None and self.bill.has_thought:
            raise RemoteError(
                "the model has thought for as long as max_tokens lets it, and has written nothing: "
                "raise max_tokens"
            )

    def result(self) -> DecodeResult:
        """Return the result of a text that is over.

        Raises:
            RemoteError: see ``check``.
        """
        self.check()
        match, answer = self._scan.match, self.answer
        finish: Finish = "stop" if match is not None or answer is None else answer.finish
        matched = answer.matched if answer is not None and match is None else None
        logprobs: tuple[float, ...] = ()
        if self._op.num_logprobs is not None:
            logprobs = tuple(token.logprob for token in self._tokens)
        matched = matched if match is None else match.text
        result = result_of(
            self.text, finish, matched=matched, logprobs=logprobs, num_tokens=self.num_tokens
        )
        given = None if answer is None else answer.meta
        return replace(result, meta=self._meta(result) if given is None else given)

    def _meta(self, result: DecodeResult) -> dict[str, Any]:
        """Return what the server has told, by the names of SGLang's ``meta_info``."""
        count = result.num_tokens
        reason: dict[str, Any] = {"type": "stop", "matched": result.matched}
        if result.finish == "length":
            reason = {"type": "length", "length": count}
        found: dict[str, Any] = {
            "finish_reason": reason,
            "completion_tokens": count,
            "completion_tokens_wo_jump_forward": count,
        }
        if self.bill is not None and self.bill.input_tokens is not None:
            found["prompt_tokens"] = self.bill.input_tokens
            found["cached_tokens"] = self.bill.cached_tokens
        if self._op.num_logprobs is not None:
            report = self._op.report
            with_text = report is not None and report.with_text
            found["output_token_logprobs"] = [
                [token.logprob, None, token.text if with_text else None] for token in self._tokens
            ]
        return found

    @property
    def num_tokens(self) -> int | None:
        """How many tokens the server has written; None if nobody has said."""
        if self.answer is not None and self.answer.num_tokens is not None:
            return self.answer.num_tokens
        return len(self._tokens) or self.billed_tokens


def result_of(
    text: str,
    finish: Finish,
    *,
    matched: str | int | None = None,
    logprobs: tuple[float, ...] = (),
    num_tokens: int | None = None,
    meta: Mapping[str, Any] | None = None,
) -> DecodeResult:
    """Return the result that a text is, with its bytes as ids."""
    ids = tuple(text.encode("utf-8", "replace"))
    if num_tokens is None:
        num_tokens = -(-len(ids) // 4)  # nobody says: four bytes are about one
    return DecodeResult(
        ids,
        text,
        finish,
        matched=matched,
        logprobs=logprobs,
        num_kept=len(ids),
        num_tokens=num_tokens,
        meta=meta,
    )
