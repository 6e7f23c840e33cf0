"""A small vocabulary with awkward borders, the hash model over it, and two backends that run it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch

from sglc.runtime.config import EngineConfig
from sglc.runtime.core.backend import Backend
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
)
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.engine.naive_backend import NaiveBackend
from sglc.runtime.scheduler.scheduler import Scheduler

torch.set_num_threads(1)

PIECES = [b"a", b"b", b"c", b"ab", b"bc", b"abc", b"ca", b"1", b"2", b"12", b'"', b" ", b'a"',
          "é".encode()[:1], "é".encode()[1:], "é".encode(), b"\xff", b"", b""]  # fmt: skip
EOS = len(PIECES) - 1
VOCAB_SIZE = len(PIECES) + 2  # the model has more logits than the tokenizer has tokens
MAX_CONTEXT = 64


class Encoder:
    """Cuts text for the vocabulary: the longest piece first, within runs of one kind of letters."""

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the ids; letters that no piece has are lost."""
        ids: list[int] = []
        for word in re.findall("[abc]+|[0-9]+|[^abc0-9]", text):
            rest = word.encode()
            while rest:
                pieces = [p for p in PIECES if p and rest.startswith(p)]
                best = max(pieces, key=len, default=b"")
                if best:
                    ids.append(PIECES.index(best))
                rest = rest[max(1, len(best)) :]
        return ids

    def commit_points(self, text: str, following: Collection[int] | None = None) -> list[int]:
        """Return the borders of the runs; the end of the last one, if nothing can lengthen it."""
        found = [m.start() for m in re.finditer("[abc]+|[0-9]+|[^abc0-9]", text)] or [0]
        longer = [t for t in map(chr, following or ()) if len(set(_kinds(text[-1:] + t))) == 1]
        is_settled = following is not None and text and (not longer or not text[-1].isalnum())
        return [*found, len(text)] if is_settled else found


def _kinds(text: str) -> list[str]:
    return ["digit" if c.isdigit() else "letter" if c in "abc" else c for c in text]


@dataclass(frozen=True)
class World:
    """Makes backends over the same model, and compares what they report."""

    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary.of(PIECES, [EOS]))
    vocab_size: int = VOCAB_SIZE
    eos: int = EOS
    max_context: int = MAX_CONTEXT

    def runner(self, num_slots: int = 2000) -> HashRunner:
        """Return a fresh hash model."""
        return HashRunner(VOCAB_SIZE, num_slots, MAX_CONTEXT, eos_id=EOS)

    def scheduler(
        self, num_slots: int = 2000, jump_forward: bool = False, **limits: Any
    ) -> Scheduler:
        """Return a scheduler with ``num_slots - 1`` usable slots."""
        config = EngineConfig(jump_forward=jump_forward, **limits)
        return Scheduler(self.runner(num_slots), self.vocabulary, config, Encoder())

    def naive(self, jump_forward: bool = False) -> NaiveBackend:
        """Return the backend that everything is compared with."""
        return NaiveBackend(
            lambda ids: hash_logits(ids, VOCAB_SIZE, EOS),
            self.vocabulary,
            VOCAB_SIZE,
            MAX_CONTEXT,
            Encoder() if jump_forward else None,
            lambda ids: hash_logits(ids, VOCAB_SIZE, EOS),
        )

    def run(self, backend: Backend, requests: list[StreamRequest]) -> dict[int, list[Event]]:
        """Run to the end, checking slots and order; events by position of the request."""
        ids = [backend.submit(request) for request in requests]
        events: dict[int, list[Event]] = {i: [] for i in ids}
        steps = 0
        while not backend.idle:
            for event in backend.step():
                events[event.stream].append(event)
            if isinstance(backend, Scheduler):
                usage = backend.slot_usage
                assert usage.free + usage.cached + usage.held == usage.total
            steps += 1
            assert steps < 20_000
        if isinstance(backend, Scheduler):
            assert backend.slot_usage.held == 0
            assert backend.flush_cache() == backend.slot_usage.total - usage.free
            assert backend.slot_usage.free == backend.slot_usage.total
        return {position: events[i] for position, i in enumerate(ids)}


def outcome(events: list[Event]) -> list[object]:
    """What must not depend on how a stream was run: results, joined deltas, how it ended."""
    found: list[object] = []
    text = ""
    deltas: list[Delta] = []
    for event in events:
        if isinstance(event, Delta):
            deltas.append(event)
            text += event.text
        elif isinstance(event, Decoded):
            _check_deltas(deltas, event.result)
            deltas = []
            tops = event.result.top_logprobs
            rounded = None if tops is None else _rounded(tops)
            logprobs = tuple(round(x, 6) for x in event.result.logprobs)
            result = replace(event.result, logprobs=logprobs, top_logprobs=rounded)
            found.append((event.op, text, result))
            text = ""
        elif isinstance(event, Scored):
            rows = [[round(x, 6) for x in row] for row in event.result.logprobs]
            tops = event.result.top_logprobs
            found.append((event.op, rows, None if tops is None else [*map(_rounded, tops)]))
        elif isinstance(event, Embedded):
            found.append((event.op, [round(x, 6) for x in event.vector]))
        elif isinstance(event, Failed):
            found.append((event.op, "failed"))
        else:
            stats = event.stats
            found.append((stats.prompt_tokens, stats.decoded_tokens, stats.forced_tokens))
    assert sum(isinstance(event, (Ended, Held, Failed)) for event in events) == 1
    assert isinstance(events[-1], (Ended, Held, Failed))
    return found


def _check_deltas(deltas: list[Delta], result: DecodeResult) -> None:
    """Deltas, where there are any, say what the result says: everything once and in order."""
    if not deltas:
        return
    assert "".join(delta.text for delta in deltas) == result.text
    assert tuple(i for delta in deltas for i in delta.ids) == result.ids
    assert tuple(x for delta in deltas for x in delta.logprobs) == result.logprobs
    assert tuple(x for delta in deltas for x in delta.top_logprobs) == (result.top_logprobs or ())
    for delta in deltas:
        assert len(delta.logprobs) in ({len(delta.ids)} if result.logprobs else {0})
    assert all(delta.text for delta in deltas[:-1])


def _rounded(
    tops: tuple[tuple[tuple[int, float], ...], ...],
) -> tuple[tuple[tuple[int, float], ...], ...]:
    return tuple(tuple((i, round(x, 6)) for i, x in top) for top in tops)


@pytest.fixture(scope="session")
def world() -> World:
    """The model, the vocabulary and the backends."""
    return World()


@pytest.fixture(scope="session")
def same_outcome() -> Callable[[list[Event]], list[object]]:
    """The function that reduces events to what must be equal."""
    return outcome
