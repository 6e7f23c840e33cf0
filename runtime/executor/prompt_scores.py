"""Log probabilities of a model call: those of its prompt, and how they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sglc.runtime.core.events import DecodeResult, ScoreResult
from sglc.runtime.core.script import Extend, Score, ScriptOp, TokenReport
from sglc.runtime.executor.errors import OpError
from sglc.runtime.tokenizer import token_rows
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.token_rows import TokenTexts


def report_of(attrs: Mapping[str, Any]) -> TokenReport | None:
    """Return what a node wants to be told of tokens; None if nothing."""
    if not attrs.get("logprob"):
        return None
    start = attrs.get("logprob_start")
    return TokenReport(
        -1 if start is None else int(start),
        int(attrs.get("top_logprobs") or 0),
        attrs.get("logprob_text") is True,
    )


def prompt_script(ids: tuple[int, ...], report: TokenReport | None) -> tuple[ScriptOp, ...]:
    """Return the ops that compute a prompt, and score what is wanted of it.

    Raises:
        OpError: the prompt has no token where it is to begin.
    """
    start = -1 if report is None else report.start
    if report is None or start < 0:
        return (Extend(ids),)
    if start >= len(ids):
        raise OpError(
            "option",
            f"`logprob_start_len` must be in [-1, {len(ids) - 1}] for a prompt of {len(ids)} "
            f"tokens, not {start}",
        )
    begin = start + 1
    if begin == len(ids):  # a first token has no probability, and there is no other
        return (Extend(ids),)
    return Extend(ids[:begin]), Score((ids[begin:],), num_top=report.num_top), Extend(ids[begin:])


def reported(
    known: Mapping[str, Any],
    ids: Sequence[int],
    scored: ScoreResult | None,
    result: DecodeResult,
    report: TokenReport,
    tokenizer: TokenizerLike,
) -> dict[str, Any]:
    """Return what is ``known``, with the tokens of the prompt and of what was written behind it,
    by the names of SGLang's ``meta_info``."""
    texts = TokenTexts(tokenizer) if report.with_text else None
    return {
        **known,
        **_prompt_rows(ids, report, scored, texts),
        **_text_rows(result, report, texts),
    }


def _prompt_rows(
    ids: Sequence[int], report: TokenReport, scored: ScoreResult | None, texts: TokenTexts | None
) -> dict[str, Any]:
    values = () if scored is None else scored.logprobs[0]
    tops = None if scored is None or scored.top_logprobs is None else scored.top_logprobs[0]
    return token_rows.input_rows(ids, report.start, values, tops, report.num_top, texts)


def _text_rows(
    result: DecodeResult, report: TokenReport, texts: TokenTexts | None
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "output_token_logprobs": token_rows.triples(result.logprobs, result.ids, texts)
    }
    if report.num_top:
        tops = result.top_logprobs or ()
        found["output_top_logprobs"] = token_rows.tops(tops, report.num_top, texts)
    return found


def finish_reason(result: DecodeResult) -> dict[str, Any]:
    """Return why a text ended. A constraint that is fulfilled is a stop that matched nothing."""
    if result.finish == "length":
        return {"type": "length", "length": len(result.ids)}
    return {"type": "stop", "matched": result.matched}
