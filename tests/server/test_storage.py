"""The storage folder under faults: what was acknowledged is there, and nothing else is."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from generators.storage import (
    all_files,
    begun_batch,
    chunks,
    content,
    full_disk,
    on_disk,
    opened,
    put,
    run,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.server.errors import ApiError
from sglc.server.storage.blobs import BlobFolder, BlobWriter
from sglc.server.storage.records import StoredFile
from sglc.server.storage.storage import Storage


def test_files_outlive_the_process(tmp_path: Path) -> None:
    with opened(tmp_path) as storage:
        file = run(put(storage, b"kept"))
    with opened(tmp_path) as storage:
        assert run(all_files(storage)) == [file]
        assert run(content(storage, file)) == b"kept"


def test_a_tenant_sees_its_own_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as storage:
        file = run(put(storage, tenant="a"))
        assert run(all_files(storage, "a")) == [file]
        assert run(all_files(storage, "b")) == []
        for work in (
            storage.files.get("b", file.id),
            storage.files.delete("b", file.id),
            storage.files.list("b", limit=9, after=file.id),
            storage.batches.create(
                "b", input_file_id=file.id, endpoint="/v1/completions", metadata=None
            ),
        ):
            with pytest.raises(ApiError) as found:
                run(work)
            assert found.value.status == 404
        batch = run(
            storage.batches.create(
                "a", input_file_id=file.id, endpoint="/v1/completions", metadata=None
            )
        )
        for other in (
            storage.batches.get("b", batch.id),
            storage.batches.request_cancel("b", batch.id),
            storage.batches.list("b", limit=9, after=batch.id),
        ):
            with pytest.raises(ApiError) as found:
                run(other)
            assert found.value.status == 404


@settings(max_examples=12, deadline=None)
@given(
    count=st.integers(0, 6),
    limit=st.integers(1, 5),
    order=st.sampled_from(["asc", "desc"]),
    times=st.lists(st.integers(0, 1 << 40), min_size=6, max_size=6),
)
def test_pages_give_each_file_once_in_the_order_of_their_numbers_whatever_the_clock_says(
    tmp_path_factory: pytest.TempPathFactory,
    count: int,
    limit: int,
    order: str,
    times: list[int],
) -> None:
    async def walk(storage: Storage) -> list[str]:
        found: list[str] = []
        while True:
            page = await storage.files.list(
                "", limit=limit, after=found[-1] if found else None, order=order
            )
            found += [each.id for each in page.items]
            assert len(page.items) == limit or not page.has_more
            if not page.has_more:
                return found

    with pytest.MonkeyPatch.context() as patch, opened(tmp_path_factory.mktemp("s")) as storage:
        clock = iter(times)
        patch.setattr("sglc.server.storage.files.time.time", lambda: next(clock))
        made = [run(put(storage)).id for _ in range(count)]
        assert run(walk(storage)) == (made if order == "asc" else made[::-1])


def test_a_clock_that_jumps_back_gives_no_time_before_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([5000, 5000, 100, 7000, 200])
    monkeypatch.setattr("sglc.server.storage.batches.time.time", lambda: next(clock))
    with opened(tmp_path) as storage:
        batch = run(begun_batch(storage))  # the file takes the first tick
        assert batch.created_at == 5000
        batch = run(storage.batches.begin(batch, 1))
        assert batch.in_progress_at == 5000
        run(storage.batches.finalize(batch))
        run(storage.batches.finish(batch, "completed"))
        batch = run(storage.batches.get("", batch.id))
        assert (batch.finalizing_at, batch.completed_at) == (7000, 7000)


@pytest.mark.parametrize("limit", [0, 1000, 40_000])
def test_a_full_disk_refuses_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    with opened(tmp_path) as storage:
        kept = run(put(storage, b"kept"))
        with full_disk(limit), pytest.raises(ApiError) as found:
            run(put(storage, b"x" * 100_000))
        assert found.value.status == 507
        assert run(all_files(storage)) == [kept]
        assert on_disk(tmp_path) == {kept.id}
        assert run(content(storage, kept)) == b"kept"
        after = run(put(storage, b"after"))
    with opened(tmp_path) as storage:
        assert run(all_files(storage)) == [kept, after]


def test_a_disk_that_is_full_when_the_record_is_written_leaves_no_blob(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as storage:
        blob = run(storage.files.write(chunks(b"x")))
        with full_disk(0), pytest.raises(ApiError) as found:
            run(storage.files.record(blob, tenant="", filename="f", purpose="batch"))
        assert found.value.status == 507
        assert on_disk(tmp_path) == set()
        assert run(all_files(storage)) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MiB."""
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(tmp_path)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"a disk of its own cannot be mounted: {made.stderr.strip()}")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_disk_without_a_free_byte_can_be_restarted_on_and_cleared(small_disk: Path) -> None:
    def fill(storage: Storage, data: bytes) -> list[StoredFile]:
        made: list[StoredFile] = []
        while True:
            try:
                made.append(run(put(storage, data)))
            except ApiError as error:
                assert "disk is full" in error.message  # noqa: PT017  # how full, only this tells
                return made

    with opened(small_disk) as storage:
        made = fill(storage, b"x" * 50_000)
        made += fill(storage, b"x" * 100)
        made += fill(storage, b"")
        assert os.statvfs(small_disk).f_bavail < 10
    with opened(small_disk) as storage:
        assert run(all_files(storage)) == made
        for file in made[:3]:
            run(storage.files.delete("", file.id))
        made = [*made[3:], run(put(storage, b"x" * 50_000))]
    with opened(small_disk) as storage:
        assert run(all_files(storage)) == made
        assert on_disk(small_disk) == {file.id for file in made}


