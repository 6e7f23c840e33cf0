"""Files, over a real connection: what is uploaded comes back, and nobody's path is followed."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator

import httpx2
import openai
import pytest
from generators.servers import RunningServer

LINES = b'{"custom_id": "a"}\n{"custom_id": "b"}\n'


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="EMPTY", max_retries=0) as found:
        yield found


def test_what_is_uploaded_comes_back(client: openai.OpenAI) -> None:
    file = client.files.create(file=("lines.jsonl", LINES), purpose="batch")
    assert file.id.startswith("file-")
    assert (file.filename, file.purpose, file.bytes) == ("lines.jsonl", "batch", len(LINES))
    assert file.status == "processed"
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == LINES
    assert client.files.wait_for_processing(file.id) == file


def test_the_asynchronous_client(server: RunningServer) -> None:
    async def use() -> None:
        async with openai.AsyncOpenAI(
            base_url=f"{server.url}/v1", api_key="EMPTY", max_retries=0
        ) as client:
            file = await client.files.create(
                file=("lines.jsonl", io.BytesIO(LINES)), purpose="user_data"
            )
            assert await client.files.retrieve(file.id) == file
            assert (await client.files.content(file.id)).content == LINES
            assert file.id in [each.id async for each in client.files.list(purpose="user_data")]
            assert (await client.files.delete(file.id)).deleted
            with pytest.raises(openai.NotFoundError):
                await client.files.retrieve(file.id)

    asyncio.run(use())


def test_a_large_file_comes_back_whole(client: openai.OpenAI) -> None:
    data = bytes(range(256)) * (3 << 12)  # 3 MiB, many chunks
    file = client.files.create(file=("large.bin", data), purpose="user_data")
    with client.files.with_streaming_response.content(file.id) as reply:
        assert b"".join(reply.iter_bytes()) == data
    assert client.files.delete(file.id).deleted


def test_a_list_is_read_page_by_page(client: openai.OpenAI) -> None:
    made = [client.files.create(file=(f"{i}", b"x"), purpose="evals").id for i in range(5)]
    pages = client.files.list(purpose="evals", limit=2, order="asc")
    assert len(pages.data) == 2
    assert pages.has_more
    assert [each.id for each in pages] == made  # the client follows the pages
    latest = client.files.list(purpose="evals", limit=5)
    assert [each.id for each in latest.data] == made[::-1]
    assert not latest.has_more


def test_a_deleted_file_is_gone(client: openai.OpenAI, http: httpx2.Client) -> None:
    file = client.files.create(file=("lines.jsonl", LINES), purpose="batch")
    reply = http.delete(f"/v1/files/{file.id}")
    assert reply.json() == {"id": file.id, "object": "file", "deleted": True}
    for path in (f"/v1/files/{file.id}", f"/v1/files/{file.id}/content"):
        assert http.get(path).status_code == 404
    assert http.delete(f"/v1/files/{file.id}").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        "file-nothing",
        "..%2f..%2fetc%2fpasswd",
        "..",
        "%2e%2e%2f%2e%2e%2fstate.sqlite",
        "....//state.sqlite",
        "file-%00",
        "'%20OR%201=1--",
    ],
)
def test_an_id_is_never_a_path(server: RunningServer, http: httpx2.Client, wrong: str) -> None:
    for path in (f"/v1/files/{wrong}", f"/v1/files/{wrong}/content"):
        for method in ("GET", "DELETE"):
            reply = http.send(httpx2.Request(method, f"{server.url}{path}"))
            assert reply.status_code in (404, 405), reply.text  # `..` may be the list itself
            assert b"SQLite" not in reply.content


def test_a_name_that_is_a_path_is_only_a_label(client: openai.OpenAI) -> None:
    file = client.files.create(file=("../../etc/x\r\n.jsonl", b"1"), purpose="user_data")
    assert client.files.content(file.id).read() == b"1"
    assert "etc/x" in file.filename


@pytest.mark.parametrize(
    ("form", "files", "param"),
    [
        ({"purpose": "batch"}, None, None),
        ({"purpose": "nonsense"}, {"file": ("a", b"x")}, "purpose"),
        ({}, {"file": ("a", b"x")}, "purpose"),
        ({"purpose": "batch", "foo": "1"}, {"file": ("a", b"x")}, "foo"),
        ({"purpose": "batch" * 1000}, {"file": ("a", b"x")}, "purpose"),
        ({"purpose": "batch", "expires_after[seconds]": "9"}, {"file": ("a", b"x")}, None),
        ({"purpose": "batch"}, {"other": ("a", b"x")}, "other"),
        ({"purpose": "batch"}, [("file", ("a", b"x")), ("file", ("b", b"y"))], "file"),
    ],
)
def test_a_wrong_form_is_refused_by_its_field(
    http: httpx2.Client, form: dict[str, str], files: object, param: str | None
) -> None:
    before = http.get("/v1/files").json()
    reply = http.post("/v1/files", data=form, files=files)  # type: ignore[arg-type]  # any form
    assert reply.status_code == (415 if files is None else 400), reply.text
    if param is not None:
        assert reply.json()["error"]["param"] == param
    assert http.get("/v1/files").json() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
        b"--x\r\nContent-Type: text/plain\r\n\r\nno name\r\n--x--\r\n",
        b"--x\r\n" + b"A: b\r\n" * 100 + b"\r\n\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n1\r\n--x--\r\n',
    ],
)
def test_a_broken_body_is_refused(http: httpx2.Client, body: bytes) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = http.post("/v1/files", content=body, headers=kind)
    assert reply.status_code == 400, reply.text


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=x", "limit"),
        ("order=up", "order"),
        ("foo=1", "foo"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(http: httpx2.Client, query: str, param: str) -> None:
    reply = http.get(f"/v1/files?{query}")
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param
    assert http.get("/v1/files?after=file-none").status_code == 404


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/v1/files", "GET, HEAD, POST"), ("/v1/files/x", "DELETE, GET, HEAD")],
)
def test_a_wrong_method_is_told_the_right_ones(
    http: httpx2.Client, path: str, methods: str
) -> None:
    reply = http.put(path)
    assert reply.status_code == 405
    assert reply.headers["allow"] == methods
