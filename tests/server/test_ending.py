"""How a server ends: after what runs, or at once; and it leaves no process behind."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from generators.servers import RunningServer, free_port, start_server

EMBEDDED = Path(__file__).parents[2] / "runtime" / "embedded"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


def request_of(num_tokens: int) -> dict[str, Any]:
    return {
        "text": "Once upon a time",
        "stream": True,
        "sampling_params": {"max_new_tokens": num_tokens, "ignore_eos": True},
    }


@contextmanager
def started(folder: Path, *flags: str) -> Iterator[tuple[RunningServer, httpx2.Client]]:
    server = start_server(folder, *flags)
    try:
        with httpx2.Client(base_url=server.url, timeout=60) as http:
            yield server, http
    finally:
        server.process.kill()
        server.process.wait()


def is_gone(pid: int) -> bool:
    """Wait for the end of a process; False when it takes more than 10 s."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def drained(server: RunningServer, http: httpx2.Client, num_tokens: int) -> list[Any]:
    """Send SIGTERM during a stream; check that nothing new is let in; return the events."""
    events: list[Any] = []
    with http.stream("POST", "/generate", json=request_of(num_tokens)) as stream:
        for line in stream.iter_lines():
            if not events:
                server.process.send_signal(signal.SIGTERM)
                health = http.get("/health")
                while health.status_code == 200:
                    health = http.get("/health")
                refused = http.post("/generate", json=request_of(1))
                assert health.status_code == refused.status_code == 503
                assert refused.json()["error"]["code"] == "shutting_down"
                assert int(refused.headers["Retry-After"]) > 0
            if line:
                events.append(line.removeprefix("data: "))
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


def test_what_runs_may_end(tmp_path: Path) -> None:
    with started(tmp_path) as (server, http):
        engine = server.engine_pid()
        events = drained(server, http, 400)
        assert events[-1]["meta_info"]["completion_tokens"] == 400
        assert server.process.wait(10) == 0
        assert is_gone(engine)
        assert "Traceback" not in server.log.read_text()


def test_what_runs_for_too_long_is_cancelled_with_an_error(tmp_path: Path) -> None:
    with started(tmp_path, "--drain-timeout", "0.2") as (server, http):
        engine = server.engine_pid()
        events = drained(server, http, 2000)
        assert events[-1]["error"]["message"] == "the server is shutting down"
        assert server.process.wait(10) == 0
        assert is_gone(engine)
        assert "Traceback" not in server.log.read_text()


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with started(tmp_path) as (server, http):
        engine = server.engine_pid()
        with http.stream("POST", "/generate", json=request_of(2000)) as stream:
            lines = stream.iter_lines()
            assert next(lines)
            server.process.send_signal(signal.SIGINT)
            while http.get("/health").status_code == 200:
                pass
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(10) == 128 + signal.SIGINT
            assert is_gone(engine)


def test_the_engine_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    with started(tmp_path) as (server, http):
        engine = server.engine_pid()
        with http.stream("POST", "/generate", json=request_of(2000)) as stream:
            lines = stream.iter_lines()
            assert next(lines)
            server.process.kill()
            assert is_gone(engine)


def test_a_signal_while_the_engine_starts_is_no_failure(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sglc.cli.main", "serve", "--port", str(free_port())]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not children.read_text():
            assert process.poll() is None
            time.sleep(0.01)
        engine = int(children.read_text().split()[0])
        process.terminate()
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        assert is_gone(engine)


def failed(folder: Path, *flags: str) -> str:
    """Return what a server says that cannot start."""
    ended = subprocess.run(
        [sys.executable, "-m", "sglc.cli.main", "serve", *flags],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_an_address_in_use_is_a_line_and_an_exit_code(
    server: RunningServer, tmp_path: Path
) -> None:
    said = failed(tmp_path, "--port", str(server.port))
    assert f"cannot listen at 127.0.0.1:{server.port}" in said


def test_an_engine_that_cannot_start_is_a_line_and_an_exit_code(tmp_path: Path) -> None:
    broken = tmp_path / "model"
    shutil.copytree(EMBEDDED, broken)
    (broken / "model.safetensors").write_bytes(b"no weights")
    said = failed(tmp_path, "--port", str(free_port()), "--model-path", str(broken))
    assert said.splitlines()[-1].startswith("sglc: ")
    assert "model.safetensors" in said
