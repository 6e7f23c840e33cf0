"""The backend by itself: scripts, holds, groups, options of the server's own tokens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import RunningServer

from sglc.compiler.plan.segments import Media, Text
from sglc.runtime.core.backend import ByteBackend
from sglc.runtime.core.events import Decoded, DecodeResult, Delta, Ended, Event, Failed, Held
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode, Embed, Extend, Score, StreamRequest, TokenReport
from sglc.runtime.remote.backend import RemoteBackend
from sglc.runtime.remote.capabilities import SGLANG_05, SGLC
from sglc.runtime.remote.open import Remote, open_remote
from sglc.runtime.remote.policy import Policy


@pytest.fixture(scope="module")
def remote(server: RunningServer) -> Iterator[Remote]:
    made = open_remote("native", url=server.url, policy=Policy(max_retries=0))
    yield made
    made.backend.close()


def events_of(backend: RemoteBackend) -> list[Event]:
    """Step until nothing runs; sleep until something comes."""
    wake = threading.Event()
    backend.listen(wake.set)
    events: list[Event] = []
    while not backend.idle:
        wake.clear()
        events += backend.step()
        if not backend.idle:
            wake.wait(10)
    return events


def ids(text: str) -> tuple[int, ...]:
    return tuple(text.encode())


def ask(text: str, op: Any, **more: Any) -> StreamRequest:
    return StreamRequest((Extend(ids(text)), op), **more)


def result_of(remote: Remote, text: str, op: Decode) -> DecodeResult:
    remote.backend.submit(ask(text, op))
    found = [each for each in events_of(remote.backend) if isinstance(each, Decoded)]
    assert len(found) == 1
    return found[0].result


def test_it_is_a_backend_of_bytes(remote: Remote) -> None:
    assert isinstance(remote.backend, ByteBackend)


def test_events_come_in_the_order_of_the_script(remote: Remote) -> None:
    script = (Extend(ids("One, two,")), Decode(3), Extend(ids(" and")), Decode(2))
    stream = remote.backend.submit(StreamRequest(script))
    events = events_of(remote.backend)
    assert {event.stream for event in events} == {stream}
    kinds = [(type(e), getattr(e, "op", None)) for e in events]
    order = list(dict.fromkeys(kinds))
    assert order == [(Delta, 1), (Decoded, 1), (Delta, 3), (Decoded, 3), (Ended, None)]
    last = events[-1]
    assert isinstance(last, Ended)
    assert last.stats.decoded_tokens == 5


def test_a_stream_is_held_and_goes_on(remote: Remote) -> None:
    backend = remote.backend
    stream = backend.submit(ask("One, two,", Decode(2), hold=True))
    assert isinstance(events_of(backend)[-1], Held)
    assert backend.snapshot().num_held == 1
    backend.resume(stream, ask("One, two, three,", Decode(2)))
    assert isinstance(events_of(backend)[-1], Ended)
    with pytest.raises(ValueError, match="is not there to be resumed"):
        backend.resume(stream, ask("One", Decode(1)))


def test_a_stream_of_extends_asks_nothing_and_may_be_resumed_at_once(remote: Remote) -> None:
    backend, before = remote.backend, remote.backend.usage
    stream = backend.submit(StreamRequest((Extend(ids("One")),), hold=True))
    backend.resume(stream, ask("One, two,", Decode(2)))
    events = events_of(backend)
    assert [type(event) for event in events[-2:]] == [Decoded, Ended]
    assert not any(isinstance(event, Held) for event in events)
    assert (backend.usage - before).requests == 1


def test_a_cancelled_stream_reports_nothing(server: RunningServer) -> None:
    backend = open_remote("native", url=server.url).backend
    stream = backend.submit(ask("One, two,", Decode(64)))
    backend.cancel(stream)
    assert backend.idle
    assert events_of(backend) == []
    backend.close()


def test_a_stream_that_is_cancelled_before_it_begins_asks_nothing(server: RunningServer) -> None:
    backend = open_remote("native", url=server.url).backend
    reached, go_on = threading.Event(), threading.Event()

    async def busy() -> None:
        reached.set()
        go_on.wait()

    holding = backend.server.start(busy())
    reached.wait()
    backend.cancel(backend.submit(ask("One, two,", Decode(64))))
    go_on.set()
    holding.result()
    backend.close()  # waits for whatever has begun
    assert backend.usage.requests == 0


@pytest.mark.parametrize("op", [Embed(), Score(((1,),))], ids=["embed", "score"])
def test_what_texts_cannot_give_is_refused(remote: Remote, op: Any) -> None:
    with pytest.raises(ValueError, match="a server that is asked for texts gives no"):
        remote.backend.submit(ask("x", op))


def test_a_group_with_one_that_is_refused_begins_nothing(remote: Remote) -> None:
    before = remote.backend.usage
    with pytest.raises(ValueError, match="gives no embeddings"):
        remote.backend.submit_group([ask("x", Decode(1)), ask("x", Embed())])
    assert remote.backend.idle
    assert remote.backend.usage == before


def test_texts_of_a_group_that_ask_the_same_are_one_request(remote: Remote) -> None:
    hot = SamplingParams(temperature=1.0)
    before = remote.backend.usage
    requests = [ask("Once upon", Decode(8, hot, key=key)) for key in range(4)]
    requests.append(ask("Once upon", Decode(9, hot, key=7)))
    streams = remote.backend.submit_group(requests)
    events = events_of(remote.backend)
    texts = {e.stream: e.result.text for e in events if isinstance(e, Decoded)}
    assert sorted(texts) == streams
    assert len(set(texts.values())) == 5
    for stream in streams:
        deltas = [e.text for e in events if isinstance(e, Delta) and e.stream == stream]
        assert "".join(deltas) == texts[stream]
    assert (remote.backend.usage - before).requests == 2


def test_a_stop_id_of_the_servers_model(remote: Remote, server: RunningServer) -> None:
    reply = httpx2.post(
        f"{server.url}/tokenize", json={"prompt": "The capital of France is Paris."}
    )
    dot = reply.json()["tokens"][-1]
    found = result_of(remote, "The capital of France is", Decode(8, stop_ids=frozenset({dot})))
    assert (found.text, found.finish, found.matched) == (" Paris", "stop", dot)


def test_log_probabilities_are_those_of_the_servers_tokens(remote: Remote) -> None:
    report = TokenReport(start=0, num_top=2)
    op = Decode(3, num_logprobs=0, report=report)
    found = result_of(remote, "The capital of France is", op)
    assert found.num_tokens == len(found.logprobs) == 3
    assert found.meta is not None
    assert [row[0] for row in found.meta["output_token_logprobs"]] == list(found.logprobs)
    assert [len(rows) for rows in found.meta["output_top_logprobs"]] == [2, 2, 2]
    assert len(found.meta["input_token_logprobs"]) == 5


def test_a_bias_on_a_token_of_the_servers_model(remote: Remote, server: RunningServer) -> None:
    reply = httpx2.post(f"{server.url}/tokenize", json={"prompt": "The capital of France is Paris"})
    paris = reply.json()["tokens"][-1]
    biased = SamplingParams(logit_bias=((paris, -100.0),))
    found = result_of(remote, "The capital of France is", Decode(1, biased))
    assert found.text != " Paris"


@pytest.fixture
def seeing(scripted: ScriptedServer) -> Iterator[Remote]:
    scripted.replies.append(Reply(body={"model_path": "m"}))
    made = open_remote("native", url=scripted.url, capabilities=SGLANG_05)
    yield made
    made.backend.close()


@pytest.mark.parametrize("count", [1, 2])
def test_pictures_are_sent_beside_the_text(
    scripted: ScriptedServer, seeing: Remote, count: int
) -> None:
    tokenizer = seeing.backend.tokenizer
    urls = [f"http://host/{number}.png" for number in range(count)]
    pictures: list[Media] = [tokenizer.new_media("image", url, "<image>") for url in urls]
    prompt = seeing.encoder.encode([*pictures, Text(" What is it?")])
    meta = {"finish_reason": {"type": "length"}, "prompt_tokens": 9, "completion_tokens": 1}
    scripted.replies.append(Reply(body={"text": "A cat", "meta_info": meta}))
    seeing.backend.submit(StreamRequest((Extend(tuple(prompt)), Decode(1)), deltas=False))
    assert isinstance(events_of(seeing.backend)[-1], Ended)
    (body,) = scripted.bodies("/generate")
    assert body["text"] == "<image>" * count + " What is it?"
    assert body["image_data"] == (urls if count > 1 else urls[0])


def test_a_server_of_text_is_sent_no_picture(remote: Remote) -> None:
    picture = remote.backend.tokenizer.new_media("image", "http://host/a.png", "<image>")
    prompt = remote.encoder.encode([picture, Text("What is it?")])
    before = remote.backend.usage
    remote.backend.submit(StreamRequest((Extend(tuple(prompt)), Decode(1))))
    (failed,) = events_of(remote.backend)
    assert isinstance(failed, Failed)
    assert failed.message == "sglc takes text only: no images, no videos"
    assert (remote.backend.usage - before).requests == 0


def test_no_more_requests_at_once_than_the_policy_says(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(body={"model_path": "m"}))
    policy = Policy(max_in_flight=3)
    made = open_remote("native", url=scripted.url, capabilities=SGLC, policy=policy)
    lock, at_once, most = threading.Lock(), [0], [0]
    meta = {"finish_reason": {"type": "length"}, "prompt_tokens": 1, "completion_tokens": 1}

    def answer(path: str, body: Any) -> Reply:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        threading.Event().wait(0.01)
        with lock:
            at_once[0] -= 1
        return Reply(body={"text": body["text"], "meta_info": meta})

    scripted.answer = answer
    for number in range(20):
        made.backend.submit(ask(str(number), Decode(1), deltas=False))
    texts = {e.result.text for e in events_of(made.backend) if isinstance(e, Decoded)}
    made.backend.close()
    assert texts == {str(number) for number in range(20)}
    assert most[0] == 3


def test_closing_gives_up_what_runs(scripted: ScriptedServer) -> None:
    scripted.replies += [Reply(body={"model_path": "m"}), Reply(body={}, pause_s=0.2)]
    before = threading.enumerate()
    made = open_remote("native", url=scripted.url, capabilities=SGLC)
    made.backend.submit(ask("x", Decode(1), deltas=False))
    made.backend.close()
    assert made.backend.idle
    begun = set(threading.enumerate()) - set(before)
    assert not [thread for thread in begun if thread.name == "sglc-remote"]


def test_a_stream_leaves_its_connection_to_the_next_one(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    connect = asyncio.BaseEventLoop.create_connection

    async def counted(*args: Any, **options: Any) -> Any:
        made.append(args)
        return await connect(*args, **options)

    backend = open_remote("native", url=server.url).backend
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", counted)
    for number in range(3):
        backend.submit(ask(f"{number} and", Decode(1)))
        assert isinstance(events_of(backend)[-1], Ended)
    backend.close()
    assert len(made) == 1
