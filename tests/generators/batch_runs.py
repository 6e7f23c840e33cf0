"""Batches without an engine: what answers their lines, and what asks how they are."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sglc.server.errors import ApiError
from sglc.server.openai.batch_runner import BatchRunner
from sglc.server.openai.batch_window import BatchWindow
from sglc.server.storage.records import StoredBatch
from sglc.server.storage.storage import Storage

URL = "/v1/completions"


class Engine:
    """Answers lines as their bodies say, and counts."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.num_running = 0
        self.most_running = 0
        self.num_deaths = 0
        self.others = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._died: list[asyncio.Future[None]] = []

    async def complete(self, batch: StoredBatch, body: dict[str, Any]) -> dict[str, Any]:
        self.seen[body["prompt"]] += 1
        self.num_running += 1
        self.most_running = max(self.most_running, self.num_running)
        death = asyncio.get_running_loop().create_future()
        self._died.append(death)
        try:
            await asyncio.wait(
                {death, asyncio.create_task(self._work(body))}, return_when="FIRST_COMPLETED"
            )
            if death.done():
                raise ApiError(503, "the engine's process has died")
            if body.get("refuse"):
                raise ApiError(body["refuse"], "refused", param="prompt")
            if body.get("crash"):
                raise RuntimeError("a bug")
            return {"tenant": batch.tenant, "text": body["prompt"].upper()}
        finally:
            self._died.remove(death)
            self.num_running -= 1

    async def _work(self, body: dict[str, Any]) -> None:
        await self.gate.wait()
        await asyncio.sleep(body.get("sleep", 0))
        if body.get("kill"):
            self.num_deaths += 1
            for death in list(self._died):
                death.set_result(None)


def request(prompt: str, custom_id: str | None = None, **body: Any) -> dict[str, Any]:
    return {
        "custom_id": prompt if custom_id is None else custom_id,
        "method": "POST",
        "url": URL,
        "body": {"prompt": prompt, **body},
    }


async def one(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def submit(
    storage: Storage, lines: Sequence[dict[str, Any]] | bytes, tenant: str = "t"
) -> StoredBatch:
    data = lines
    if not isinstance(data, bytes):
        data = b"\n".join(json.dumps(line).encode() for line in data)
    blob = await storage.files.write(one(data))
    file = await storage.files.record(blob, tenant=tenant, filename="in", purpose="batch")
    return await storage.batches.create(tenant, input_file_id=file.id, endpoint=URL, metadata=None)


async def until(
    storage: Storage, batch: StoredBatch, ready: Callable[[StoredBatch], bool]
) -> StoredBatch:
    async with asyncio.timeout(20):
        while True:
            found = await storage.batches.get(batch.tenant, batch.id)
            if ready(found):
                return found
            await asyncio.sleep(0.01)


async def end_of(storage: Storage, batch: StoredBatch) -> StoredBatch:
    return await until(storage, batch, lambda found: found.is_over)


async def read(storage: Storage, batch: StoredBatch, file_id: str | None) -> list[dict[str, Any]]:
    if file_id is None:
        return []
    file = await storage.files.get(batch.tenant, file_id)
    assert file.purpose == "batch_output"
    with await storage.files.open(file) as content:
        return [json.loads(line) for line in content]


async def replies(storage: Storage, batch: StoredBatch) -> tuple[list[Any], list[Any]]:
    """Return the lines of the output and of the error file of an ended batch."""
    found = await end_of(storage, batch)
    output = await read(storage, batch, found.output_file_id)
    return output, await read(storage, batch, found.error_file_id)


def ids(lines: Sequence[dict[str, Any]]) -> list[str]:
    return [line["custom_id"] for line in lines]


@asynccontextmanager
async def running(storage: Storage, engine: Engine, size: int = 8) -> AsyncIterator[BatchRunner]:
    async with BatchRunner(
        storage,
        {URL: engine.complete},
        BatchWindow(size, lambda: engine.others),
        lambda: engine.num_deaths,
        10_000,
    ) as runner:
        yield runner


Test = Callable[[Storage, Engine], Awaitable[None]]


def run(folder: Path, test: Test) -> None:
    async def main() -> None:
        await test(storage, Engine())

    storage = Storage(folder)
    try:
        asyncio.run(main())
    finally:
        storage.close()
