"""A storage folder that cannot be used: the server does not start, and says why in a line."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from generators.storage import all_files, on_disk, opened, put, run

from sglc.server.storage.faults import StorageError
from sglc.server.storage.storage import Storage


def test_one_server_per_folder(tmp_path: Path) -> None:
    said = f"used by another server .process {os.getpid()}"
    with opened(tmp_path), pytest.raises(StorageError, match=said):
        Storage(tmp_path)
    with opened(tmp_path):
        pass


def test_a_server_says_in_a_line_why_it_cannot_store(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sglc.cli.main", "serve", "--port", "0"]

    def refusal() -> str:
        ended = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode != 0
        assert "Traceback" not in ended.stderr
        return ended.stderr.splitlines()[-1]

    folder = tmp_path / "sglc-storage"
    with opened(folder):
        assert "sglc-storage is used by another server" in refusal()
    (folder / "state.sqlite").write_bytes(b"x" * 5000)
    assert "state.sqlite is damaged" in refusal()


@pytest.mark.parametrize("place", [0, 4096, 12_000])
def test_a_damaged_database_is_refused_by_name_and_untouched(tmp_path: Path, place: int) -> None:
    with opened(tmp_path) as storage:
        for _ in range(20):
            run(put(storage))
    path = tmp_path / "state.sqlite"
    data = bytearray(path.read_bytes())
    data[place : place + 2000] = b"\xa5" * 2000
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"state\.sqlite is damaged .*put a backup"):
        Storage(tmp_path)
    assert path.read_bytes() == data
    assert len(on_disk(tmp_path)) == 20
    for name in ("state.sqlite", "state.sqlite-wal"):
        (tmp_path / name).unlink(missing_ok=True)
    with opened(tmp_path) as storage:  # the way out that the message names
        assert run(all_files(storage)) == []
    assert len(on_disk(tmp_path)) == 20  # files of no record are not ours to remove


def test_a_database_of_others_or_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    path = tmp_path / "state.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StorageError, match="schema 99, written by a newer version"):
        Storage(tmp_path)
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    with pytest.raises(StorageError, match="database of another program"):
        Storage(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="--file-storage-pth"):
        Storage(tmp_path / "file" / "storage")
