"""API speculative execution: what a server wrote behind the end of a decode is kept.

A server bills the whole prompt for each request, so a program with three short answers pays for its
prompt three times. A decode that speculates asks for more than it needs, without stop texts; what
is behind its end is the surplus. A later decode whose prompt goes on just as the surplus does is
answered from it, without a request, by the text that the plain request would have had if the model
is deterministic: only where that is certain. (SGLang, arXiv:2312.07104, §3.3.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode
from sglc.runtime.remote.stops import StopScan
from sglc.runtime.remote.wire import Token
from sglc.runtime.remote.writing import result_of

_MAX_KEPT: Final = 256
_Ids = tuple[int, ...]


def may_speculate(op: Decode) -> bool:
    """Whether a decode may be cut out of a longer text: it is held to nothing that it counts."""
    plain = replace(op.sampling, temperature=0.0, top_p=1.0, top_k=-1, min_p=0.0)
    counts = op.ignore_eos or op.stop_ids or op.report is not None
    return op.constraint is None and plain == SamplingParams() and not counts


@dataclass(slots=True)
class _Text:
    """What was written behind ``prompt``; of it, ``used`` bytes are given out.

    ``starts`` are the bytes at which its tokens begin, ``logprobs`` theirs; None where the server
    does not tell. ``is_whole``: the model ended the text itself.
    """

    namespace: str
    prompt: _Ids
    sampling: SamplingParams
    data: bytes
    used: int
    starts: tuple[int, ...] | None
    logprobs: tuple[float, ...]
    is_whole: bool


class Surplus:
    """The latest texts of one backend that hold more than was asked for."""

    def __init__(self) -> None:
        self._texts: OrderedDict[int, _Text] = OrderedDict()
        self._next = 0

    def cut(
        self,
        namespace: str,
        prompt: _Ids,
        op: Decode,
        text: str,
        tokens: Sequence[Token],
        *,
        is_whole: bool,
    ) -> DecodeResult | None:
        """Return what a decode gets of a text that was written for it, and keep the rest.

        None if it is not certain what the plain request would have had.
        """
        data = text.encode("utf-8", "replace")
        starts: tuple[int, ...] | None = None
        if "".join(token.text for token in tokens) == text and tokens:
            lens = [len(token.text.encode("utf-8", "replace")) for token in tokens]
            starts = tuple(accumulate(lens[:-1], initial=0))
        made = _Text(
            namespace, prompt, op.sampling, data, 0, starts,
            tuple(token.logprob for token in tokens), is_whole,
        )  # fmt: skip
        result = _cut(made, 0, op)
        if result is not None:
            made.used = len(result.ids)
            self._texts[self._next] = made
            self._next += 1
            if len(self._texts) > _MAX_KEPT:
                self._texts.popitem(last=False)
        return result

    def take(self, namespace: str, prompt: _Ids, op: Decode) -> DecodeResult | None:
        """Return what a decode would write, if it is there already.

        Sampled text is given out once, so that two draws from one prompt stay two draws.
        """
        for key in reversed(self._texts):
            text = self._texts[key]
            if text.namespace != namespace or text.sampling != op.sampling:
                continue
            at = len(prompt) - len(text.prompt)
            if at < text.used or prompt[: len(text.prompt)] != text.prompt:
                continue
            given = prompt[len(text.prompt) :]
            if at > len(text.data) or given != tuple(text.data[:at]):
                continue
            result = _cut(text, at, op)
            if result is None:
                continue
            self._texts.move_to_end(key)
            if not op.sampling.is_greedy:
                text.used = at + len(result.ids)
            return result
        return None


def _cut(text: _Text, at: int, op: Decode) -> DecodeResult | None:
    """Return what a decode writes that goes on at byte ``at`` of a text; None if that is open."""
    starts = text.starts
    if starts is not None and at not in starts and at < len(text.data):
        return None  # inside of a token, which the plain request would not have written so
    try:
        tail = text.data[at:].decode()
    except UnicodeDecodeError:
        return None  # inside of a character
    scan = StopScan(op.stop)
    scan.add(tail)
    needed = scan.text if scan.match is None else scan.text + scan.match.text
    end = at + len(needed.encode("utf-8", "replace"))
    if starts is None:
        # a token is a byte at least: so it is certain only of short texts that the budget was not
        # used up
        is_certain = end - at < op.max_tokens and (scan.match is not None or text.is_whole)
        if not is_certain or op.num_logprobs is not None:
            return None
        return _ended(scan)
    own = [i for i, start in enumerate(starts) if at <= start < end]
    is_cut = len(own) > op.max_tokens or (scan.match is None and len(own) == op.max_tokens)
    if not (is_cut or scan.match is not None or text.is_whole):
        return None  # the text was to go on
    own = own[: op.max_tokens]
    logprobs = () if op.num_logprobs is None else tuple(text.logprobs[i] for i in own)
    if not is_cut:
        return _ended(scan, logprobs, len(own))
    cut = (*starts, len(text.data))[own[-1] + 1]
    wrote = text.data[at:cut].decode(errors="ignore")
    return result_of(wrote, "length", logprobs=logprobs, num_tokens=len(own))


def _ended(
    scan: StopScan, logprobs: tuple[float, ...] = (), num_tokens: int | None = None
) -> DecodeResult:
    """Return the result of a text that a stop text ends, or the model itself."""
    matched = None if scan.match is None else scan.match.text
    return result_of(
        scan.text,
        "eos" if matched is None else "stop",
        matched=matched,
        logprobs=logprobs,
        num_tokens=num_tokens,
    )
