"""Batches without an engine: every line is answered once, whatever is cut short or fails."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from generators.batch_runs import (
    URL,
    Engine,
    Test,
    end_of,
    ids,
    replies,
    request,
    run,
    running,
    submit,
    until,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.server.errors import ApiError
from sglc.server.openai import batch_results, batch_run
from sglc.server.openai.batch_runner import BatchRunner
from sglc.server.openai.batch_window import BatchWindow
from sglc.server.storage import batches
from sglc.server.storage.records import StoredBatch
from sglc.server.storage.storage import Storage


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_run, "_RETRY_S", (0.001, 0.01))
    monkeypatch.setattr(batch_results, "FULL_DISK_PAUSE_S", 0.01)


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
