"""Programs outlive the server and its engine."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import httpx2
import pytest
from generators.servers import start_server
from generators.uploads import run, upload

from sglc.server.errors import ApiError
from sglc.server.programs.folder import ProgramFolder
from sglc.server.programs.upload import Upload

ADD = "prompt add(a: int, b: int = 1) -> int:\n    return a + b\n"
SAY = 'prompt say(what: str):\n    "{what}:{said = gen(max_tokens=4)}"\n'


def test_programs_are_there_after_a_restart(tmp_path: Path) -> None:
    server = start_server(tmp_path)
    with httpx2.Client(base_url=server.url, timeout=60) as http:
        program, say = upload(http, ADD), upload(http, SAY)
        before = http.get(f"/v1/programs/{program}").json()
        said = run(http, say, arguments={"what": "a"}, seed=1)
        os.kill(server.engine_pid(), signal.SIGKILL)
        for _ in range(200):  # runs that come too early are refused
            reply = http.post(
                f"/v1/programs/{say}/run", json={"arguments": {"what": "a"}, "seed": 1}
            )
            if reply.status_code == 200:
                break
            assert reply.status_code == 503, reply.text
            time.sleep(0.1)
        assert reply.json()["captures"] == said["captures"]
    assert server.stop() == 0, server.log.read_text()
    (file,) = (tmp_path / "sglc-storage").rglob(f"{say}.json")
    data = json.loads(file.read_text())
    data["upload"]["source"] += "# changed"
    file.write_text(json.dumps(data))
    server = start_server(tmp_path)
    with httpx2.Client(base_url=server.url, timeout=60) as http:
        assert http.get(f"/v1/programs/{program}").json() == before
        assert run(http, program, arguments={"a": 1})["value"] == 2
        damaged = http.get(f"/v1/programs/{say}")
        assert (damaged.status_code, damaged.json()["error"]["code"]) == (500, "storage_damaged")
        assert http.delete(f"/v1/programs/{say}").status_code == 200
        assert upload(http, SAY) == say
        assert http.get(f"/v1/runs/{said['id']}").status_code == 404  # runs do not outlive it
    assert server.stop() == 0, server.log.read_text()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"upload": 3}', '{"upload": {"x": 1}}', "\0"])
def test_a_file_that_is_none_is_told_as_damage(tmp_path: Path, text: str) -> None:
    folder = ProgramFolder(tmp_path / "programs")
    upload_ = Upload(source=ADD)
    folder.write("me", upload_, 10)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(text)
    with pytest.raises(ApiError) as caught:
        folder.read("me", upload_.id)
    assert caught.value.code == "storage_damaged"


def test_what_a_crash_has_left_of_a_write_is_no_program(tmp_path: Path) -> None:
    folder = ProgramFolder(tmp_path)
    upload_ = Upload(source=ADD)
    folder.write("me", upload_, 10)
    (file,) = tmp_path.rglob("*.json")
    (file.parent / "0123.partial").write_text("{")
    assert folder.ids("me") == [upload_.id]
    assert folder.ids("you") == []
    assert folder.read("you", upload_.id) is None


@pytest.mark.parametrize(
    "name", ["", "..", "../..", "prog_", "prog_" + "g" * 64, "/etc/passwd", "prog_" + "0" * 65]
)
def test_a_name_that_is_no_id_is_no_path(tmp_path: Path, name: str) -> None:
    folder = ProgramFolder(tmp_path)
    assert folder.read("../../etc", name) is None
    assert not folder.remove("", name)


def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    folder = ProgramFolder(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ApiError) as caught:
        folder.write("me", Upload(source=ADD), 10)
    assert caught.value.status == 507
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
