"""The files of the page: what is sent, with which headers, and nothing else."""

from __future__ import annotations

import json
import re
import socket

import httpx2
import pytest
from generators.servers import RunningServer
from generators.uploads import upload

from sglc.server.web.files import web_files

NAMES = sorted(web_files())
EXAMPLES = [name for name in NAMES if name.startswith("examples/")]


@pytest.mark.parametrize("path", ["/", "/status"])
def test_the_page_may_load_nothing_but_what_is_ours(http: httpx2.Client, path: str) -> None:
    reply = http.get(path)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.findall(r"<script>|<style|\sstyle=|\son\w+=", reply.text)
    links = re.findall(r"(?:src|href)=[\"']?([^\"'> ]+)", reply.text)
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in links)
    for link in links:
        if link.startswith("/"):
            assert http.get(link).status_code == 200, link


def test_the_frame_of_the_visualizer_has_no_origin(http: httpx2.Client) -> None:
    policy = http.get("/web/viewer.html").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_sent_once(http: httpx2.Client, name: str) -> None:
    first = http.get(f"/web/{name}")
    assert first.content == web_files()[name].data
    assert (first.headers["cache-control"], first.headers["x-content-type-options"]) == (
        "no-cache",
        "nosniff",
    )
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = http.get(f"/web/{name}", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert http.get(f"/web/{name}", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/web/",
        "/web/files.py",
        "/web/../files.py",
        "/web/%2e%2e/files.py",
        "/web/examples/..%2f..%2ffiles.py",
        "/web//etc/passwd",
        "/web/..%5cfiles.py",
        "/web/examples",
        "/web/main.js%00",
    ],
)
def test_nothing_else_can_be_had(server: RunningServer, path: str) -> None:
    """Sent as written: a client would tidy the path up first."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        reply = b"".join(iter(lambda: line.recv(65536), b""))
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404"), head
    assert "error" in json.loads(body)


def test_every_example_can_be_chosen_and_has_nothing_to_complain_of(http: httpx2.Client) -> None:
    page = http.get("/").text
    chosen = re.findall(r'<option value="(\w+)">', page)
    assert sorted(f"examples/{name}.sgl" for name in chosen) == EXAMPLES
    for name in EXAMPLES:
        reply = http.post("/v1/programs", json={"source": http.get(f"/web/{name}").text})
        assert reply.status_code == 200, reply.text
        assert reply.json()["warnings"] == []
        (prompt,) = reply.json()["prompts"]
        assert prompt["parameters"]["required"] == []  # the page runs it as it is


def test_what_is_only_checked_is_not_kept(http: httpx2.Client) -> None:
    source = "prompt only_checked(a: int) -> int:\n    return a\n"
    reply = http.post("/v1/programs", json={"source": source, "keep": False})
    assert reply.json()["prompts"][0]["name"] == "only_checked"
    program = reply.json()["id"]
    assert http.get(f"/v1/programs/{program}").status_code == 404
    assert program not in http.get("/v1/programs").text
    assert upload(http, source) == program
    wrong = http.post("/v1/programs", json={"source": "prompt f(:\n", "keep": False})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "program_error")


def test_scripts_import_files_that_are_there() -> None:
    scripts = [name for name in NAMES if name.endswith(".js")]
    for name in scripts:
        text = web_files()[name].data.decode()
        for other in re.findall(r'from "\./([^"]+)"', text):
            assert other in scripts, (name, other)
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|eval\(|https?://(?!www\.w3)", text
        )
