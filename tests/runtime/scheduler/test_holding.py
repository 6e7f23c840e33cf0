"""Held streams go on where they were, give way to all others, and leave nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from sglc.runtime.core.events import Decoded, Ended, Event, Held
from sglc.runtime.core.script import Decode, Extend, StreamRequest


def drain(backend: Any) -> list[Event]:
    """Run until only held streams are left."""
    events: list[Event] = []
    while not backend.idle:
        events += backend.step()
    return events


def test_a_chain_is_one_queue_entry_and_computes_each_token_once(world: Any) -> None:
    scheduler, naive = world.scheduler(), world.naive()
    decode = Decode(4, ignore_eos=True)
    texts: list[list[str]] = []
    for backend in (scheduler, naive):
        ids: tuple[int, ...] = (1, 2, 3)
        stream = backend.submit(StreamRequest((Extend(ids), decode), hold=True))
        texts.append([])
        for turn in range(5):
            if turn:
                backend.resume(stream, StreamRequest((Extend(ids), decode), hold=turn < 4))
            *_, decoded, last = drain(backend)
            assert isinstance(decoded, Decoded)
            assert isinstance(last, Held if turn < 4 else Ended)
            assert last.stats.prompt_tokens == (1 if turn else 3)
            texts[-1].append(decoded.result.text)
            ids = (*ids, *decoded.result.ids, turn % 3)
    assert texts[0] == texts[1]
    stats = scheduler.stats()
    assert (stats["queue_entries"], stats["resumes"], stats["parked"]) == (1, 4, 0)
    assert stats["prefilled_tokens"] == 3 + 4 * (1 + 1)  # with each text, the token before it
    assert (stats["cached_tokens"], stats["recomputed_tokens"]) == (0, 0)


def test_a_stream_that_is_at_work_is_not_resumed(world: Any) -> None:
    request = StreamRequest((Extend((1, 2)), Decode(4)), hold=True)
    for backend in (world.scheduler(), world.naive()):
        stream = backend.submit(request)
        for number in (stream, stream + 1):
            with pytest.raises(ValueError, match=f"stream {number} is not there to be resumed"):
                backend.resume(number, request)
        drain(backend)
        with pytest.raises(ValueError, match="must begin with the whole sequence"):
            backend.resume(stream, StreamRequest((Extend(()), Extend((1,)))))
        backend.resume(stream, request)
