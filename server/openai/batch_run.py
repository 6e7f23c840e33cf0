"""One batch from where it is to its end; what was stored of it before is not done again."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from sglc.server.engine.background import IN_BACKGROUND
from sglc.server.errors import ApiError
from sglc.server.http.replies import dumps
from sglc.server.openai.batch_lines import BatchLines, InvalidInput, damaged_input, scan_lines
from sglc.server.openai.batch_results import ResultWriter, despite_full_disk
from sglc.server.openai.batch_window import BatchWindow
from sglc.server.storage.batches import BatchOutput, LineResult
from sglc.server.storage.records import BatchStatus, StoredBatch, new_id
from sglc.server.storage.storage import Storage

log = logging.getLogger("sglc.server")

WINDOW_S = 24 * 3600.0
_MAX_DEATHS = 3  # of the engine while a line ran; then the line is taken for their cause
_RETRY_S = (0.1, 5.0)
_NUM_RESULTS = 500  # of lines that have expired, stored at once

Complete = Callable[[StoredBatch, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Answers the body of one request of a batch.

Raises:
    ApiError: it is refused, or failed.
"""


class _Attempt(NamedTuple):
    """The reply to a line, and whether the engine died meanwhile."""

    status: int
    body: dict[str, Any]
    has_died: bool

    @property
    def is_transient(self) -> bool:
        """Whether it says nothing of the line: the engine was away, or had no room."""
        return self.status in (429, 503)


