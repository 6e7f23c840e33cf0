"""A backend that answers from a script: what tests of programs run on instead of a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from sglc.runtime.core.events import (
    Decoded,
    DecodeResult,
    Delta,
    Ended,
    Event,
    Failed,
    Held,
    Scored,
    ScoreResult,
)
from sglc.runtime.core.script import Decode, Embed, Extend, Score, StreamRequest
from sglc.runtime.core.stats import NOTHING, Snapshot, StreamStats
from sglc.runtime.tokenizer.base import TokenizerLike

MAX_CONTEXT = 1 << 20
_CHOSEN, _OTHER = -0.1, -9.0


class ScriptedBackend:
    """Implements Backend. ``texts`` maps the label of a decode or score to its text.

    A list is used up one text after another, in the order of the calls. A text is given as it is,
    whatever the constraint: whoever asked finds out if it does not fit. Of the choices of a score
    the one that the text is gets the best probability; the most probable tokens of a place are
    those that the choices have there. A stream that is to be embedded fails.
    """

    vocab_size: int
    max_context = MAX_CONTEXT

    def __init__(self, texts: Mapping[str, str | Sequence[str]], tokenizer: TokenizerLike) -> None:
        self._texts = {k: [v] if isinstance(v, str) else list(v) for k, v in texts.items()}
        self._tokenizer = tokenizer
        self._streams: deque[tuple[int, StreamRequest]] = deque()
        self._held: set[int] = set()
        self._num_streams = 0
        self._num_groups = 0
        self._num_resumes = 0
        self.vocab_size = tokenizer.vocab_size

    @property
    def idle(self) -> bool:
        """Whether no stream is left but held ones."""
        return not self._streams

    def submit(self, request: StreamRequest) -> int:
        """Queue a stream and return its id."""
        self._num_streams += 1
        self._streams.append((self._num_streams, request))
        return self._num_streams

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Queue streams and return their ids."""
        self._num_groups += bool(requests)
        return [self.submit(request) for request in requests]

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Queue a stream again that is held, or still to be extended, with a new script."""
        _ = request.sequence  # refuses what names none
        extending = {i for i, r in self._streams if all(isinstance(op, Extend) for op in r.script)}
        if stream not in self._held | extending:
            raise ValueError(f"stream {stream} is not there to be resumed, or has more to do")
        self.cancel(stream)
        self._streams.append((stream, request))
        self._num_resumes += 1

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream: no more events."""
        self._held.discard(stream)
        self._streams = deque(item for item in self._streams if item[0] != stream)
        return NOTHING

    def step(self) -> list[Event]:
        """Run the next stream to its end."""
        return list(self._run(*self._streams.popleft())) if self._streams else []

    def snapshot(self) -> Snapshot:
        """Return the number of streams that wait: none runs between two steps."""
        return Snapshot({}, len(self._streams), num_held=len(self._held))

    def stats(self) -> Mapping[str, int]:
        """Return how many streams and groups were submitted, and how often one was resumed."""
        return {
            "streams": self._num_streams,
            "groups": self._num_groups,
            "resumes": self._num_resumes,
        }

    def _run(self, stream: int, request: StreamRequest) -> list[Event]:
        events: list[Event] = []
        ids: list[int] = []
        for number, op in enumerate(request.script):
            if isinstance(op, Extend):
                ids += op.ids
                continue
            if isinstance(op, Embed):
                return [*events, Failed(stream, number, "the mock has texts only, no embeddings")]
            text = self._next(op.label)
            if text is None:
                what = f"`{op.label}`" if op.label else "a call without a name"
                return [*events, Failed(stream, number, f"the mock has no text for {what}")]
            if isinstance(op, Score):
                rows = self._scores(ids, op, text)
                tops = _tops(op, rows) if op.num_top else None
                events.append(Scored(stream, number, ScoreResult(rows, tops)))
                continue
            events += self._decode(stream, number, op, text, deltas=request.deltas)
            ids += self._tokenizer.encode(text)
        if request.hold:
            self._held.add(stream)
            return [*events, Held(stream, NOTHING)]
        return [*events, Ended(stream, NOTHING)]

    def _decode(
        self, stream: int, number: int, op: Decode, text: str, *, deltas: bool
    ) -> list[Event]:
        ids = tuple(self._tokenizer.encode(text))
        logprobs = (0.0,) * len(ids) if op.num_logprobs is not None else ()
        result = DecodeResult(ids, text, "eos", logprobs=logprobs, num_kept=len(ids))
        shown: list[Event] = [Delta.whole(stream, number, result)] if deltas and ids else []
        return [*shown, Decoded(stream, number, result)]

    def _next(self, label: str) -> str | None:
        left = self._texts.get(label, [])
        return left.pop(0) if len(left) > 1 else left[0] if left else None

    def _scores(self, ids: Sequence[int], op: Score, text: str) -> tuple[tuple[float, ...], ...]:
        """The choice that ends the stream with ``text``; the shortest, if one ends another."""
        ends = [self._tokenizer.decode([*ids, *choice]).endswith(text) for choice in op.choices]
        fitting = [choice for choice, fits in zip(op.choices, ends, strict=True) if fits]
        best = min(fitting, key=len, default=None)
        return tuple((_CHOSEN if c == best else _OTHER,) * len(c) for c in op.choices)


def _tops(
    op: Score, rows: Sequence[Sequence[float]]
) -> tuple[tuple[tuple[tuple[int, float], ...], ...], ...]:
    """Per choice and token the best of the tokens that go on after the same ones before."""
    after: dict[tuple[int, ...], dict[int, float]] = {}
    for choice, row in zip(op.choices, rows, strict=True):
        for i, (token, value) in enumerate(zip(choice, row, strict=True)):
            known = after.setdefault(choice[:i], {})
            known[token] = max(value, known.get(token, value))
    best = {
        prefix: tuple(sorted(known.items(), key=lambda item: (-item[1], item[0]))[: op.num_top])
        for prefix, known in after.items()
    }
    return tuple(tuple(best[c[:i]] for i in range(len(c))) for c in op.choices)