def test_a_write_that_fails_in_its_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.write, []

    def half(descriptor: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: len(data) // 2])

    with opened(tmp_path) as storage:
        monkeypatch.setattr("sglc.server.storage.blobs.os.write", half)
        with pytest.raises(ApiError) as found:
            run(put(storage, b"0123456789"))
        assert found.value.status == 507
        assert calls == [10, 5]  # a short write goes on where it was
        assert on_disk(tmp_path) == set()


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as storage:
        with pytest.raises(ApiError) as found:
            run(storage.files.write(chunks(b"123", b"456"), max_bytes=5))
        assert found.value.status == 413
        assert on_disk(tmp_path) == set()
        run(storage.files.write(chunks(b"123", b"45"), max_bytes=5))


def test_an_upload_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0)

    async def cancelled(storage: Storage) -> None:
        task = asyncio.create_task(storage.files.write(endless()))
        while not on_disk(tmp_path):
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with opened(tmp_path) as storage:
        run(cancelled(storage))
        assert on_disk(tmp_path) == set()


def test_an_upload_that_is_cancelled_while_it_is_created_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = BlobFolder.create, threading.Event()

    def slow(self: BlobFolder, name: str) -> BlobWriter:
        writer = real(self, name)
        made.set()
        time.sleep(0.1)
        return writer

    async def cancelled(storage: Storage) -> None:
        task = asyncio.create_task(storage.files.write(chunks(b"123")))
        await asyncio.to_thread(made.wait)
        assert on_disk(tmp_path)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    monkeypatch.setattr(BlobFolder, "create", slow)
    with opened(tmp_path) as storage:
        run(cancelled(storage))
        assert on_disk(tmp_path) == set()


_WRITER = """
import asyncio, sys
from pathlib import Path
from sglc.server.storage.storage import Storage

async def main():
    storage = Storage(Path(sys.argv[1]))
    async def chunks():
        for _ in range(20):
            yield b"x" * 50_000
    while True:
        blob = await storage.files.write(chunks())
        file = await storage.files.record(blob, tenant="", filename="f", purpose="batch")
        print(file.id, flush=True)
        if int(file.id[-1], 16) < 5:
            await storage.files.delete("", file.id)
            print("-" + file.id, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("delay", [0.05, 0.21, 0.4])
def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, delay: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(delay)
    process.kill()
    said = [first.strip(), *process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    gone = {word[1:] for word in said if word.startswith("-")}
    kept = {word for word in said if not word.startswith("-")} - gone
    with opened(tmp_path) as storage:
        files = run(all_files(storage))
        found = {file.id for file in files}
        last = said[-1]
        assert kept - found <= {last}  # its removal may have been under way
        assert not found & gone
        assert len(found - kept) <= 1  # stored, but not yet said
        assert on_disk(tmp_path) == found
        for file in files:
            assert run(content(storage, file)) == b"x" * 1_000_000


def test_content_that_was_cut_short_or_lost_is_said_so(tmp_path: Path) -> None:
    with opened(tmp_path) as storage:
        file = run(put(storage, b"0123456789"))
        path = tmp_path / "files" / file.id
        path.write_bytes(b"0123")
        with pytest.raises(ApiError, match="4 bytes instead of 10") as found:
            run(content(storage, file))
        assert found.value.code == "storage_damaged"
        path.unlink()
        with pytest.raises(ApiError, match="No such file"):
            run(content(storage, file))
        run(storage.files.delete("", file.id))


def test_a_file_that_a_batch_reads_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as storage:
        batch = run(begun_batch(storage))
        with pytest.raises(ApiError, match=batch.id) as found:
            run(storage.files.delete("", batch.input_file_id))
        assert found.value.status == 409
        run(storage.batches.finish(batch, "cancelled"))
        run(storage.files.delete("", batch.input_file_id))
        assert on_disk(tmp_path) == set()
