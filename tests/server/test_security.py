"""What comes from outside stays text: no path, no header, no line of a log, no page."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import httpx2
import pytest
from generators.servers import RunningServer, start_server

from sglc.server.operations.key_file import edited

TRAVERSALS = (
    "..%2f..%2fetc%2fpasswd", "..%5c..%5cwin.ini", "%2e%2e%2f%2e%2e%2fkeys.json", "%2fetc%2fpasswd",
    "file-0%00.json", "....%2f%2f", "%252e%252e%252f", "~%2f.ssh", "con", "%c0%ae%c0%ae%2f", "*",
    "%0a", "." * 300, "a" * 4000,
)  # fmt: skip
PLACES = (
    ("GET", "/v1/files/{}"), ("DELETE", "/v1/files/{}"), ("GET", "/v1/files/{}/content"),
    ("GET", "/v1/batches/{}"), ("POST", "/v1/batches/{}/cancel"), ("GET", "/v1/programs/{}"),
    ("DELETE", "/v1/programs/{}"), ("GET", "/v1/programs/{}/ir"), ("GET", "/v1/programs/{}/plan"),
    ("GET", "/v1/programs/{}/viz"), ("POST", "/v1/programs/{}/run"), ("GET", "/v1/runs/{}"),
    ("DELETE", "/v1/runs/{}"), ("POST", "/v1/runs/{}/cancel"), ("GET", "/v1/runs/{}/events"),
    ("GET", "/v1/runs/{}/trace"), ("GET", "/v1/models/{}"),
)  # fmt: skip
SECRET = "kept where nobody asks for it"
PROGRAM = "prompt main() -> int:\n    return 1\n"
LINE = {
    "custom_id": "1", "method": "POST", "url": "/v1/completions",
    "body": {"prompt": "a", "max_tokens": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, list[str]]]:
    """A server with keys of two holders."""
    folder = tmp_path_factory.mktemp("keyed")
    with edited(folder / "keys.json") as found:
        keys = [found.add("ann", {}), found.add("ben", {"max_tokens": 8, "max_model_calls": 4})]
    flags = ("--api-keys", str(folder / "keys.json"), "--file-storage-pth", str(folder / "kept"))
    (folder / "secret.json").write_text(SECRET)
    running = start_server(folder, *flags)
    yield running, keys
    assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text(), running.log.read_text()


def client_of(keyed: tuple[RunningServer, list[str]], number: int) -> httpx2.Client:
    server, keys = keyed
    headers = {"authorization": f"Bearer {keys[number]}"}
    return httpx2.Client(base_url=server.url, timeout=60, headers=headers)


@pytest.fixture
def ann(keyed: tuple[RunningServer, list[str]]) -> Iterator[httpx2.Client]:
    with client_of(keyed, 0) as client:
        yield client


@pytest.fixture
def ben(keyed: tuple[RunningServer, list[str]]) -> Iterator[httpx2.Client]:
    with client_of(keyed, 1) as client:
        yield client


def stored(client: httpx2.Client) -> dict[str, str]:
    """An id of each kind of thing that is kept for a key."""
    upload = client.post(
        "/v1/files",
        files={"file": ("a.jsonl", json.dumps(LINE).encode())},
        data={"purpose": "batch"},
    )
    batch = client.post(
        "/v1/batches",
        json={
            "input_file_id": upload.json()["id"],
            "endpoint": "/v1/completions",
            "completion_window": "24h",
        },
    )
    program = client.post("/v1/programs", json={"source": PROGRAM})
    run = client.post(f"/v1/programs/{program.json()['id']}/run", json={"trace": True})
    session = client.post("/open_session", json={})
    found = {"files": upload, "batches": batch, "programs": program, "runs": run}
    assert all(each.status_code == 200 for each in found.values()), found
    return {name: each.json()["id"] for name, each in found.items()} | {"session": session.json()}


@pytest.mark.parametrize("wrong", TRAVERSALS, ids=range(len(TRAVERSALS)))
def test_an_id_leads_nowhere(wrong: str, ann: httpx2.Client) -> None:
    for method, place in PLACES:
        content = b"{}" if method == "POST" else b""
        reply = ann.request(method, place.format(wrong), content=content)
        assert reply.status_code in (400, 404), (method, place, reply.text)
        assert SECRET not in reply.text
        assert "root:" not in reply.text
        assert reply.headers["content-type"] == "application/json"


def test_an_id_in_a_body_leads_nowhere(ann: httpx2.Client) -> None:
    for wrong in ("../secret.json", "/etc/passwd", "file-../../secret", "a\0b"):
        body = {"input_file_id": wrong, "endpoint": "/v1/completions", "completion_window": "24h"}
        assert ann.post("/v1/batches", json=body).status_code == 404
        assert ann.post("/close_session", json={"session_id": wrong}).status_code == 400
        assert ann.get("/v1/files", params={"after": wrong}).status_code in (200, 400, 404)


def test_what_one_key_keeps_another_does_not_find(ann: httpx2.Client, ben: httpx2.Client) -> None:
    ids = stored(ann)
    for method, place in PLACES[:-1]:
        kind = place.split("/")[2]
        content = b"{}" if method == "POST" else b""
        strange = ben.request(method, place.format(ids[kind]), content=content)
        assert strange.status_code == 404, (method, place, strange.text)
        unknown = ben.request(method, place.format("nix"), content=content)
        assert strange.text.replace(ids[kind], "nix") == unknown.text  # nor that there is one
    body = {
        "input_file_id": ids["files"],
        "endpoint": "/v1/completions",
        "completion_window": "24h",
    }
    assert ben.post("/v1/batches", json=body).status_code == 404
    assert ben.post("/close_session", json={"session_id": ids["session"]}).status_code == 400
    answer = ben.post(f"/v1/runs/{ids['runs']}/tools/0", json={"result": 1})
    assert answer.status_code == 404
    for path in ("/v1/files", "/v1/batches", "/v1/programs"):
        assert not ben.get(path).json()["data"]
    for method, place in PLACES[:-1]:  # it is all still there for its owner
        if method == "GET":
            found = ann.get(place.format(ids[place.split("/")[2]]))
            assert found.status_code == 200, (place, found.text)
    assert ann.post("/close_session", json={"session_id": ids["session"]}).status_code == 200


def test_a_key_bounds_answers_times_tokens(ben: httpx2.Client) -> None:
    chat = {"messages": [{"role": "user", "content": "a"}]}
    for path, body in (
        ("/v1/completions", {"prompt": "a", "n": 4, "max_tokens": 3}),
        ("/v1/completions", {"prompt": ["a"] * 4, "max_tokens": 3}),
        ("/v1/completions", {"prompt": "a", "n": 1, "best_of": 4, "max_tokens": 3}),
        ("/v1/completions", {"prompt": "a", "n": 5, "max_tokens": 1}),
        ("/v1/chat/completions", chat | {"n": 4, "max_tokens": 3}),
        ("/v1/messages", chat | {"model": "m", "max_tokens": 9}),
        ("/v1/responses", {"input": "a", "max_output_tokens": 9}),
        ("/generate", {"text": "a", "sampling_params": {"n": 4, "max_new_tokens": 3}}),
        ("/generate", {"text": ["a"] * 4, "sampling_params": {"max_new_tokens": 3}}),
        ("/generate", {"text": "a", "sampling_params": {"max_new_tokens": None}}),
    ):
        reply = ben.post(path, json=body)
        assert reply.status_code == 400, (path, body, reply.text)
        assert "its key allows" in reply.json()["error"]["message"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP"])
def test_nothing_is_unpacked(coding: str, http: httpx2.Client) -> None:
    """A megabyte of zeros in a kilobyte."""
    bomb = gzip.compress(b"0" * (1 << 20))
    for path in ("/generate", "/v1/files", "/v1/messages"):
        reply = http.post(path, content=bomb, headers={"content-encoding": coding})
        assert reply.status_code == 415
        assert "Content-Encoding" in reply.json()["error"]["message"]


SPLIT = "a\r\nSet-Cookie: b=1\r\n\r\n<script>alert(1)</script>"


def test_a_rid_is_no_header(http: httpx2.Client) -> None:
    params = {"max_new_tokens": 1}
    reply = http.post("/generate", json={"text": "a", "rid": SPLIT, "sampling_params": params})
    assert reply.json()["meta_info"]["id"] == SPLIT
    assert "set-cookie" not in reply.headers
    streamed = http.post(
        "/generate", json={"text": "a", "rid": SPLIT, "sampling_params": params, "stream": True}
    )
    events = streamed.text.strip().split("\n\n")
    assert all(each.startswith("data: ") and "\n" not in each for each in events)


@pytest.mark.parametrize("given", [b"a\tb", b"a b", b"<b>", b"\xff", b"a" * 200, b'x"y'])
def test_an_id_of_a_request_is_sane_or_another(given: bytes, server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        head = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: "
        connection.sendall(head + given + b"\r\n\r\n")
        said = b""
        while chunk := connection.recv(65536):
            said += chunk
    assert b"200" in said.split(b"\r\n")[0]
    assert given not in said


def test_what_is_logged_is_one_line(keyed: tuple[RunningServer, list[str]]) -> None:
    server, _ = keyed
    with client_of(keyed, 0) as ann:
        before = len(server.log.read_text().splitlines())
        forged = "2026-01-01T00:00:00.000Z info - all is well"
        for text in ("%0a", "%0d%0a", "%e2%80%a8", "%c2%85", "%1b%5b2J", "%0b"):
            ann.get(f"/v1/models/{text}{forged}")
        lines = server.log.read_text().splitlines()[before:]
    assert len(lines) == 6
    assert not any(line.startswith(forged) for line in lines)
    assert "\x1b" not in "".join(lines)


def test_no_message_is_a_page(http: httpx2.Client) -> None:
    script = "<script>alert(1)</script>"
    replies = [
        http.get(f"/{script}"),
        http.get(f"/v1/models/{script}"),
        http.get(f"/v1/runs/{script}"),
        http.post("/generate", json={script: 1}),
        http.post("/v1/messages", json={script: 1}),
        http.post("/v1/completions", json={"prompt": "a", "regex": f"{script}("}),
        http.request("DELETE", "/generate", headers={"accept": "text/html"}),
    ]
    for reply in replies:
        assert reply.status_code >= 400
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
    source = f'prompt main() -> str:\n    return "{script}"\n'
    made = http.post("/v1/programs", json={"source": source}).json()
    page = http.get(f"/v1/programs/{made['id']}/viz")
    assert page.headers["content-type"].startswith("text/html")
    assert script not in page.text
    assert "sandbox" in page.headers["content-security-policy"]


def test_a_file_is_not_a_page(http: httpx2.Client) -> None:
    page = {"file": ("a.html", b"<script>alert(1)</script>", "text/html")}
    made = http.post("/v1/files", files=page, data={"purpose": "user_data"}).json()
    reply = http.get(f"/v1/files/{made['id']}/content")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
