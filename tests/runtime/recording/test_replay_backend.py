"""The backend of a recording, stream by stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from generators.hash_model import scheduler
from generators.recorded import about
from generators.streams import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import Decoded, DecodeResult, Delta, Ended, Event, Failed, Held
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.core.stats import NOTHING
from sglc.runtime.executor.tap import tapped
from sglc.runtime.executor.walk import Asked
from sglc.runtime.recording.keys import call_key
from sglc.runtime.recording.reader import read_recording
from sglc.runtime.recording.recording import Recording
from sglc.runtime.recording.replay_backend import NOT_RECORDED, ReplayBackend
from sglc.runtime.recording.writer import RecordingWriter

WARM = SamplingParams(temperature=1.0)
A, B = Decode(3, label="a"), Decode(3, label="b")


def drain(backend: Backend) -> list[Event]:
    events: list[Event] = []
    while not backend.idle:
        events += backend.step()
    return events


def told(events: Iterable[Event]) -> list[tuple[int, list[Any]]]:
    """By stream: its events without what they cost, the deltas of a decode joined."""
    streams: dict[int, list[Any]] = {}
    for event in events:
        seen = streams.setdefault(event.stream, [])
        if isinstance(event, Ended | Held | Failed):
            event = replace(event, stats=NOTHING)
        if isinstance(event, Delta) and seen and isinstance(seen[-1], Delta):
            before: Delta = seen.pop()
            event = Delta(
                event.stream, event.op, before.text + event.text, before.ids + event.ids,
                before.logprobs + event.logprobs, before.top_logprobs + event.top_logprobs,
            )  # fmt: skip
        seen.append(event)
    shown = [[e for e in seen if not isinstance(e, Delta) or e.text or e.ids] for seen in
             (streams[number] for number in sorted(streams))]  # fmt: skip
    return list(enumerate(_numbered(shown)))


def _numbered(streams: Sequence[list[Any]]) -> list[list[Any]]:
    return [[replace(e, stream=i) for e in seen] for i, seen in enumerate(streams)]


def record(path: Path, given: Sequence[StreamRequest]) -> tuple[Recording, list[Event]]:
    inner = scheduler(20_000)
    writer = RecordingWriter(path, about(inner))
    backend = tapped(inner)
    backend.listen_to(writer)
    backend.submit_group(given)
    events = drain(backend)
    writer.close()
    return read_recording(path), events


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(requests(), min_size=1, max_size=4), st.data())
def test_scripts_come_to_the_same_whatever_is_missing(
    tmp_path_factory: pytest.TempPathFactory, given_: list[StreamRequest], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("r") / "a.sglrec"
    recording, events = record(path, given_)
    replayed = ReplayBackend(recording)
    replayed.submit_group(given_)
    assert told(drain(replayed)) == told(events)
    assert replayed.missing == []
    assert (replayed.num_executed, replayed.num_unused) == (0, 0)

    gone = data.draw(st.sets(st.sampled_from([*recording.calls, 0])))
    recording.calls = {n: call for n, call in recording.calls.items() if n not in gone}
    loaded: list[Backend] = []

    def load() -> Backend:
        loaded.append(scheduler(20_000))
        return loaded[-1]

    partly = ReplayBackend(recording, load)
    partly.submit_group(given_)
    assert told(drain(partly)) == told(events)
    assert len(loaded) <= bool(gone - {0})
    assert bool(loaded) or partly.num_executed == 0
    assert all(each.idle for each in loaded)


def test_a_stream_is_executed_from_its_first_unknown_call_on(tmp_path: Path) -> None:
    script = (Extend((1, 2)), A, Extend((3,)), B)
    recording, _ = record(tmp_path / "a", [StreamRequest(script)])
    edited = StreamRequest((Extend((1, 2)), A, Extend((4,)), B, Extend((5,)), A))
    backend = ReplayBackend(recording, lambda: scheduler(500))
    backend.submit(edited)
    expected = scheduler(500)
    expected.submit(edited)
    assert told(drain(backend)) == told(drain(expected))
    assert (backend.num_played, backend.num_executed, backend.num_unused) == (1, 2, 1)
    assert backend.stats()["executed_calls"] == 2


def test_a_held_stream_goes_on_on_either_side(tmp_path: Path) -> None:
    first = StreamRequest((Extend((1, 2)), A), hold=True)
    recording, events = record(tmp_path / "a", [first])
    (result,) = [e.result for e in events if isinstance(e, Decoded)]
    inner = scheduler(500)
    backend = ReplayBackend(recording, lambda: inner)
    stream = backend.submit(first)
    assert isinstance(drain(backend)[-1], Held)
    assert backend.snapshot().num_held == 1
    ids = (1, 2, *result.ids[: result.num_kept])
    for turn in range(3):  # nothing of that is recorded: the other backend holds it from here on
        backend.resume(stream, StreamRequest((Extend((*ids, 9)), B), hold=turn < 2))
        *_, decoded, last = drain(backend)
        assert isinstance(decoded, Decoded)
        assert isinstance(last, Held if turn < 2 else Ended)
        ids = (*ids, 9, *decoded.result.ids[: decoded.result.num_kept])
    assert inner.stats()["resumes"] == 2
    assert (backend.num_played, backend.num_executed) == (1, 3)
    assert inner.snapshot().num_held == backend.snapshot().num_held == 0
    with pytest.raises(ValueError, match="is not there to be resumed"):
        backend.resume(stream, first)


def test_what_is_recorded_is_not_asked_of_a_stream_that_is_held_elsewhere(tmp_path: Path) -> None:
    known = StreamRequest((Extend((7, 7)), A))
    recording, events = record(tmp_path / "a", [known])
    inner = scheduler(500)
    backend = ReplayBackend(recording, lambda: inner)
    stream = backend.submit(StreamRequest((Extend((7,)), A), hold=True))
    drain(backend)
    assert inner.snapshot().num_held == 1
    backend.resume(stream, known)
    assert told(drain(backend)) == told(events)
    assert backend.num_executed == 1
    assert inner.snapshot().num_held == 0
    assert backend.idle


def test_unknown_calls_fail_when_nothing_else_is_left(tmp_path: Path) -> None:
    recording, _ = record(tmp_path / "a", [StreamRequest((Extend((1,)), A))])
    backend = ReplayBackend(recording)
    unknown = backend.submit(StreamRequest((Extend((2,)), B), priority=5))
    unwanted = backend.submit(StreamRequest((Extend((3,)), B), priority=5))
    known = backend.submit(StreamRequest((Extend((1,)), A), priority=-1, deltas=False))
    assert backend.step() == backend.step() == []
    assert [type(e) for e in backend.step()] == [Decoded, Ended]
    backend.cancel(unwanted)  # what came of the answer made nobody want it
    assert backend.step() == [Failed(unknown, 1, NOT_RECORDED)]
    assert backend.missing == [Asked((2,), B, "")]
    assert backend.idle
    assert known == 3


def test_a_call_that_was_cancelled_is_no_answer_and_takes_no_place(tmp_path: Path) -> None:
    inner = scheduler(500)
    writer = RecordingWriter(tmp_path / "a", about(inner))
    backend = tapped(inner)
    backend.listen_to(writer)
    stream = backend.submit(StreamRequest((Extend((1,)), A)))
    backend.step()
    backend.cancel(stream)
    backend.submit(StreamRequest((Extend((1,)), A)))
    drain(backend)
    writer.close()
    recording = read_recording(tmp_path / "a")
    assert [call.answer is None for call in recording.calls.values()] == [True, False]
    replayed = ReplayBackend(recording)
    replayed.submit(StreamRequest((Extend((1,)), A)))
    assert any(isinstance(e, Decoded) for e in drain(replayed))
    assert replayed.num_unused == 0


def test_a_failure_is_recorded_like_an_answer(tmp_path: Path) -> None:
    too_long = StreamRequest((Extend((1,) * 5000), A))
    recording, events = record(tmp_path / "a", [too_long])
    replayed = ReplayBackend(recording)
    replayed.submit(too_long)
    (failed,), (again,) = events, drain(replayed)
    assert isinstance(failed, Failed)
    assert isinstance(again, Failed)
    assert again.message == failed.message
    assert replayed.missing == []


def test_equal_requests_have_their_answers_in_order(tmp_path: Path) -> None:
    """A model that does not always say the same: what was drawn for a call stays with it."""
    asked = [Asked((1,), replace(A, key=site), "") for site in (0, 0, 7)]
    writer = RecordingWriter(tmp_path / "a", about(scheduler(500)))
    for each, text in zip(asked, "xyz", strict=True):
        writer.answered(each, DecodeResult((1,), text, "length", num_kept=1))
    writer.close()
    backend = ReplayBackend(read_recording(tmp_path / "a"))

    def ask(site: int) -> str:
        backend.submit(StreamRequest((Extend((1,)), replace(A, key=site)), deltas=False))
        decoded = drain(backend)[0]
        assert isinstance(decoded, Decoded)
        return decoded.result.text

    assert [ask(site) for site in (7, 0, 9, 0, 7, 8)] == ["z", "x", "y", "y", "z", "z"]


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (replace(A, label="other", expect=2, jump=False, key=9), True),
        (replace(A, max_tokens=4), False),
        (replace(A, stop=("x",)), False),
        (replace(A, heal=b"x"), False),
        (replace(A, sampling=WARM), False),
        (replace(A, num_logprobs=0), False),
        (Score(((1,),)), False),
    ],
)
def test_a_key_is_made_of_what_the_answer_depends_on(other: Any, is_same: bool) -> None:
    assert (call_key(Asked((1,), other, "")) == call_key(Asked((1,), A, ""))) == is_same
    assert call_key(Asked((1,), other, "n")) != call_key(Asked((1,), other, ""))
    assert call_key(Asked((1, 1), other, "")) != call_key(Asked((1,), other, ""))


def test_random_numbers_are_part_of_the_key_where_they_are_drawn() -> None:
    keys = [call_key(Asked((1,), Decode(3, WARM, key=n), "")) for n in (1, 2, 1)]
    assert [Counter(keys)[key] for key in keys] == [2, 1, 2]
    assert call_key(Asked((1,), Decode(3, key=1), "")) == call_key(
        Asked((1,), Decode(3, key=2), "")
    )


def test_ids_that_the_model_has_not_are_refused(tmp_path: Path) -> None:
    recording, _ = record(tmp_path / "a", [StreamRequest((Extend((1,)), A))])
    backend = ReplayBackend(recording)
    with pytest.raises(ValueError, match=r"token ids must be in \[0, 259\)"):
        backend.submit_group([StreamRequest((Extend((300,)), A))])
    assert backend.idle
