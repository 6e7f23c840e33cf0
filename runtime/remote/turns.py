"""Whole messages of the assistant, for servers that begin every message anew.

Such a server cannot go on in the middle of a message. A program that has text or further calls
there can have the whole message written at once: what the server has written is then matched
against the program's own texts, and cut into the values of its calls. (SGLang calls it API
speculative execution for chat models.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

from sglc.compiler.plan.common import common_len
from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode, Later
from sglc.runtime.remote.fitting import fitted
from sglc.runtime.remote.stops import StopScan
from sglc.runtime.remote.wire import Token
from sglc.runtime.remote.writing import result_of

MAX_TRIES: Final = 3
_MAX_KEPT: Final = 256
_SHOWN: Final = 40


class Mismatch(NamedTuple):
    """Why a message is not the program's."""

    reason: str


@dataclass(slots=True)
class Turn:
    """A message that was written behind ``base``; of it, ``used`` characters are given out.

    ``is_whole``: the model ended it itself.
    """

    namespace: str
    base: tuple[int, ...]
    sampling: SamplingParams
    text: str
    tokens: Sequence[Token]
    is_whole: bool
    used: int = 0

    def cut(self, given: str, op: Decode) -> DecodeResult | Mismatch:
        """Return what a decode behind ``given`` has written, if the message goes on as known."""
        if not self.text.startswith(given):
            return _differs(self.text, given)
        begin = len(given)
        scan = StopScan(op.stop)
        scan.add(self.text[begin:])
        value = scan.text
        if op.constraint is not None:
            member = fitted(op.constraint, value)
            if member is None or not value.startswith(member):
                return Mismatch(f"{_shown(value)} is no {op.constraint.wanted}")
            value = member
        mismatch = self._follows(begin + len(value), op.then)
        if mismatch is not None:
            return mismatch
        return self._result(value, begin, scan, op)

    def _follows(self, at: int, then: Sequence[str | Later]) -> Mismatch | None:
        """Return why the message does not go on as the program does, if so."""
        for each in then:
            if isinstance(each, Later):
                scan = StopScan(each.stop)
                scan.add(self.text[at:])
                at += len(scan.text)
            elif self.text.startswith(each, at):
                at += len(each)
            else:
                return _differs(self.text, self.text[:at] + each)
        return None

    def _result(self, value: str, begin: int, scan: StopScan, op: Decode) -> DecodeResult:
        own = self._own_tokens(begin, begin + len(value))
        num_tokens = None if own is None else len(own)
        logprobs: tuple[float, ...] = ()
        if op.num_logprobs is not None:
            logprobs = tuple(token.logprob for token in own or ())
        if op.constraint is not None:
            return result_of(value, "constraint", logprobs=logprobs, num_tokens=num_tokens)
        if scan.match is not None:
            matched = scan.match.text
            return result_of(
                value, "stop", matched=matched, logprobs=logprobs, num_tokens=num_tokens
            )
        finish = "eos" if self.is_whole else "length"
        return result_of(value, finish, logprobs=logprobs, num_tokens=num_tokens)  # type: ignore[arg-type]  # one of both

    def _own_tokens(self, begin: int, end: int) -> list[Token] | None:
        """Return the tokens that hold a part of the text; None if they are not known."""
        spelled = "".join(token.text for token in self.tokens)  # the one that ends it may be there
        if not spelled.startswith(self.text) or not self.tokens:
            return None
        starts = accumulate((len(token.text) for token in self.tokens), initial=0)
        return [
            token
            for token, at in zip(self.tokens, starts, strict=False)
            if at < end and at + len(token.text) > begin
        ]


class Turns:
    """The latest messages of one backend."""

    def __init__(self) -> None:
        self._turns: OrderedDict[int, Turn] = OrderedDict()
        self._next = 0

    def keep(self, turn: Turn, given: str, result: DecodeResult) -> None:
        """Keep a message, of which a decode has had its part."""
        turn.used = len(given) + len(result.text)
        self._turns[self._next] = turn
        self._next += 1
        if len(self._turns) > _MAX_KEPT:
            self._turns.popitem(last=False)

    def take(
        self, namespace: str, base: tuple[int, ...], given: str, op: Decode
    ) -> DecodeResult | None:
        """Return what a decode would write, if a message is there that goes on so.

        Each part of a sampled message is given out once, so that two draws stay two draws.
        """
        for key in reversed(self._turns):
            turn = self._turns[key]
            is_own = (turn.namespace, turn.base, turn.sampling) == (namespace, base, op.sampling)
            if not is_own or (len(given) < turn.used and not op.sampling.is_greedy):
                continue
            result = turn.cut(given, op)
            if isinstance(result, DecodeResult):
                turn.used = max(turn.used, len(given) + len(result.text))
                self._turns.move_to_end(key)
                return result
        return None


def _differs(text: str, wanted: str) -> Mismatch:
    at = common_len(text, wanted)
    behind = f"behind {_shown(text[max(0, at - _SHOWN) : at])} " if at else ""
    program, server = wanted[at : at + _SHOWN], text[at : at + _SHOWN]
    wrote = f"the server wrote {_shown(server)}" if server else "the server wrote nothing more"
    return Mismatch(f"{behind}the program has {_shown(program)}, and {wrote}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 2 * _SHOWN else text[: 2 * _SHOWN - 3] + "...")


def unmatched(mismatch: Mismatch, num_tries: int) -> str:
    """Say that no message was the program's."""
    return (
        "the assistant's message was asked for as a whole (num_api_spec_tokens), and is not the "
        f"program's: {mismatch.reason} (tried {num_tries} times); show the form of the answer in "
        "the prompt, or raise num_api_spec_tokens"
    )
