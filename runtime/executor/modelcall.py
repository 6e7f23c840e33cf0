"""What all model calls have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sglc.compiler.plan.data import describe
from sglc.compiler.plan.segments import Text
from sglc.compiler.plan.sites import path_text
from sglc.runtime.core.events import Decoded, Scored
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.constraints import ConstraintCompiler, Preparation
from sglc.runtime.executor.errors import OpError
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.records import CallRecord
from sglc.runtime.executor.stream import Stream
from sglc.runtime.tokenizer.encoded import Written

Meta = Callable[[], dict[str, Any]]
"""What is known of a call beside its value, made when somebody asks; holds nothing of the run."""


class ModelCall:
    """A ``gen`` or ``select`` at work.

    ``prepare`` says what must be ready first, ``requests`` what to run; ``receive`` takes one
    result each and returns whether all are there; ``finish`` then returns the text to append, its
    log probability and the node's values behind the stream. ``after`` is the version with that
    text, once it exists; ``own`` are the streams of the backend that were begun for it. ``record``
    is there when the run is recorded. ``cached_tokens`` are those of the prompt that were found in
    the cache, where that is known when the call is done.
    """

    __slots__ = (
        "after", "cached_tokens", "frame", "missing", "node", "own", "path", "record", "stream",
    )  # fmt: skip

    def __init__(self, frame: Frame, node: NodeCode) -> None:
        self.frame = frame
        self.node = node
        self.stream: Stream = frame.values[node.args[0]]
        self.path = path_text(frame.place(node))
        self.missing = 1
        self.after: Stream | None = None
        self.own: list[int] = []
        self.record: CallRecord | None = None
        self.cached_tokens: int | None = None

    @property
    def name(self) -> str:
        """The name of the capture, or nothing."""
        return str(self.node.attrs.get("name") or "")

    @property
    def show(self) -> bool:
        """Whether an end user may see the text."""
        return bool(self.node.attrs.get("show"))

    def prepare(self, compiler: ConstraintCompiler) -> Preparation | None:
        """Return the constraint, which may not be ready yet; None if there is none.

        Raises:
            OpError: the options cannot be used.
            ValueError: the choices cannot be used.
        """
        return None

    def requests(self) -> Sequence[StreamRequest]:
        """Return the streams to run.

        Raises:
            OpError: the options or the choices cannot be used.
            ValueError: the stream cannot be encoded.
        """
        raise NotImplementedError

    def receive(self, number: int, event: Decoded | Scored) -> bool:
        """Take the result of stream ``number``; return whether it was the last one missing."""
        raise NotImplementedError

    def finish(self) -> tuple[str, float, tuple[Any, ...]]:
        """Return text, log probability and values.

        Raises:
            ValueError: the text is not of the type that was asked for.
        """
        raise NotImplementedError

    def appended(self, text: str, logprob: float) -> Stream:
        """Return the version with the text behind the call; after ``finish``."""
        return self.stream.append(Text(text), logprob, self.written())

    def meta(self) -> Meta:
        """Return what is known of the call beside its value; after ``finish``."""
        return dict

    def written(self) -> Written | None:
        """Return the ids of the text, where those that the model wrote stay; after ``finish``."""
        return None


def listed(value: Any) -> Sequence[Any]:
    """Return the choices of a call.

    Raises:
        OpError: they are no list.
    """
    if not isinstance(value, list | tuple):
        raise OpError("option", f"the choices must be a list, not {describe(value)}")
    return value
