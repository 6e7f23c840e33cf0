"""The scripted mock holds, resumes and groups streams as the other backends do."""

from __future__ import annotations

import pytest

from sglc.runtime.core.events import Decoded, Delta, Ended, Event, Held, Scored
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.core.stats import NOTHING
from sglc.runtime.engine.scripted import ScriptedBackend
from sglc.runtime.tokenizer.byte import ByteTokenizer


def asks(label: str, *, hold: bool = False) -> StreamRequest:
    return StreamRequest((Extend((1, 2)), Decode(9, label=label)), hold=hold)


def drain(backend: ScriptedBackend) -> list[Event]:
    events: list[Event] = []
    while not backend.idle:
        events += backend.step()
    return [event for event in events if not isinstance(event, Delta)]


def test_a_held_stream_is_idle_until_it_is_resumed() -> None:
    backend = ScriptedBackend({"a": "first", "b": "second"}, ByteTokenizer())
    stream = backend.submit(asks("a", hold=True))
    first, held = drain(backend)
    assert isinstance(first, Decoded)
    assert held == Held(stream, NOTHING)
    assert backend.snapshot().num_held == 1
    backend.resume(stream, asks("b"))
    second, ended = drain(backend)
    assert isinstance(second, Decoded)
    assert (first.result.text, second.result.text) == ("first", "second")
    assert ended == Ended(stream, NOTHING)
    assert (backend.snapshot().num_held, backend.stats()["resumes"]) == (0, 1)
    with pytest.raises(ValueError, match="not there to be resumed"):
        backend.resume(stream, asks("b"))


def test_a_prefill_that_waits_is_resumed_and_a_decode_is_not() -> None:
    backend = ScriptedBackend({"a": "text"}, ByteTokenizer())
    prefill = backend.submit(StreamRequest((Extend((1,)),), hold=True))
    decode = backend.submit(asks("a"))
    backend.resume(prefill, asks("a"))
    with pytest.raises(ValueError, match="has more to do"):
        backend.resume(decode, asks("a"))
    assert [type(event) for event in drain(backend)] == [Decoded, Ended] * 2


def test_a_cancelled_stream_is_held_no_more() -> None:
    backend = ScriptedBackend({"a": "text"}, ByteTokenizer())
    streams = backend.submit_group([asks("a", hold=True), asks("a")])
    drain(backend)
    assert backend.stats()["groups"] == 1
    for stream in streams:
        assert backend.cancel(stream) == NOTHING
    assert backend.snapshot().num_held == 0
    assert backend.submit_group([]) == []
    assert backend.stats()["groups"] == 1


def test_alternatives_are_the_tokens_of_the_other_choices() -> None:
    backend = ScriptedBackend({"a": "no"}, ByteTokenizer())
    choices = tuple(tuple(text.encode()) for text in ("yes", "no", "nay"))
    script = (Extend((1,)), Score(choices, "a", num_top=2))
    backend.submit(StreamRequest(script))
    scored, _ = drain(backend)
    assert isinstance(scored, Scored)
    tops = scored.result.top_logprobs
    assert tops is not None
    assert [[token for token, _ in top] for top in tops[1]] == [[*b"ny"], [*b"oa"]]
    assert tops[0][0] == tops[1][0] == tops[2][0]
    assert [top[0][1] for top in tops[1]] == list(scored.result.logprobs[1])
