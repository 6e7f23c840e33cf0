"""A storage folder in the hands of a test."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sglc.server.storage.records import StoredBatch, StoredFile
from sglc.server.storage.storage import Storage

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def put(storage: Storage, data: bytes = b"data", tenant: str = "") -> StoredFile:
    blob = await storage.files.write(chunks(data))
    return await storage.files.record(blob, tenant=tenant, filename="f", purpose="batch")


async def content(storage: Storage, file: StoredFile) -> bytes:
    with await storage.files.open(file) as found:
        return found.read()


async def all_files(storage: Storage, tenant: str = "") -> list[StoredFile]:
    return list((await storage.files.list(tenant, limit=1000, order="asc")).items)


def on_disk(folder: Path) -> set[str]:
    return {path.name for part in ("files", "partial") for path in (folder / part).iterdir()}


@contextmanager
def opened(folder: Path) -> Iterator[Storage]:
    storage = Storage(folder)
    try:
        yield storage
    finally:
        storage.close()


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """No file grows beyond ``limit`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def begun_batch(storage: Storage) -> StoredBatch:
    file = await put(storage)
    return await storage.batches.create(
        "", input_file_id=file.id, endpoint="/v1/completions", metadata=None
    )
