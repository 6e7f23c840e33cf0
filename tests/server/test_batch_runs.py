"""Batches without an engine: every line is answered once, whatever is cut short or fails."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.server.errors import ApiError
from sglc.server.openai import batch_results, batch_run
from sglc.server.openai.batch_runner import BatchRunner
from sglc.server.openai.batch_window import BatchWindow
from sglc.server.storage import batches
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


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_run, "_RETRY_S", (0.001, 0.01))
    monkeypatch.setattr(batch_results, "FULL_DISK_PAUSE_S", 0.01)


Test = Callable[[Storage, Engine], Awaitable[None]]


def run(folder: Path, test: Test) -> None:
    async def main() -> None:
        await test(storage, Engine())

    storage = Storage(folder)
    try:
        asyncio.run(main())
    finally:
        storage.close()


def test_every_line_is_answered_in_the_order_of_the_input(tmp_path: Path) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        lines = [request(f"p{i}", sleep=0.001 * (i * 7 % 5)) for i in range(30)]
        async with running(storage, engine):
            batch = await submit(storage, lines)
            output, errors = await replies(storage, batch)
        found = await end_of(storage, batch)
        assert ids(output) == [line["custom_id"] for line in lines]
        assert errors == []
        assert output[3]["response"]["status_code"] == 200
        assert output[3]["response"]["body"] == {"tenant": "t", "text": "P3"}
        assert output[3]["error"] is None
        assert found.status == "completed"
        assert (found.num_total, found.num_completed, found.num_failed) == (30, 30, 0)
        assert found.error_file_id is None
        assert found.created_at <= found.in_progress_at <= found.finalizing_at  # type: ignore[operator]  # all set
        assert engine.most_running <= 8
        assert set(engine.seen.values()) == {1}

    run(tmp_path, test)


def test_results_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_RESULT_BYTES", 700)  # two or three of them

    async def test(storage: Storage, engine: Engine) -> None:
        lines = [request(f"p{i}") for i in range(20)]
        async with running(storage, engine):
            output, _ = await replies(storage, await submit(storage, lines))
        assert ids(output) == [line["custom_id"] for line in lines]

    run(tmp_path, test)


def test_lines_that_are_refused_go_to_the_error_file(tmp_path: Path) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        lines = [request("a"), request("b", refuse=400), request("c", crash=True)]
        async with running(storage, engine):
            batch = await submit(storage, lines)
            output, errors = await replies(storage, batch)
        found = await end_of(storage, batch)
        assert ids(output) == ["a"]
        assert ids(errors) == ["b", "c"]
        assert errors[0]["response"]["status_code"] == 400
        assert errors[0]["response"]["body"]["error"]["param"] == "prompt"
        assert errors[1]["response"]["status_code"] == 500
        assert "a bug" not in json.dumps(errors)
        assert (found.status, found.num_completed, found.num_failed) == ("completed", 1, 2)

    run(tmp_path, test)


@settings(max_examples=10, deadline=None)
@given(stops=st.lists(st.integers(0, 40), max_size=4), size=st.integers(1, 6))
def test_a_batch_goes_on_where_it_was_and_runs_no_stored_line_again(
    tmp_path_factory: pytest.TempPathFactory, stops: list[int], size: int
) -> None:
    folder = tmp_path_factory.mktemp("s")
    lines = [request(f"p{i}", sleep=0.001 * (i % 4), refuse=400 * (i % 5 == 0)) for i in range(20)]
    before: dict[int, bytes] = {}

    async def stored(storage: Storage, batch: StoredBatch) -> dict[int, bytes]:
        found = {}
        for is_error in (False, True):
            for result in await storage.batches.results(batch, is_error=is_error, behind=-1):
                found[result.line] = result.reply
        return found

    async def begin(storage: Storage, engine: Engine) -> None:
        await submit(storage, lines)

    def part(stop: int) -> Test:
        async def test(storage: Storage, engine: Engine) -> None:
            (batch,) = (await storage.batches.list("t", limit=9)).items
            async with running(storage, engine, size):
                for _ in range(stop):
                    await asyncio.sleep(0.001)
            now = await stored(storage, batch)
            if not (await storage.batches.get("t", batch.id)).is_over:
                assert before.items() <= now.items()
                assert not {f"p{i}" for i in before} & engine.seen.keys()
                before.update(now)

        return test

    async def finish(storage: Storage, engine: Engine) -> None:
        (batch,) = (await storage.batches.list("t", limit=9)).items
        async with running(storage, engine, size):
            output, errors = await replies(storage, batch)
        found = await end_of(storage, batch)
        assert found.status == "completed"
        assert ids(output) == [f"p{i}" for i in range(20) if i % 5]
        assert ids(errors) == [f"p{i}" for i in range(20) if not i % 5]
        assert (found.num_completed, found.num_failed) == (16, 4)
        assert not {f"p{i}" for i in before} & engine.seen.keys()
        kept = {json.dumps(line) for line in (*output, *errors)}
        assert {json.dumps(json.loads(reply)) for reply in before.values()} <= kept
        assert await stored(storage, batch) == {}

    run(folder, begin)
    for stop in stops:
        run(folder, part(stop))
    run(folder, finish)


def test_cancelling_keeps_what_is_done_and_drops_what_runs(tmp_path: Path) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        lines = [request(f"p{i}", sleep=0 if i < 3 else 1000) for i in range(30)]
        async with running(storage, engine):
            batch = await submit(storage, lines)
            await until(storage, batch, lambda found: found.num_completed == 3)
            asked = await storage.batches.request_cancel("t", batch.id)
            assert asked.status == "cancelling"
            output, errors = await replies(storage, batch)
            assert engine.num_running == 0
            with pytest.raises(ApiError) as found:
                await storage.batches.request_cancel("t", batch.id)
            assert found.value.status == 409
        ended = await end_of(storage, batch)
        assert ended.status == "cancelled"
        assert (ids(output), errors) == (["p0", "p1", "p2"], [])
        assert ended.cancelled_at is not None
        assert ended.cancelling_at is not None

    run(tmp_path, test)


def test_a_batch_that_is_cancelled_while_no_server_runs_ends_at_the_next_start(
    tmp_path: Path,
) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        batch = await submit(storage, [request("a")])
        await storage.batches.request_cancel("t", batch.id)
        async with running(storage, engine):
            assert (await end_of(storage, batch)).status == "cancelled"
        assert not engine.seen

    run(tmp_path, test)


def test_the_window_counts_the_time_a_server_had_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        lines = [request("a"), request("b", sleep=1000), request("c", sleep=1000)]
        batch = await submit(storage, lines)
        async with running(storage, engine):
            await until(storage, batch, lambda found: found.num_completed == 1)
        worked_s = (await storage.batches.get("t", batch.id)).worked_s
        assert 0 < worked_s < 20
        monkeypatch.setattr(batch_run, "WINDOW_S", worked_s + 0.05)
        async with running(storage, engine):
            output, errors = await replies(storage, batch)
        ended = await end_of(storage, batch)
        assert ended.status == "expired"
        assert ids(output) == ["a"]
        assert ids(errors) == ["b", "c"]
        assert errors[0]["response"] is None
        assert errors[0]["error"]["code"] == "batch_expired"
        assert (ended.num_completed, ended.num_failed) == (1, 2)

    run(tmp_path, test)


def test_lines_survive_the_engine_and_the_one_that_kills_it_is_found(tmp_path: Path) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        lines = [request(f"p{i}", sleep=0.002, kill=i == 7) for i in range(24)]
        async with running(storage, engine):
            output, errors = await replies(storage, await submit(storage, lines))
        assert ids(output) == [f"p{i}" for i in range(24) if i != 7]
        assert ids(errors) == ["p7"]
        assert errors[0]["response"]["status_code"] == 503
        assert engine.num_deaths == 3

    run(tmp_path, test)


def test_a_server_without_room_is_waited_for(tmp_path: Path) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        refusals = iter([429, 503] * 10)

        async def complete(batch: StoredBatch, body: dict[str, Any]) -> dict[str, Any]:
            status = next(refusals, None)
            if status is not None:
                raise ApiError(status, "no room")
            return await engine.complete(batch, body)

        async with BatchRunner(
            storage, {URL: complete}, BatchWindow(4, lambda: 0), lambda: 0, 10_000
        ):
            output, errors = await replies(
                storage, await submit(storage, [request(f"p{i}") for i in range(9)])
            )
        assert (len(output), errors) == (9, [])

    run(tmp_path, test)


def test_others_who_ask_take_places_away_but_one(tmp_path: Path) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        async with running(storage, engine):
            for others, places in ((0, 8), (5, 3), (100, 1)):
                engine.others, engine.most_running = others, 0
                engine.gate.clear()
                batch = await submit(storage, [request(f"p{i}") for i in range(20)])
                async with asyncio.timeout(20):
                    while engine.num_running < places:
                        await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)  # as long as a place that is free is overlooked
                engine.gate.set()
                await end_of(storage, batch)
                assert engine.most_running == places

    run(tmp_path, test)


def test_a_tenant_with_many_batches_leaves_room_for_the_others(tmp_path: Path) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        engine.gate.clear()
        many = [await submit(storage, [request("a")], "many") for _ in range(6)]
        other = await submit(storage, [request("b")], "other")
        async with running(storage, engine):
            await until(storage, other, lambda found: found.status == "in_progress")
            waiting = [await storage.batches.get("many", batch.id) for batch in many]
            assert [batch.status for batch in waiting].count("in_progress") <= 3
            await storage.batches.request_cancel("many", many[-1].id)  # needs no turn
            assert (await end_of(storage, many[-1])).status == "cancelled"
            engine.gate.set()
            for batch in many:
                await end_of(storage, batch)

    run(tmp_path, test)


def test_a_full_disk_is_waited_for_and_no_line_runs_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        real = storage.batches.add_results
        is_full = True

        async def add_results(*args: Any) -> StoredBatch:
            if is_full:
                raise ApiError(507, "the disk is full")
            return await real(*args)

        monkeypatch.setattr(storage.batches, "add_results", add_results)
        async with running(storage, engine):
            batch = await submit(storage, [request(f"p{i}") for i in range(20)])
            async with asyncio.timeout(20):
                while sum(engine.seen.values()) < 8:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            found = await storage.batches.get("t", batch.id)
            assert (found.status, found.num_completed) == ("in_progress", 0)
            assert sum(engine.seen.values()) == 8  # a window, and no more
            is_full = False
            output, _ = await replies(storage, batch)
        assert len(output) == 20
        assert set(engine.seen.values()) == {1}

    run(tmp_path, test)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"p3")] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink])
def test_a_damaged_input_fails_the_batch_and_keeps_what_was_done(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        lines = [request(f"p{i}", sleep=0 if i < 2 else 1000) for i in range(9)]
        batch = await submit(storage, lines)
        async with running(storage, engine):
            await until(storage, batch, lambda found: found.num_completed == 2)
        damage(tmp_path / "files" / batch.input_file_id)
        async with running(storage, engine):
            output, _ = await replies(storage, batch)
        ended = await end_of(storage, batch)
        assert ended.status == "failed"
        assert ended.errors is not None
        (failure,) = json.loads(ended.errors)
        assert failure["code"] == "input_file_damaged"
        assert batch.input_file_id in failure["message"]
        assert ids(output) == ["p0", "p1"]

    run(tmp_path, test)


def _line(**changes: Any) -> bytes:
    line = request("a") | changes
    return json.dumps({name: value for name, value in line.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", [("empty_file", None, None)]),
        (b"\n \r\n\n", [("empty_file", None, None)]),
        (b"{", [("invalid_json_line", None, 1)]),
        (b"\n\xff\n", [("invalid_json_line", None, 2)]),
        (b"[1]", [("invalid_json_line", None, 1)]),
        (b'{"custom_id": NaN}', [("invalid_json_line", None, 1)]),
        (b"[" * 5000, [("invalid_json_line", None, 1)]),
        (_line(custom_id=...), [("missing_required_parameter", "custom_id", 1)]),
        (_line(custom_id=None), [("invalid_type", "custom_id", 1)]),
        (_line(custom_id=""), [("invalid_type", "custom_id", 1)]),
        (_line(body=...), [("missing_required_parameter", "body", 1)]),
        (_line(body=[]), [("invalid_type", "body", 1)]),
        (_line(body={"stream": True}), [("invalid_value", "body.stream", 1)]),
        (_line(method="GET"), [("invalid_method", "method", 1)]),
        (_line(url="/v1/embeddings"), [("mismatched_endpoint", "url", 1)]),
        (_line(foo=1), [("unknown_parameter", "foo", 1)]),
        (_line(body={"prompt": "x" * 10_000}), [("line_too_long", None, 1)]),
        (
            _line(body={"prompt": "x" * 30_000}) + b"\n" + _line(method="GET", custom_id="b"),
            [("line_too_long", None, 1), ("invalid_method", "method", 2)],
        ),
        (
            b"\n".join([_line(), b"", _line(url="x"), _line(custom_id="b")]),
            [("duplicate_custom_id", "custom_id", 3), ("mismatched_endpoint", "url", 3)],
        ),
    ],
)
def test_an_input_is_refused_as_a_whole_line_by_line(
    tmp_path: Path, data: bytes, expected: list[tuple[str, str | None, int | None]]
) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        async with running(storage, engine):
            ended = await end_of(storage, await submit(storage, data))
        assert ended.status == "failed"
        assert ended.errors is not None
        found = [(each["code"], each["param"], each["line"]) for each in json.loads(ended.errors)]
        assert found == expected
        assert (ended.output_file_id, ended.error_file_id) == (None, None)
        assert not engine.seen

    run(tmp_path, test)