class BatchRun:
    """Runs one batch. ``cancel`` ends it early; cancelling the task leaves it for the next start.

    ``complete`` answers a line, ``num_deaths`` returns how often the engine has died so far.
    """

    def __init__(
        self,
        batch: StoredBatch,
        storage: Storage,
        window: BatchWindow,
        complete: Complete,
        num_deaths: Callable[[], int],
        max_line_bytes: int,
    ) -> None:
        self._batch = batch
        self._storage = storage
        self._window = window
        self._complete = complete
        self._num_deaths = num_deaths
        self._max_line_bytes = max_line_bytes
        self._began = asyncio.get_running_loop().time()
        self._writer = ResultWriter(storage.batches, batch, self._worked_s)
        self._cancelled = asyncio.Event()
        self._calm = asyncio.Event()  # no line waits to be tried once more, alone
        self._calm.set()
        self._alone = asyncio.Lock()
        self._num_retries = 0

    def cancel(self) -> None:
        """Begin nothing more, drop what runs, and end with what is done."""
        self._cancelled.set()

    async def run(self) -> None:
        """Bring the batch to its end."""
        try:
            lines = await self._open()
        except InvalidInput as error:
            await self._finish("failed", json.dumps(error.errors))
            return
        try:
            status = await self._run(lines)
        finally:
            lines.close()
            await self._writer.flush()
        await self._finish(status)

    async def fail(self, message: str) -> None:
        """End the batch, because of a fault of ours, with what is done."""
        failure = {"code": "internal_error", "message": message, "param": None, "line": None}
        await self._finish("failed", json.dumps([failure]))

    async def _open(self) -> BatchLines:
        batch, files = self._batch, self._storage.files
        try:
            stored = await files.get(batch.tenant, batch.input_file_id)
            file = await files.open(stored)
        except ApiError as error:
            raise InvalidInput([damaged_input(error.message)]) from None
        try:
            return await asyncio.to_thread(
                scan_lines, file, stored, batch.endpoint, self._max_line_bytes
            )
        except BaseException:
            file.close()
            raise

    async def _run(self, lines: BatchLines) -> BatchStatus:
        batches = self._storage.batches
        batch = await despite_full_disk(lambda: batches.begin(self._batch, len(lines)))
        if batch.status == "cancelling":
            return "cancelled"
        done = await batches.done_lines(batch)
        todo = [number for number in range(len(lines)) if number not in done]
        work = asyncio.create_task(self._run_lines(lines, todo))
        watch = asyncio.create_task(self._cancelled.wait())
        try:
            await asyncio.wait(
                {work, watch},
                timeout=max(0.0, WINDOW_S - self._worked_s()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if work.done():
                work.result()
                batch = await despite_full_disk(lambda: batches.finalize(self._batch))
                return "cancelled" if batch.status == "cancelling" else "completed"
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)
        if self._cancelled.is_set():
            return "cancelled"
        await self._writer.flush()
        await self._expire(lines)
        return "expired"

    async def _run_lines(self, lines: BatchLines, todo: Sequence[int]) -> None:
        async with asyncio.TaskGroup() as group:
            for number in todo:
                await self._calm.wait()
                await self._window.enter()
                task = group.create_task(self._run_line(lines, number))
                task.add_done_callback(lambda _: self._window.leave())

    async def _run_line(self, lines: BatchLines, number: int) -> None:
        line = await asyncio.to_thread(lines.read, number)
        attempt = await self._answer(line["body"])
        await self._writer.put(
            LineResult(number, attempt.status != 200, _reply(line["custom_id"], attempt))
        )

    async def _answer(self, body: dict[str, Any]) -> _Attempt:
        """Answer one line; what is not its fault is tried again, alone, before others begin."""
        attempt = await self._try(body)
        if not attempt.is_transient:
            return attempt
        num_deaths, pause = int(attempt.has_died), _RETRY_S[0]
        self._num_retries += 1
        self._calm.clear()
        try:
            async with self._alone:
                while attempt.is_transient and num_deaths < _MAX_DEATHS:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _RETRY_S[1])
                    attempt = await self._try(body)
                    num_deaths += attempt.has_died
        finally:
            self._num_retries -= 1
            if not self._num_retries:
                self._calm.set()
        return attempt

    async def _try(self, body: dict[str, Any]) -> _Attempt:
        before = self._num_deaths()
        IN_BACKGROUND.set(True)  # of the task of this line
        try:
            return _Attempt(200, await self._complete(self._batch, body), False)
        except ApiError as error:
            return _Attempt(error.status, error.to_data(), self._num_deaths() > before)
        except Exception:  # one line is one request: its failure is logged, and is its own
            log.exception("a line of batch %s failed", self._batch.id)
            failure = ApiError(500, "internal error; the server's log has the details")
            return _Attempt(500, failure.to_data(), False)

    async def _expire(self, lines: BatchLines) -> None:
        """Give the lines that have no result one that says so."""
        done = await self._storage.batches.done_lines(self._batch)
        todo = [number for number in range(len(lines)) if number not in done]
        message = "the batch's window of 24 hours was over before this request was done"
        failure = {"code": "batch_expired", "message": message}
        for begin in range(0, len(todo), _NUM_RESULTS):
            results = []
            for number in todo[begin : begin + _NUM_RESULTS]:
                line = await asyncio.to_thread(lines.read, number)
                reply = _line(line["custom_id"], None, failure)
                results.append(LineResult(number, True, reply))
            await despite_full_disk(
                partial(self._storage.batches.add_results, self._batch, results, self._worked_s())
            )

    async def _finish(self, status: BatchStatus, errors: str | None = None) -> None:
        await despite_full_disk(lambda: self._write_outputs(status, errors))
        log.info("batch %s is %s", self._batch.id, status)

    async def _write_outputs(self, status: BatchStatus, errors: str | None) -> None:
        """Write the files and end the batch: all of it, or nothing."""
        files, batches = self._storage.files, self._storage.batches
        outputs: list[BatchOutput] = []
        try:
            for is_error, name in ((False, "output"), (True, "error")):
                if await batches.results(self._batch, is_error=is_error, behind=-1):
                    blob = await files.write(self._results(is_error))
                    filename = f"{self._batch.id}_{name}.jsonl"
                    outputs.append(BatchOutput(blob, filename, is_error))
            await batches.finish(self._batch, status, outputs, errors)
        except ApiError:
            for output in outputs:
                await files.drop(output.file)
            raise

    async def _results(self, is_error: bool) -> AsyncIterator[bytes]:
        behind = -1
        while True:
            results = await self._storage.batches.results(
                self._batch, is_error=is_error, behind=behind
            )
            if not results:
                return
            behind = results[-1].line
            yield b"".join(result.reply + b"\n" for result in results)

    def _worked_s(self) -> float:
        return self._batch.worked_s + asyncio.get_running_loop().time() - self._began


def _reply(custom_id: str, attempt: _Attempt) -> bytes:
    response = {
        "status_code": attempt.status,
        "request_id": new_id("req_"),
        "body": attempt.body,
    }
    return _line(custom_id, response, None)


def _line(custom_id: str, response: dict[str, Any] | None, error: dict[str, Any] | None) -> bytes:
    return dumps(
        {
            "id": new_id("batch_req_"),
            "custom_id": custom_id,
            "response": response,
            "error": error,
        }
    )
