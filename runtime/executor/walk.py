"""How far the script of a stream has come, seen from outside of the backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sglc.runtime.core.script import Decode, Embed, Extend, Score, StreamRequest

CallOp = Decode | Score | Embed


class Asked(NamedTuple):
    """One model call: ``op`` behind ``ids``."""

    ids: tuple[int, ...]
    op: CallOp
    namespace: str


class Walk:
    """A stream on its way: ``ids`` are its tokens so far, ``at`` is the op that comes next."""

    __slots__ = ("at", "ids", "request")

    def __init__(self, request: StreamRequest) -> None:
        self.request = request
        self.ids: list[int] = []
        self.at = 0

    def next(self) -> Asked | None:
        """Append what is to be appended; return the call that comes then, None at the end."""
        script = self.request.script
        while self.at < len(script):
            op = script[self.at]
            if not isinstance(op, Extend):
                return Asked(tuple(self.ids), op, self.request.namespace)
            self.ids += op.ids
            self.at += 1
        return None

    def answered(self, kept: Sequence[int] = ()) -> None:
        """The call that came next has its answer, of which ``kept`` became part of the stream."""
        self.ids += kept
        self.at += 1

    def rest(self) -> StreamRequest:
        """Return a request for what is left, with all tokens so far in front."""
        script = (Extend(tuple(self.ids)), *self.request.script[self.at :])
        return replace(self.request, script=script)
