"""A backend without cache, batches or tensors: every op as its definition says, one at a time.

What the scheduler must agree with, token for token, and a mock where torch is not installed.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from operator import eq

from sglc.runtime.core.events import (
    Decoded,
    DecodeResult,
    Delta,
    Embedded,
    Ended,
    Event,
    Failed,
    Held,
    Scored,
    ScoreResult,
)
from sglc.runtime.core.script import Decode, Embed, Extend, Score, StreamRequest
from sglc.runtime.core.stats import NOTHING, Snapshot, StreamStats
from sglc.runtime.core.text_encoder import TextEncoder
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.decode_reference import DecodeRun, Model, Refused, starts_complete
from sglc.runtime.engine.sample_reference import log_softmax_reference, top_reference


@dataclass(slots=True)
class _Stream:
    """``kept`` tokens of the first extend are there already."""

    id: int
    request: StreamRequest
    tokens: list[int] = field(default_factory=list)
    op: int = 0
    kept: int = 0
    prompt_tokens: int = 0
    decoded_tokens: int = 0
    forced_tokens: int = 0

    def stats(self) -> StreamStats:
        return StreamStats(
            prompt_tokens=self.prompt_tokens,
            decoded_tokens=self.decoded_tokens,
            forced_tokens=self.forced_tokens,
            decode_steps=self.decoded_tokens,
        )

    def take_stats(self) -> StreamStats:
        """Return the counts, and begin again at 0."""
        stats = self.stats()
        self.prompt_tokens = self.decoded_tokens = self.forced_tokens = 0
        return stats

    def only_extends(self) -> bool:
        return all(isinstance(op, Extend) for op in self.request.script[self.op :])

    def extend(self, op: Extend) -> None:
        ids, self.kept = op.ids[self.kept :], 0
        self.tokens += ids
        self.prompt_tokens += len(ids)


class NaiveBackend:
    """Implements Backend over any function from token ids to logits; a step runs one op.

    ``encoder`` is the tokenizer of the vocabulary: with it, forced text is not sampled. ``hidden``
    gives the hidden state after token ids, which embeddings are made of; without it they fail.
    """

    def __init__(
        self,
        model: Model,
        vocabulary: Vocabulary,
        vocab_size: int,
        max_context: int,
        encoder: TextEncoder | None = None,
        hidden: Model | None = None,
    ) -> None:
        self._model = model
        self._hidden = hidden
        self._encoder = encoder
        self._vocabulary = Vocabulary.of(vocabulary.token_bytes, vocabulary.eos_ids, vocab_size)
        self.vocab_size = vocab_size
        self.max_context = max_context
        self._streams: deque[_Stream] = deque()
        self._held: dict[int, _Stream] = {}
        self._next_id = 0
        self._counts: Counter[str] = Counter()

    @property
    def idle(self) -> bool:
        """Whether no stream is left but held ones."""
        return not self._streams

    def submit(self, request: StreamRequest) -> int:
        """Queue a stream and return its id."""
        self._streams.append(_Stream(self._next_id, request))
        self._next_id += 1
        return self._next_id - 1

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Queue streams and return their ids."""
        self._counts["groups"] += bool(requests)
        return [self.submit(request) for request in requests]

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Give a new script to a stream that is held or has nothing but extends left."""
        sequence = request.sequence
        found = self._held.get(stream) or self._extending(stream)
        if found is None:
            raise ValueError(f"stream {stream} is not there to be resumed, or has more to do")
        for op in found.request.script[found.op :]:
            assert isinstance(op, Extend)
            found.extend(op)
        found.kept = sum(1 for _ in takewhile(bool, map(eq, found.tokens, sequence)))
        del found.tokens[found.kept :]
        found.request = request
        found.op = 0
        if self._held.pop(stream, None) is not None:
            self._streams.append(found)
        self._counts["resumes"] += 1

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream and return its counts."""
        held = self._held.pop(stream, None)
        if held is not None:
            return held.stats()
        found = next((s for s in self._streams if s.id == stream), None)
        if found is None:
            return NOTHING
        self._streams.remove(found)
        return found.stats()

    def snapshot(self) -> Snapshot:
        """Return the counts of the stream whose turn it is; the others wait or are held."""
        running = {stream.id: stream.stats() for stream in list(self._streams)[:1]}
        return Snapshot(running, len(self._streams) - len(running), num_held=len(self._held))

    def stats(self) -> Mapping[str, int]:
        """Return how often the model was called, and how many tokens were decoded."""
        return dict(self._counts)

    def step(self) -> list[Event]:
        """Run the next op of the stream that was submitted or resumed first."""
        if not self._streams:
            return []
        stream = self._streams[0]
        script = stream.request.script
        events: list[Event] = []
        try:
            if stream.op < len(script):
                events += self._run(stream)
                stream.op += 1
        except Refused as refused:
            self._streams.popleft()
            return [Failed(stream.id, stream.op, str(refused), stream.stats())]
        if stream.op >= len(script):
            self._streams.popleft()
            if stream.request.hold:
                self._held[stream.id] = stream
                events.append(Held(stream.id, stream.take_stats()))
            else:
                events.append(Ended(stream.id, stream.stats()))
        return events

    def _extending(self, stream: int) -> _Stream | None:
        """The stream of this id, if it has nothing left but extends that fit."""
        for found in self._streams:
            if found.id == stream and found.only_extends():
                rest = found.request.script[found.op :]
                added = sum(len(op.ids) for op in rest if isinstance(op, Extend))
                if len(found.tokens) + added - found.kept <= self.max_context:
                    return found
        return None

    def _run(self, stream: _Stream) -> list[Event]:
        op = stream.request.script[stream.op]
        if isinstance(op, Extend):
            stream.extend(op)
            self._check_length(len(stream.tokens))
            return []
        if isinstance(op, Score):
            return [Scored(stream.id, stream.op, self._score(stream.tokens, op))]
        if isinstance(op, Embed):
            return [Embedded(stream.id, stream.op, self._embed(stream.tokens))]
        result = self._decode(stream, op)
        events: list[Event] = []
        if result.ids and stream.request.deltas:
            events.append(Delta.whole(stream.id, stream.op, result))
        return [*events, Decoded(stream.id, stream.op, result)]

    def _score(self, tokens: list[int], op: Score) -> ScoreResult:
        self._check_length(len(tokens) + max(0, max(map(len, op.choices)) - 1))
        rows: list[tuple[float, ...]] = []
        tops: list[tuple[tuple[tuple[int, float], ...], ...]] = []
        for choice in op.choices:
            prefix = list(tokens)
            places: list[list[float]] = []
            for token in choice:
                places.append(log_softmax_reference(self._logits(prefix)))
                prefix.append(token)
            rows.append(tuple(x[token] for x, token in zip(places, choice, strict=True)))
            tops.append(tuple(top_reference(x, op.num_top or 0) for x in places))
        return ScoreResult(tuple(rows), tuple(tops) if op.num_top else None)

    def _embed(self, tokens: list[int]) -> tuple[float, ...]:
        self._check_length(len(tokens))
        if self._hidden is None:
            raise Refused("this backend knows no hidden states, so it has no embeddings")
        self._counts["forward_passes"] += 1
        state = self._hidden(tokens)
        norm = math.hypot(*state)
        return tuple(x / norm if norm else x for x in state)

    def _decode(self, stream: _Stream, op: Decode) -> DecodeResult:
        constraint = op.held_to
        if constraint is not None:
            budget = min(op.max_tokens, self.max_context - len(stream.tokens))
            if starts_complete(constraint, self._vocabulary, budget):
                return DecodeResult((), "", "constraint")
        self._check_length(len(stream.tokens) + 1)
        run = DecodeRun(
            op, self._logits, self._vocabulary, stream.tokens, self.max_context, self._encoder
        )
        run.jump()
        while run.finish is None:
            run.take()
            self._counts["decoded_tokens"] += 1
            run.jump()
        stream.decoded_tokens += run.sampled_tokens
        result = run.result()
        stream.forced_tokens += run.forced_tokens
        stream.tokens += result.ids[: result.num_kept]
        return result

    def _logits(self, tokens: Sequence[int]) -> list[float]:
        self._counts["forward_passes"] += 1
        return self._model(tokens)

    def _check_length(self, length: int) -> None:
        if length > self.max_context:
            raise Refused(f"{length} tokens are needed, the context holds {self.max_context}")
