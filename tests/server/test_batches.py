"""Batches over a real connection, through the restart of the server and of its engine."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from generators.servers import RunningServer, start_server
from openai.types import Batch

URL = "/v1/chat/completions"


def request(custom_id: str, max_tokens: int = 4, **body: Any) -> dict[str, Any]:
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": URL,
        "body": {
            "model": "embedded",
            "messages": [{"role": "user", "content": f"Say {custom_id}."}],
            "temperature": 0,
            "max_tokens": max_tokens,
            **body,
        },
    }


def connect(server: RunningServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="EMPTY", max_retries=0)


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[openai.OpenAI]:
    with connect(server) as found:
        yield found


def submit(client: openai.OpenAI, lines: Sequence[dict[str, Any]], endpoint: Any = URL) -> Batch:
    data = "\n".join(json.dumps(line) for line in lines).encode()
    file = client.files.create(file=("in.jsonl", data), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint=endpoint,
        completion_window="24h",
        metadata={"name": "value"},
    )


def until(client: openai.OpenAI, batch: Batch, ready: Callable[[Batch], bool]) -> Batch:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = client.batches.retrieve(batch.id)
        if ready(found):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def end_of(client: openai.OpenAI, batch: Batch) -> Batch:
    return until(client, batch, lambda found: found.status in ("completed", "failed", "cancelled"))


def num_done(batch: Batch) -> int:
    assert batch.request_counts is not None
    return batch.request_counts.completed + batch.request_counts.failed


def lines_of(client: openai.OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    assert file_id is not None
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


def test_a_batch_answers_as_the_endpoint_does(client: openai.OpenAI) -> None:
    lines = [request(f"r{i}") for i in range(6)] + [request("bad", foo=1)]
    begun = submit(client, lines)
    assert begun.status == "validating"
    assert begun.metadata == {"name": "value"}
    assert begun.expires_at == begun.created_at + 24 * 3600
    batch = end_of(client, begun)
    assert batch.status == "completed"
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 7, "completed": 6, "failed": 1}
    output = lines_of(client, batch.output_file_id)
    assert [line["custom_id"] for line in output] == [f"r{i}" for i in range(6)]
    for line, asked in zip(output, lines, strict=False):
        direct = client.chat.completions.create(**asked["body"])
        assert line["response"]["status_code"] == 200
        body = line["response"]["body"]
        assert body["choices"] == direct.to_dict()["choices"]
        assert openai.types.chat.ChatCompletion.model_validate(body).usage == direct.usage
    (error,) = lines_of(client, batch.error_file_id)
    assert error["custom_id"] == "bad"
    assert error["response"]["status_code"] == 400
    assert error["response"]["body"]["error"]["param"] == "foo"
    assert batch.output_file_id is not None
    stored = client.files.retrieve(batch.output_file_id)
    assert (stored.purpose, stored.filename) == ("batch_output", f"{batch.id}_output.jsonl")


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("/v1/completions", {"prompt": ["The capital of", "One two"], "temperature": 0, "n": 2}),
        ("/v1/embeddings", {"input": ["a", "b"]}),
        ("/v1/responses", {"input": "One two", "temperature": 0, "max_output_tokens": 9}),
    ],
)
def test_every_endpoint_of_batches_gives_what_it_gives_directly(
    client: openai.OpenAI, http: httpx2.Client, endpoint: str, body: dict[str, Any]
) -> None:
    line = {"custom_id": "a", "method": "POST", "url": endpoint, "body": body}
    batch = end_of(client, submit(client, [line], endpoint))
    (made,) = lines_of(client, batch.output_file_id)
    direct = http.post(endpoint, json=body).json()
    for name in ("choices", "data", "usage", "output_text"):
        assert made["response"]["body"].get(name) == direct.get(name)


def test_the_asynchronous_client(server: RunningServer, client: openai.OpenAI) -> None:
    async def use(begun: Batch) -> None:
        async with openai.AsyncOpenAI(
            base_url=f"{server.url}/v1", api_key="EMPTY", max_retries=0
        ) as other:
            assert (await other.batches.retrieve(begun.id)).id == begun.id
            listed = [each.id async for each in other.batches.list(limit=1)]
            assert begun.id in listed
            cancelled = await other.batches.cancel(begun.id)
            assert cancelled.status in ("cancelling", "cancelled")

    lines = [request(f"r{i}", max_tokens=1000, ignore_eos=True) for i in range(40)]
    begun = submit(client, lines)
    asyncio.run(use(begun))
    ended = end_of(client, begun)
    assert ended.status == "cancelled"
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(begun.id)


def test_a_list_is_read_page_by_page(client: openai.OpenAI) -> None:
    made = [submit(client, [request("a")]).id for _ in range(3)]
    page = client.batches.list(limit=2)
    assert [each.id for each in page.data] == made[:0:-1]
    assert page.has_more
    behind = client.batches.list(limit=1, after=made[1])
    assert [each.id for each in behind.data] == made[:1]
    for batch_id in made:
        end_of(client, client.batches.retrieve(batch_id))


def test_a_wrong_input_fails_and_says_where(client: openai.OpenAI) -> None:
    batch = end_of(client, submit(client, [request("a"), request("a")]))
    assert batch.status == "failed"
    assert batch.errors is not None
    assert batch.errors.data is not None
    (error,) = batch.errors.data
    assert (error.code, error.param, error.line) == ("duplicate_custom_id", "custom_id", 2)


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"input_file_id": "file-none"}, 404, None),
        ({"input_file_id": "../state.sqlite"}, 404, None),
        ({"input_file_id": "file-\ud800"}, 400, None),
        ({"endpoint": "/v1/moderations"}, 400, "endpoint"),
        ({"completion_window": "1h"}, 400, "completion_window"),
        ({"metadata": {"a": 1}}, 400, "metadata.a"),
        ({"metadata": {"a": "x" * 513}}, 400, "metadata.a"),
        ({"metadata": {str(i): "" for i in range(17)}}, 400, "metadata"),
        (
            {"output_expires_after": {"anchor": "created_at", "seconds": 3600}},
            400,
            "output_expires_after",
        ),
    ],
)
def test_a_wrong_batch_is_refused_by_its_field(
    client: openai.OpenAI,
    http: httpx2.Client,
    changes: dict[str, Any],
    status: int,
    param: str | None,
) -> None:
    file = client.files.create(file=("in.jsonl", b"{}"), purpose="batch")
    body = {"input_file_id": file.id, "endpoint": URL, "completion_window": "24h"}
    reply = http.post("/v1/batches", content=json.dumps(body | changes))
    assert reply.status_code == status, reply.text
    assert reply.json()["error"]["param"] == param
    other = client.files.create(file=("in.jsonl", b"{}"), purpose="user_data")
    reply = http.post("/v1/batches", json=body | {"input_file_id": other.id})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "input_file_id"


@pytest.mark.parametrize("wrong", ["batch_none", "..%2f..%2fetc", "%00", "batch_' OR 1=1"])
def test_an_unknown_batch_is_not_found(http: httpx2.Client, wrong: str) -> None:
    assert http.get(f"/v1/batches/{wrong}").status_code == 404
    assert http.post(f"/v1/batches/{wrong}/cancel").status_code == 404


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_a_batch_survives_the_engine_and_the_server(folder: Path) -> None:
    server = start_server(folder)
    lines = [request(f"r{i}", max_tokens=100, ignore_eos=True) for i in range(120)]
    with connect(server) as client:
        uploaded = client.files.create(file=("kept", b"kept"), purpose="user_data")
        batch = submit(client, lines)
        until(client, batch, lambda found: num_done(found) >= 5)
        os.kill(server.engine_pid(), signal.SIGKILL)
        before = num_done(client.batches.retrieve(batch.id))
        until(client, batch, lambda found: num_done(found) > before)
        done = num_done(client.batches.retrieve(batch.id))
    server.process.kill()
    server.process.wait()
    server = start_server(folder)
    try:
        with connect(server) as client:
            now = client.batches.retrieve(batch.id)
            assert done <= num_done(now) < 120
            ended = end_of(client, batch)
            assert ended.status == "completed"
            output = lines_of(client, ended.output_file_id)
            assert [line["custom_id"] for line in output] == [f"r{i}" for i in range(120)]
            assert ended.error_file_id is None
            assert ended.created_at == batch.created_at
            assert client.files.content(uploaded.id).read() == b"kept"
    finally:
        assert server.stop() == 0, server.log.read_text()


def test_a_full_disk_is_said_so_and_a_batch_waits_for_room(folder: Path) -> None:
    server = start_server(folder)
    pid = server.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    try:
        with connect(server) as client:
            batch = submit(client, [request(f"r{i}", max_tokens=32) for i in range(40)])
            until(client, batch, lambda found: num_done(found) >= 1)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limits[1]))
            with pytest.raises(openai.InternalServerError) as found:
                client.files.create(file=("f", b"x"), purpose="user_data")
            assert found.value.status_code == 507
            assert "disk is full" in str(found.value)
            before = num_done(client.batches.retrieve(batch.id))
            time.sleep(0.3)
            assert num_done(client.batches.retrieve(batch.id)) == before
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
            ended = end_of(client, batch)
            assert ended.request_counts is not None
            assert ended.request_counts.completed == 40
            assert client.files.create(file=("f", b"x"), purpose="user_data").bytes == 1
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
        assert server.stop() == 0, server.log.read_text()


HEAD = (
    b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
)


def test_an_upload_that_is_cut_off_leaves_nothing(folder: Path) -> None:
    server = start_server(folder, "--max-file-bytes", "2500000")

    def slow(stop: Callable[[], None]) -> Iterator[bytes]:
        yield HEAD
        for _ in range(20):
            yield b"x" * 100_000
        while not list((folder / "sglc-storage" / "partial").iterdir()):
            time.sleep(0.01)
        stop()
        while True:
            yield b"x" * 100_000

    def gone() -> None:
        raise ConnectionError

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    with httpx2.Client(base_url=server.url) as http:
        for size in (2_500_001, 9_000_000):
            body = HEAD + b"x" * size + b"\r\n--x--\r\n"
            for content in (body, iter([body])):  # of known length, and not
                refused = http.post("/v1/files", content=content, headers=kind)
                assert refused.status_code == 413
                assert "2500000 bytes" in refused.text
        with pytest.raises(ConnectionError):
            http.post("/v1/files", content=slow(gone), headers=kind)
        deadline = time.monotonic() + 10
        while list((folder / "sglc-storage" / "partial").iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    with httpx2.Client(base_url=server.url) as http, pytest.raises(httpx2.HTTPError):
        http.post("/v1/files", content=slow(server.process.kill), headers=kind)
    server.process.wait()
    assert list((folder / "sglc-storage" / "partial").iterdir())
    server = start_server(folder)
    try:
        assert not list((folder / "sglc-storage" / "partial").iterdir())
        with connect(server) as client:
            assert client.files.list().data == []
    finally:
        assert server.stop() == 0, server.log.read_text()
